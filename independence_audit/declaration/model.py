"""A declaration as it was handed in, before anything is known of the weights."""

from __future__ import annotations

from dataclasses import dataclass, field

from independence_audit.evidence.declaration import Origin, Rights

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
