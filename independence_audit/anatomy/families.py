"""The families whose tensor names are known, read from the packaged tables ``families/*.toml``.

A table is written once and recognised under any prefix. Its keys are names without the prefix and without ``.weight``
or ``.bias``: segments between dots, alternatives between bars, ``{layer}`` and ``{expert}`` for numbers. Its values
are roles; ``q+k+v`` is one tensor that holds several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product
from typing import Any

from independence_audit.anatomy.component import Kind
from independence_audit.anatomy.roles import role_of
from independence_audit.anatomy.tables import Table, read_tables
from independence_audit.anatomy.tensor_names import NUMBER, Segments, is_number, template

LAYER, EXPERT = "{layer}", "{expert}"
FUSED = "+"
OR = "|"


class Split(StrEnum):
    """How several roles lie in one tensor, along its outputs."""

    BLOCKS = "blocks"
    """One behind the other."""
    ALTERNATING = "alternating"
    """Row by row in turn."""
    GROUPED = "grouped"
    """By groups of heads: the queries of a group, its key, its value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a family's table says of one name."""

    roles: tuple[str, ...]
    split: Split = Split.BLOCKS
    transposed: bool = False
    """Whether it is stored [in, out]; where the residual width tells otherwise, the shape decides."""
    stacked: bool = False
    """Whether the first axis counts experts."""
    reason: str = ""
    """Why it is never evidence, whatever its role."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One name of a family, without alternatives."""

    family: str
    key: str
    """As in the table, without the block's place and without alternatives."""
    entry: Entry
    segments: Segments
    outside: bool
    """Whether it lies beside the family's other names, under a shorter prefix: a head beside its decoder."""

    @property
    def pattern(self) -> Segments:
        """The segments with every number replaced by one sign."""
        return tuple(NUMBER if segment in {LAYER, EXPERT} else segment for segment in template(self.segments))

    def numbers(self, segments: Segments) -> tuple[int | None, int | None] | None:
        """Layer and expert in a name that fits the pattern; None where a number that is part of the name differs."""
        layer = expert = None
        for segment, found in zip(self.segments, segments, strict=True):
            if segment == LAYER:
                layer = int(found)
            elif segment == EXPERT:
                expert = int(found)
            elif is_number(segment) and segment != found:
                return None
        return layer, expert


@dataclass(frozen=True, slots=True)
class Dialect:
    """A model whose names are some of a family's: known by what it has and lacks."""

    name: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    named: bool
    """Whether only the config can tell it from others."""
    sign_symmetry: bool
    """As of the family, where its block does not differ from the family's."""


@dataclass(frozen=True, slots=True)
class Family:
    """A way to name the tensors of one component."""

    name: str
    kind: Kind
    rope: bool
    fixed_positions: bool
    """Whether sinusoids are added to its residual stream."""
    sign_symmetry: bool
    """Whether its gated block computes the same after (up, down) -> -(up, down) of any unit, biases of up included."""
    requires: tuple[tuple[str, ...], ...]
    """Roles or keys; of each group one must be there."""
    within: tuple[str, ...]
    """Last segments of its prefix, one of which it needs; empty where any prefix will do."""
    rules: tuple[Rule, ...]
    dialects: tuple[Dialect, ...]

    def is_complete(self, found: frozenset[str]) -> bool:
        """Whether these roles and keys are enough to recognise the family."""
        return all(not found.isdisjoint(group) for group in self.requires)

    def dialect(self, found: frozenset[str], model_types: frozenset[str]) -> str:
        """The name of the model whose roles and keys these are; the family's own where none fits better.

        Args:
            found: Roles and keys that are there.
            model_types: What the config calls the model and its parts; it only decides between names that fit.
        """
        fitting = [each for each in self.dialects if found.issuperset(each.has) and found.isdisjoint(each.lacks)]
        names = [each.name for each in fitting] + [self.name]
        called = [name for name in names if name in model_types]
        if called:
            return called[0]
        best = max((each for each in fitting if not each.named), key=lambda each: len(each.has), default=None)
        return self.name if best is None else best.name


@cache
def families() -> Mapping[str, Family]:
    """All families by name, read from the package once.

    Raises:
        ValueError: A table has unknown or missing keys, an unknown role, or one name twice.
    """
    tables = {content["name"]: content for content in read_tables("families").values()}
    return {name: _read_family(name, tables) for name in tables}


