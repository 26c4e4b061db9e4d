"""The facts of one model as a table and as the text of a catalogue file: what a user's library and a bundle keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from independence_audit.fingerprint.library.catalogue import FORMAT
from independence_audit.fingerprint.library.model import Entry


def family_table(entry: Entry) -> dict[str, Any]:
    """A model as the table of a family that has no other; groups stay behind, which other libraries may not have."""
    model = {
        "name": entry.name,
        "hub_id": entry.hub_id,
        "revision": entry.revision,
        "derived_from": list(entry.derived_from),
        "aliases": list(entry.aliases),
        "synthetic": entry.synthetic,
    }
    return {
        "name": entry.family,
        "owner": entry.owner,
        "country": entry.country,
        "licence": entry.licence,
        "kinds": sorted(entry.kinds),
        "models": [{key: value for key, value in model.items() if value}],
    }


def catalogue_text(table: Mapping[str, Any]) -> str:
    """The text of a catalogue file with one family."""
    lines = [f"format = {FORMAT}", "", "[[family]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML; printable strings are written alike in JSON."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(str(value), ensure_ascii=False)
