"""Licences in four classes, from a table that is data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache

from independence_audit.core.toml import shipped_table


class Licence(StrEnum):
    """What the licence of a match allows."""

    PERMISSIVE = "permissive"
    CONDITIONAL = "conditional"
    RESTRICTED = "restricted"
    UNKNOWN = "unknown"
    CONTRADICTED = "contradicted"
    """The team declares another licence than the owner does."""


def licence_class(name: str | None) -> Licence:
    """The class of a licence by its name on the Hub, whatever its case; unknown where there is none."""
    return _classes().get(_plain(name or ""), Licence.UNKNOWN)


def same_licence(one: str, other: str) -> bool:
    """Whether two names mean one licence."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "-").replace("_", "-")


@cache
def _classes() -> Mapping[str, Licence]:
    groups = shipped_table("independence_audit.policy", "licences.toml")
    return {_plain(name): Licence(group) for group, names in groups.items() for name in names}
