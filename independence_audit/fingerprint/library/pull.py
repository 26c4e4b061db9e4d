"""Pulling: a model's fingerprint is made from its public weights and put into the user's library."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from independence_audit.anatomy import place
from independence_audit.checkpoint import Checkpoint
from independence_audit.errors import MissingError, ReadError
from independence_audit.evidence.audit_report import MadeFrom, Reference, Standing
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.build import Progress, build_fingerprint, silent
from independence_audit.fingerprint.cost import Cost, cost_of, plan_within
from independence_audit.fingerprint.library.change import store
from independence_audit.fingerprint.library.known_models import Entry
from independence_audit.fingerprint.library.store import Library
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.units.unit_reading import read_units

SOURCE = "independence_audit_source"
"""The metadata entry of a pulled fingerprint that says what it was made from: ``owner/name@commit``."""

MADE_FROM = "independence_audit_made_from"
"""The metadata entry of a fingerprint out of a package: the SHA-256 of the file that it was made from."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def origin(fingerprint: Fingerprint) -> tuple[str, str]:
    """The repository and the commit that a fingerprint says it was made from; empty where it says nothing usable.

    A claim: whoever wrote the file wrote this. It is shown, and opens nothing.
    """
    repository, _, commit = fingerprint.metadata.get(SOURCE, "").partition("@")
    return repository, commit if _COMMIT.fullmatch(commit) else ""


def made_from(entry: Entry, fingerprint: Fingerprint) -> MadeFrom | None:
    """The packaged file that the catalogue names, where the fingerprint says that it was made from it; a claim too."""
    there = entry.made_from
    return there if there and fingerprint.metadata.get(MADE_FROM) == there.sha256 else None


def refuse_incomplete(fingerprint: Fingerprint) -> None:
    """Refuse to keep a fingerprint some of whose values could not be read: they would be missing without a word.

    Raises:
        ReadError: There are such values.
    """
    if fingerprint.unreadable:
        count, first = len(fingerprint.unreadable), fingerprint.unreadable[0]
        raise ReadError(
            f"{count} tensors of {fingerprint.name} could not be read, such as {first!r}.",
            "Try again when the source can be reached.",
        )


def pull(
    library: Library,
    entry: Entry,
    opener: Callable[[str], Checkpoint],
    begin: Callable[[Cost], Progress] = lambda _: silent,
) -> Path:
    """Read the sampled values of a model's public weights and keep their fingerprint.

    Args:
        library: Where to put it; its sampler decides what is read.
        entry: The model.
        opener: Opens ``owner/name`` or ``owner/name@revision`` as a checkpoint, which is closed afterwards.
        begin: Told what it will take, before any value is read; what it gives is told of every tensor.

    Returns:
        The fingerprint's file.

    Raises:
        MissingError: It is not known where the model's weights are, or they are not there.
        ReadError: They could not be read.
        InputError: They cannot be used, or the fingerprint could not be written.
    """
    if not entry.hub_id:
        raise MissingError(
            f"It is not known where the weights of {entry.name} are.", "Add its fingerprint with `audit refs add`."
        )
    checkpoint = opener(entry.source)
    try:
        anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
        plan = plan_within(checkpoint, anatomy, library.sampler, None)
        progress = begin(cost_of(checkpoint, anatomy, library.sampler, units=plan))
        fingerprint = build_fingerprint(checkpoint, anatomy, library.sampler, progress)
        units = read_units(checkpoint, anatomy, plan)
    finally:
        checkpoint.source.close()
    refuse_incomplete(fingerprint)
    made_from = f"{entry.hub_id}@{checkpoint.revision}" if checkpoint.revision else entry.source
    return store(
        library, entry, replace(fingerprint, units=units, metadata={**fingerprint.metadata, SOURCE: made_from})
    )


def reference_of(
    entry: Entry, status: str, reason: str | None = None, fingerprint: Fingerprint | None = None
) -> Reference:
    """What a report says of a model of the library.

    Args:
        entry: The model.
        status: ``compared``, ``not_available`` or ``incomparable``.
        reason: Why it was not compared, as a message key.
        fingerprint: What it was compared by, where it was at hand.
    """
    repository, commit = origin(fingerprint) if fingerprint else ("", "")
    commit = commit if repository == entry.hub_id else ""
    packaged = made_from(entry, fingerprint) if fingerprint else None
    said = _repackaged(entry, packaged) if packaged and packaged.standing == Standing.REPACKAGED else ()
    return Reference(
        name=entry.name,
        status=status,
        reason=reason,
        owner=entry.owner or None,
        country=entry.country or None,
        derived_from=entry.derived_from,
        source=entry.hub_id or None,
        revision=commit or entry.revision or None,
        licence=entry.licence or None,
        sampler=fingerprint.sampler if fingerprint else None,
        parameters=fingerprint.parameters if fingerprint else None,
        synthetic=entry.synthetic,
        files=fingerprint.files if fingerprint else (),
        notices=(*fingerprint.notices, *said) if fingerprint else (),
        made_from=packaged,
    )


def _repackaged(entry: Entry, packaged: MadeFrom) -> tuple[Message, ...]:
    facts = {"file": packaged.file, "package": packaged.package, "owner": entry.owner, "sha256": packaged.sha256}
    return (Message("notice.repackaged", facts),)