@cache
def has_sign_symmetry(name: str) -> bool:
    """Whether (up, down) -> -(up, down) is known to change nothing in the blocks of a family or dialect of this name.

    Unknown names, and names that stand for more than one design of which one lacks it, have none.
    """
    flags = [family.sign_symmetry for family in families().values() if family.name == name]
    flags += [each.sign_symmetry for family in families().values() for each in family.dialects if each.name == name]
    return bool(flags) and all(flags)


@cache
def rules_by_pattern() -> Mapping[Segments, tuple[Rule, ...]]:
    """All rules of all families by the pattern of the names they fit."""
    index: dict[Segments, list[Rule]] = {}
    for family in families().values():
        for rule in family.rules:
            index.setdefault(rule.pattern, []).append(rule)
    return {pattern: tuple(rules) for pattern, rules in index.items()}


@cache
def longest_pattern() -> int:
    """The number of segments of the longest pattern."""
    return max(len(pattern) for pattern in rules_by_pattern())


def _read_family(name: str, tables: Mapping[str, dict[str, Any]]) -> Family:
    content = _with_parent(tables[name], tables)
    table = Table(f"family {name}", content)
    block_at = table.take("block_at", str, "")
    rules = [
        rule
        for section, place, outside in (("top", "", False), ("block", block_at, False), ("outside", "", True))
        for key, value in table.take(section, dict, {}).items()
        for rule in _rules(name, place, key, _read_entry(f"family {name}, {key}", value), outside=outside)
    ]
    family = Family(
        name=table.take("name", str),
        kind=Kind(table.take("kind", str)),
        rope=table.take("rope", bool),
        fixed_positions=table.take("fixed_positions", bool, default=False),
        sign_symmetry=table.take("sign_symmetry", bool, default=False),
        requires=tuple(tuple(group.split(OR)) for group in table.take_strings("requires")),
        within=table.take_strings("within", ()),
        rules=tuple(rules),
        dialects=tuple(
            _read_dialect(key, value, content.get("sign_symmetry") is True)
            for key, value in table.take("dialects", dict, {}).items()
        ),
    )
    table.close()
    return family


def _with_parent(content: dict[str, Any], tables: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A table with what it does not say itself from the table it extends; names that both know are its own."""
    if "extends" not in content:
        return content
    own = {key: value for key, value in content.items() if key != "extends"}
    parent = _with_parent(tables[content["extends"]], tables)
    merged = {key: value for key, value in parent.items() if key != "dialects"} | own
    for section in ("top", "block", "outside"):
        known = _expand(own.get(section, {}))
        merged[section] = {key: value for key, value in _expand(parent.get(section, {})).items() if key not in known}
        merged[section] |= known
    return merged


def _expand(section: Mapping[str, Any]) -> dict[str, Any]:
    """The names of a section without alternatives."""
    return {".".join(segments): value for key, value in section.items() for segments in _alternatives(key)}


def _alternatives(key: str) -> list[Segments]:
    return list(product(*(segment.split(OR) for segment in key.split("."))))


def _rules(family: str, place: str, key: str, entry: Entry, *, outside: bool) -> list[Rule]:
    return [
        Rule(family, ".".join(segments), entry, (*front, *segments), outside)
        for segments in _alternatives(key)
        for front in (_alternatives(place) if place else [()])
    ]


def _read_entry(where: str, value: str | dict[str, Any]) -> Entry:
    table = Table(where, {"role": value} if isinstance(value, str) else value)
    entry = Entry(
        roles=tuple(table.take("role", str).split(FUSED)),
        split=Split(table.take("split", str, Split.BLOCKS)),
        transposed=table.take("transposed", bool, default=False),
        stacked=table.take("stacked", bool, default=False),
        reason=table.take("reason", str, ""),
    )
    table.close()
    for role in entry.roles:
        try:
            role_of(role)
        except KeyError:
            raise ValueError(f"{where}: there is no role {role!r}.") from None
    return entry


def _read_dialect(name: str, value: dict[str, Any], symmetric: bool) -> Dialect:  # noqa: FBT001  the family's own
    table = Table(f"dialect {name}", value)
    dialect = Dialect(
        name,
        table.take_strings("has"),
        table.take_strings("lacks"),
        table.take("named", bool, default=False),
        table.take("sign_symmetry", bool, symmetric),
    )
    table.close()
    return dialect
