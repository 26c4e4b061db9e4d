"""Tensor names and their words: segments, numbers, and what these say of a tensor where no family knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from independence_audit.anatomy.component import Kind
from independence_audit.anatomy.tables import Table, read_table

MAX_DIGITS = 9
"""A longer number counts no layers; Python refuses to read very long ones."""

NUMBER = "#"
"""Stands for any number in the pattern of a name."""

Segments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: the module or parameter it names, and what of it the tensor is."""

    stem: Segments
    suffix: str = ""
    """``bias``, a quantiser's suffix, or empty."""
    packed: bool = False
    """Whether the values are a quantiser's, not the weight's own."""


def split_name(name: str) -> Segments:
    """A name between its dots and slashes."""
    return tuple(re.split(r"[./]", name))


def is_number(segment: str) -> bool:
    """Whether a segment is a number that can count layers or experts."""
    return len(segment) <= MAX_DIGITS and segment.isascii() and segment.isdigit()


def template(segments: Segments) -> Segments:
    """The segments with every number replaced by one sign."""
    return tuple(NUMBER if is_number(segment) else segment for segment in segments)


def readings(segments: Segments, words: Words) -> Iterator[Reading]:
    """All ways to read a name, the most literal first."""
    yield Reading(segments)
    *front, last = segments
    if last == "weight":
        yield Reading(tuple(front))
    elif last == "bias":
        yield Reading(tuple(front), "bias")
    for suffix in words.packed_suffixes:
        if segments[-len(suffix) :] == suffix:
            yield Reading(segments[: -len(suffix)], ".".join(suffix).removeprefix("weight."), packed=True)
    for ending in words.packed_endings:
        if last.endswith(ending):
            yield Reading((*front, last.removesuffix(ending)), ending[1:], packed=True)


DEPTH = 3
"""A component's kind stands in the first segments of its names."""


@dataclass(frozen=True, slots=True)
class Words:
    """The content of ``words.toml``."""

    kinds: tuple[tuple[Kind, frozenset[str]], ...]
    """Strongest first."""
    computed: frozenset[str]
    packed_suffixes: tuple[tuple[str, ...], ...]
    packed_endings: tuple[str, ...]
    packed_payload: frozenset[str]
    """Those suffixes whose tensors hold the weight's own bits."""

    def region(self, segments: Sequence[str]) -> tuple[Kind, int] | None:
        """The kind that a name's beginning speaks of, and how many segments say so; None where it does not."""
        pieces = [_pieces(segment) for segment in segments[:DEPTH]]
        for kind, words in self.kinds:
            for depth, spoken in enumerate(pieces, 1):
                if not words.isdisjoint(spoken):
                    return kind, depth
        return None

    def is_packed(self, segments: Sequence[str]) -> bool:
        """Whether a name ends as a quantiser's tensors do."""
        ends = tuple(segments)
        return any(ends[-len(suffix) :] == suffix for suffix in self.packed_suffixes if suffix != ("biases",))

    def is_buffer(self, segments: Sequence[str]) -> bool:
        """Whether a name ends as computed buffers do."""
        return bool(segments) and segments[-1] in self.computed


@cache
def words() -> Words:
    """The words, read from the package once.

    Raises:
        ValueError: The file has unknown or missing keys.
    """
    table = Table("words.toml", read_table("words.toml"))
    kinds = []
    for entry in table.take("kinds", list):
        kind = Table("words.toml, kinds", entry)
        kinds.append((Kind(kind.take("kind", str)), frozenset(kind.take_strings("words"))))
        kind.close()
    computed, packed = (Table(f"words.toml, {key}", table.take(key, dict)) for key in ("computed", "packed"))
    read = Words(
        tuple(kinds),
        frozenset(computed.take_strings("words")),
        tuple(tuple(suffix.split(".")) for suffix in packed.take_strings("suffixes")),
        packed.take_strings("endings"),
        frozenset(packed.take_strings("payload")),
    )
    for each in (table, computed, packed):
        each.close()
    return read


def _pieces(segment: str) -> set[str]:
    """A segment and its pieces between underscores and hyphens; long ones, which are no words, stay whole."""
    return {segment, *re.split("[_-]", segment[:200])}
