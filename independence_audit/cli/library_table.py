"""The library's models as a table, as facts, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from independence_audit.fingerprint.library import Status, StoredFingerprint
from independence_audit.report.plain import visible

COLUMNS = ("name", "owner", "country", "kinds", "fingerprint")


def as_text(models: Sequence[StoredFingerprint]) -> str:
    """One line a model, and how many fingerprints are at hand."""
    rows = [COLUMNS, *((_row(one)) for one in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    at_hand = sum(1 for one in models if one.size)
    return "\n".join([*lines, "", f"{len(models)} models, {at_hand} fingerprints at hand"])


def facts(model: StoredFingerprint) -> str:
    """Everything known of one model, a line a fact."""
    return "\n".join(f"{key:12}  {value}" for key, value in _facts(model).items() if value)


def as_json(models: Sequence[StoredFingerprint]) -> str:
    """The same for programs."""
    return json.dumps([_facts(one) for one in models], indent=2, ensure_ascii=False)


def _row(model: StoredFingerprint) -> tuple[str, ...]:
    entry = model.entry
    kinds = ", ".join(sorted(kind.value for kind in entry.kinds))
    size = f"{model.status}, {model.size / 2**20:.1f} MiB" if model.size else str(model.status)
    return tuple(visible(cell) if cell else "-" for cell in (entry.name, entry.owner, entry.country, kinds, size))


def _made_from(model: StoredFingerprint) -> str:
    packaged = model.entry.made_from
    if packaged is None or model.status != Status.SHIPPED:
        return ""
    return f"{packaged.standing}: {packaged.file} (PyPI {packaged.package}), sha256 {packaged.sha256}"


def _facts(model: StoredFingerprint) -> dict[str, str]:
    entry = model.entry
    known = {
        "name": entry.name,
        "source": entry.source,
        "owner": entry.owner,
        "country": entry.country,
        "family": entry.family,
        "kinds": ", ".join(sorted(kind.value for kind in entry.kinds)),
        "derived_from": ", ".join(entry.derived_from),
        "licence": entry.licence,
        "aliases": ", ".join(entry.aliases),
        "groups": ", ".join(entry.groups),
        "fingerprint": model.status.value,
        "made_from": _made_from(model),
        "bytes": str(model.size or ""),
        "sha256": model.sha256,
    }
    return {key: visible(value) if value else "" for key, value in known.items()}
