"""What the library is made of: models with the facts that are known of them, and groups of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import MadeFrom

EVERY_KIND = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Entry:
    """One open model. Empty strings and tuples where nobody said or nobody could check."""

    name: str
    """Short and lower-case: ``qwen2.5-vl-7b``; those of made-up examples begin with ``example/``."""
    hub_id: str
    """``owner/name`` on the Hugging Face Hub."""
    revision: str
    """A commit; the newest one where it is empty."""
    owner: str
    country: str
    """ISO 3166-1 alpha-2: ``KR``."""
    family: str
    kinds: frozenset[Kind]
    """Which kinds of components it has."""
    derived_from: tuple[str, ...]
    """The models it descends from by its owner's own account: names of entries, or Hub ids of others."""
    licence: str
    aliases: tuple[str, ...]
    groups: tuple[str, ...]
    synthetic: bool
    """Whether it is one of the examples that come with the program."""
    made_from: MadeFrom | None = None
    """The file that its shipped fingerprint was made from, where that came out of a package."""

    @property
    def source(self) -> str:
        """Where its weights are: ``owner/name``, with ``@`` and the revision where one is pinned."""
        return f"{self.hub_id}@{self.revision}" if self.revision else self.hub_id


@dataclass(frozen=True, slots=True)
class Group:
    """A name for several models, or for their components of some kinds."""

    name: str
    title: str
    """One line for people."""
    of: str
    """The group that it is a part of, whole or by kinds; its own name where entries name it themselves."""
    kinds: frozenset[Kind]
    """Which components of its models it means."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every model the library knows, and the names it answers to."""

    entries: tuple[Entry, ...]
    groups: Mapping[str, Group]
    content: tuple[bytes, ...]
    """The files it was read from, for digests."""
