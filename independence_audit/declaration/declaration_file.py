"""Reading ``independence.toml``: strictly, because a misspelt key would be a declaration that nobody sees."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from independence_audit.anatomy.tables import Table
from independence_audit.core.toml import parse_toml
from independence_audit.errors import MalformedError
from independence_audit.evidence.declared_origin import Origin, Rights

FORMAT = 1


def parse_declaration(content: bytes, where: str) -> Declaration:
    """Read a declaration from the bytes of its file.

    Args:
        content: The file.
        where: What reports call it.

    Raises:
        MalformedError: It is no TOML, has unknown or missing keys, or contradicts itself.
    """
    try:
        return _declaration(parse_toml(content), content, where)
    except (ValueError, TypeError, RecursionError) as error:
        raise MalformedError(
            f"The declaration {where} cannot be used: {str(error).rstrip('.')}.",
            "docs/declaration.md lists its keys; `audit declare` drafts one; --declaration names another file.",
        ) from error


def _declaration(data: dict[str, Any], content: bytes, where: str) -> Declaration:
    table = Table("The file", data)
    if table.take("format", int) != FORMAT:
        raise ValueError(f"Its format is not {FORMAT}")
    texts = {key: table.take(key, str, "") for key in ("team", "stage", "model", "licence")}
    rights = _rights(table.take("rights", dict, {}))
    entries = tuple(_entry(entry) for entry in table.take("component", list, []))
    table.close()
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise ValueError(f"It declares {twice[0]!r} twice")
    return Declaration(where, hashlib.sha256(content).hexdigest(), entries, rights=rights, **texts)


def _rights(data: dict[str, Any]) -> Rights:
    table = Table("[rights]", data)
    rights = Rights(**{key: table.take(key, bool) for key in ("modify", "operate", "redistribute") if key in data})
    table.close()
    return rights


def _entry(data: object) -> Entry:
    if not isinstance(data, dict):
        raise TypeError("A component is not a table")
    table = Table("A component", data)
    name, origin = table.take("name", str), table.take("origin", str)
    source, licence, notes = (table.take(key, str, "") for key in ("source", "licence", "notes"))
    table.close()
    if not name:
        raise ValueError("A component has an empty name")
    if origin == Origin.FROM_SCRATCH and source:
        raise ValueError(f"{name!r} is declared from_scratch and has a source; choose architecture_from or remove it")
    return Entry(name, Origin(origin) if origin else None, (source,) if source else (), licence, notes)


WHOLE = "*"
"""Names every component that has no entry of its own."""
FILE = "independence.toml"
"""The declaration's name in a submission."""
CARD = "README.md"
"""The model card's name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is declared of one component. Empty strings where nothing is said."""

    name: str
    """A component's name as ``audit inspect`` shows it, a kind that only one component has, or ``*``."""
    origin: Origin | None
    """None where the entry leaves it empty, as a draft does."""
    sources: tuple[str, ...] = ()
    """Each a name on the Hub or in the library of references."""
    licence: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything that a submission declares."""

    where: str
    """Name of the file it stands in."""
    sha256: str
    entries: tuple[Entry, ...]
    team: str = ""
    stage: str = ""
    model: str = ""
    licence: str = ""
    rights: Rights = field(default_factory=Rights)
