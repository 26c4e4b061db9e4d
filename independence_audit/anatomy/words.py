"""Words in tensor names that say what a tensor is where no family knows it: kinds, buffers, quantisers' suffixes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from independence_audit.anatomy.model import Kind
from independence_audit.anatomy.tables import Table, read_table

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
