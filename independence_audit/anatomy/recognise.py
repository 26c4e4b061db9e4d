"""Recognising components: which family's names stand under which prefix, whatever the prefix is called.

Layers of a decoder that predict further tokens (multi-token prediction) are told by their place behind the last layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from independence_audit.anatomy.config_numbers import count
from independence_audit.anatomy.families import Family, Rule, families, longest_pattern, rules_by_pattern
from independence_audit.anatomy.tensor_names import Reading, Segments, readings, template, words


@dataclass(frozen=True, slots=True)
class Match:
    """A tensor as one name of one family."""

    tensor: str
    rule: Rule
    reading: Reading
    layer: int | None
    expert: int | None

    @property
    def labels(self) -> frozenset[str]:
        """Key and roles; a role's bias is its own label."""
        suffix = ".bias" if self.reading.suffix == "bias" else ""
        return frozenset({self.rule.key, *(role + suffix for role in self.rule.entry.roles)})


@dataclass(frozen=True, slots=True)
class Recognised:
    """A family's names under one prefix."""

    prefix: Segments
    family: Family
    matches: tuple[Match, ...]

    @property
    def labels(self) -> frozenset[str]:
        """All keys and roles that are there."""
        return frozenset().union(*{match.labels for match in self.matches})


Place = tuple[Segments, str]
"""Prefix and family."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to read names of one pattern: the length of the prefix, and the rule that fits what follows."""

    cut: int
    rule: Rule
    reading: Reading


def recognise(names: Iterable[str]) -> list[Recognised]:
    """Find the components whose names are known; no tensor is in two.

    Families compete under every prefix; the one that explains most tensors wins, of equals the more demanding one.
    Heads and other tensors that lie beside a component join it afterwards.
    """
    inside, outside = _matches(names)
    candidates = [Recognised(prefix, families()[name], tuple(matches)) for (prefix, name), matches in inside.items()]
    candidates.sort(key=lambda each: (-len(each.matches), -len(each.family.requires), each.family.name, each.prefix))
    found: list[Recognised] = []
    taken: set[str] = set()
    for candidate in candidates:
        free = tuple(match for match in candidate.matches if match.tensor not in taken)
        remaining = Recognised(candidate.prefix, candidate.family, free)
        if free and remaining.family.is_complete(remaining.labels):
            found.append(remaining)
            taken.update(match.tensor for match in free)
    return _with_outside(found, outside, taken)


def _matches(names: Iterable[str]) -> tuple[dict[Place, list[Match]], dict[Place, list[Match]]]:
    """Every way to read every name as one of a family's, by prefix and family: inside names and outside names."""
    inside: dict[Place, list[Match]] = defaultdict(list)
    outside: dict[Place, list[Match]] = defaultdict(list)
    ways: dict[Segments, tuple[_Way, ...]] = {}
    for name in names:
        segments = tuple(name.split("."))
        pattern = template(segments)
        if pattern not in ways:
            ways[pattern] = tuple(_ways(segments))
        seen: set[Place] = set()
        for way in ways[pattern]:
            place = segments[: way.cut], way.rule.family
            numbers = way.rule.numbers(segments[way.cut : way.cut + len(way.rule.segments)])
            if numbers is not None and place not in seen and _may_stand(*place):
                seen.add(place)
                (outside if way.rule.outside else inside)[place].append(Match(name, way.rule, way.reading, *numbers))
    return inside, outside


def _ways(segments: Segments) -> Iterator[_Way]:
    """The rules that fit a name's end; the same for all names that differ in their numbers only."""
    index = rules_by_pattern()
    for reading in readings(segments, words()):
        pattern = template(reading.stem[-longest_pattern() :])
        before = len(reading.stem) - len(pattern)
        for cut in range(len(pattern)):
            for rule in index.get(pattern[cut:], ()):
                yield _Way(before + cut, rule, reading)


def _may_stand(prefix: Segments, family: str) -> bool:
    """Whether a family can stand under a prefix."""
    within = families()[family].within
    return not within or (bool(prefix) and prefix[-1] in within)


def _with_outside(found: Sequence[Recognised], outside: dict[Place, list[Match]], taken: set[str]) -> list[Recognised]:
    """The components with the tensors beside them: each joins the largest of its family below its own prefix."""
    joining: dict[int, list[Match]] = defaultdict(list)
    for (prefix, family), matches in outside.items():
        below = [
            index
            for index, each in enumerate(found)
            if each.family.name == family and each.prefix[: len(prefix)] == prefix
        ]
        for match in matches:
            if below and match.tensor not in taken:
                joining[below[0]].append(match)
                taken.add(match.tensor)
    return [Recognised(each.prefix, each.family, (*each.matches, *joining[index])) for index, each in enumerate(found)]


MTP = "mtp."
"""Stands before the roles of such layers, so that they are compared among themselves."""

SEGMENT = "mtp"
"""Last segment of the prefix of such layers where they do not stand among the others."""


def is_apart(recognised: Recognised) -> bool:
    """Whether a component is nothing but the further prediction of another one."""
    return recognised.prefix[-1:] == (SEGMENT,)


def mtp_layers(matches: Sequence[Match], config: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The layers that predict further tokens: their names say so, or the config counts fewer layers.

    The config is believed about as many layers as it says predict further tokens, or one. Believed about more, it
    could hide layers of a copy from comparison.

    Args:
        matches: The tensors of a decoder.
        config: Sections of the config, the likeliest first.
    """
    layers = {match.layer for match in matches if match.layer is not None}
    named = {match.layer for match in matches if match.layer is not None and match.rule.entry.roles[0].startswith(MTP)}
    counted = next((number for section in config if (number := count(section, "num_hidden_layers"))), None)
    if counted is None:
        return frozenset(named)
    announced = next((number for section in config if (number := count(section, "num_nextn_predict_layers"))), 1)
    beyond = {layer for layer in layers if layer >= counted}
    return frozenset(named | beyond if len(beyond) <= min(announced, counted) else named)
