"""From a name to models: single models, aliases and groups; an unknown name is told with those that are near."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from independence_audit.anatomy import Kind
from independence_audit.errors import MissingError
from independence_audit.fingerprint.library.catalogue import ALL
from independence_audit.fingerprint.library.model import EVERY_KIND, Catalogue, Entry

_NEAR = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that was asked for, and which of its components."""

    entry: Entry
    kinds: frozenset[Kind]
    """Those to be compared: every kind, or the towers alone where ``qwen-encoders`` was asked for."""


def resolve(catalogue: Catalogue, name: str) -> tuple[Wanted, ...]:
    """The models that a name means, in the catalogue's order; upper and lower case are the same.

    Args:
        catalogue: Where to look.
        name: A model's name, an alias, a group such as ``qwen``, or ``example/NAME``. No other name means an example.

    Raises:
        MissingError: Nothing is called so; the message has the nearest names.
    """
    text = name.strip().lower()
    found = [Wanted(entry, EVERY_KIND) for entry in catalogue.entries if text in (entry.name, *entry.aliases)]
    if text in catalogue.groups:
        group = catalogue.groups[text]
        members = [entry for entry in catalogue.entries if not entry.synthetic and _is_in(entry, group.of)]
        found = [Wanted(entry, group.kinds) for entry in members if entry.kinds & group.kinds]
    if not found:
        raise _unknown(catalogue, name)
    return tuple(found)


def resolve_all(catalogue: Catalogue, names: Iterable[str]) -> tuple[Wanted, ...]:
    """The models that several names mean, each once, in the order in which they were first meant.

    Raises:
        MissingError: Nothing is called like one of the names.
    """
    wanted: dict[str, Wanted] = {}
    for name in names:
        for one in resolve(catalogue, name):
            kinds = one.kinds | (wanted[one.entry.name].kinds if one.entry.name in wanted else frozenset())
            wanted[one.entry.name] = Wanted(one.entry, kinds)
    return tuple(wanted.values())


def known_names(catalogue: Catalogue) -> list[str]:
    """Everything that :func:`resolve` understands, sorted."""
    names = {name for entry in catalogue.entries for name in (entry.name, *entry.aliases)}
    return sorted(names | catalogue.groups.keys())


def _is_in(entry: Entry, group: str) -> bool:
    return group == ALL or group in entry.groups


def _unknown(catalogue: Catalogue, name: str) -> MissingError:
    near = get_close_matches(name.strip().lower(), known_names(catalogue), n=_NEAR, cutoff=0.5)
    meant = f"; near it: {', '.join(near)}" if near else ""
    return MissingError(
        f"{name!r} is not a model, alias or group of the library{meant}.", "`audit refs list` shows every name."
    )
