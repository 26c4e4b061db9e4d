"""From a model of the library to the reference that a report shows."""

from __future__ import annotations

from independence_audit.evidence.report import Reference
from independence_audit.fingerprint.library.model import Entry
from independence_audit.fingerprint.library.pull import origin
from independence_audit.fingerprint.model import Fingerprint


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
        notices=fingerprint.notices if fingerprint else (),
    )
