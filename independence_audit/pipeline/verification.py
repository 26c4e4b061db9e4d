"""Is a fingerprint that of the weights? Its values are read again where these are, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from independence_audit.checkpoint import open_named
from independence_audit.errors import IncomparableError, MalformedError, MissingError
from independence_audit.fingerprint.build import fingerprint_of
from independence_audit.fingerprint.library.pull import SOURCE
from independence_audit.fingerprint.model import Fingerprint, Sample
from independence_audit.fingerprint.sampler import SIZES, sampler_of
from independence_audit.pipeline.models import Model, told
from independence_audit.pipeline.settings import AuditSettings, Progress


@dataclass(frozen=True, slots=True)
class Verification:
    """A fingerprint held against the weights it is said to be of."""

    name: str
    source: str
    compared: int
    """Samples that were read again."""
    different: tuple[str, ...]
    """Tensors whose values or places are others at the source."""


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
        _, again = fingerprint_of(checkpoint, sampler, told(progress, f"reading {checkpoint.name} again"))
    finally:
        checkpoint.source.close()
    return Verification(name, checkpoint.name, len(fingerprint.samples), _differences(fingerprint, again))


def verify_models(models: Sequence[Model], settings: AuditSettings, progress: Progress) -> None:
    """Verify every model of an audit that is a fingerprint against the repository that it was made from.

    Raises:
        MalformedError: One is not the fingerprint of those weights. No opinion may rest on it, either way.
        MissingError: It is not known what one was made from.
        InputError: The weights cannot be read.
    """
    for model in models:
        if model.checkpoint is not None:
            continue
        fingerprint = model.fingerprint
        source = fingerprint.metadata.get(SOURCE, "")
        found = verify_fingerprint(
            fingerprint, fingerprint.name, source, settings.salt, offline=settings.offline, progress=progress
        )
        if found.different:
            raise MalformedError(
                f"{found.name} is not the fingerprint of {source}: {len(found.different)} of {found.compared} samples "
                f"differ, such as {found.different[0]!r}.",
                "Make it anew from the weights; no opinion may rest on it.",
            )


def _differences(first: Fingerprint, second: Fingerprint) -> tuple[str, ...]:
    """Names of the samples that are not the same in both."""
    others = {_place(sample): sample for sample in second.samples}
    different = []
    for sample in first.samples:
        other = others.get(_place(sample))
        same = other is not None and sample.digest == other.digest and np.array_equal(sample.identity, other.identity)
        if not same:
            different.append(sample.name)
    return tuple(different)


def _place(sample: Sample) -> tuple[str, int | None, str, str, tuple[int, int]]:
    return sample.component, sample.layer, sample.role, sample.name, sample.shape
