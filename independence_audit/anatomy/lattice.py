"""A tensor's values as a strided array that is never read: slices, folds and transposes of places, not of values.

A tensor that holds several roles is cut into one lattice for each, whatever order they lie in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

from independence_audit.anatomy.component import View
from independence_audit.anatomy.config_numbers import head_groups, query_width
from independence_audit.anatomy.families import Entry, Split


@dataclass(frozen=True, slots=True)
class Lattice:
    """Places of values in a flat tensor: element ``index`` lies at ``offset + sum(index * strides)``."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int]) -> Lattice:
        """All values of a tensor of this shape, last axis fastest."""
        sizes = tuple(shape)
        strides = tuple(accumulate(reversed(sizes[1:]), mul, initial=1))[::-1] if sizes else ()
        return cls(0, sizes, strides)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def at(self, axis: int, index: int) -> Lattice:
        """The lattice without this axis, at one index along it."""
        axis %= self.rank
        return Lattice(
            self.offset + index * self.strides[axis],
            self.shape[:axis] + self.shape[axis + 1 :],
            self.strides[:axis] + self.strides[axis + 1 :],
        )

    def cut(self, axis: int, start: int, stop: int, step: int = 1) -> Lattice:
        """The indices ``start`` to ``stop`` along this axis, every ``step``-th."""
        axis %= self.rank
        return Lattice(
            self.offset + start * self.strides[axis],
            (*self.shape[:axis], len(range(start, stop, step)), *self.shape[axis + 1 :]),
            (*self.strides[:axis], self.strides[axis] * step, *self.strides[axis + 1 :]),
        )

    def fold(self, axis: int, sizes: tuple[int, ...]) -> Lattice:
        """This axis as several, the last of them fastest; their product is its size."""
        axis %= self.rank
        inner = Lattice.of(sizes).strides
        return Lattice(
            self.offset,
            self.shape[:axis] + sizes + self.shape[axis + 1 :],
            self.strides[:axis] + tuple(self.strides[axis] * stride for stride in inner) + self.strides[axis + 1 :],
        )

    def reorder(self, order: Sequence[int]) -> Lattice:
        """The axes in another order."""
        return Lattice(
            self.offset, tuple(self.shape[axis] for axis in order), tuple(self.strides[axis] for axis in order)
        )

    def squeeze(self) -> Lattice:
        """The lattice without axes of size one; a single value keeps one axis."""
        axes = [axis for axis, size in enumerate(self.shape) if size != 1] or list(range(self.rank))[-1:]
        return self.reorder(axes)

    def view(self, columns: int = -1) -> View:
        """The matrix whose columns run along this axis; all others, in their order, are its rows."""
        if self.rank == 0:
            return View(self.offset, (), (), 1, 1)
        columns %= self.rank
        rows = self.at(columns, 0)
        return View(self.offset, rows.shape, rows.strides, self.shape[columns], self.strides[columns])


QUERY_KEY_VALUE = ("q", "k", "v")


@dataclass(frozen=True, slots=True)
class Heads:
    """What tells how many rows of a fused tensor are queries.

    Attributes:
        query_widths: The width of the attention's output by layer and scope, as its output matrix shows it.
        config: Sections of the config, the likeliest first.
        width: The residual width.
    """

    query_widths: Mapping[tuple[int | None, str], int]
    config: Sequence[Mapping[str, Any]]
    width: int | None


def scope_and_word(role: str) -> tuple[str, str]:
    """What stands before a role's own word, and the word: ``pool`` and ``q`` of ``pool.q.bias``."""
    before, _, word = role.removesuffix(".bias").rpartition(".")
    return before, word


def cut(lattice: Lattice, entry: Entry, layer: int | None, heads: Heads) -> list[Lattice] | None:
    """One lattice for each role of a tensor, cut along its first axis; None where it cannot be told how.

    Args:
        lattice: Outputs first, [out, in] or [out].
        entry: The roles, and how they lie.
        layer: The tensor's layer.
        heads: What is known of the attention.
    """
    total = lattice.shape[0]
    count = len(entry.roles)
    if count == 1:
        return [lattice]
    if entry.split is Split.GROUPED:
        return _cut_groups(lattice, head_groups(heads.config, total))
    if entry.split is Split.ALTERNATING:
        return [lattice.cut(0, first, total, count) for first in range(count)] if total % count == 0 else None
    if tuple(scope_and_word(role)[1] for role in entry.roles) == QUERY_KEY_VALUE:
        queries = _query_rows(total, heads, (layer, scope_and_word(entry.roles[0])[0]))
        return None if queries is None else _cut_blocks(lattice, (queries, *[(total - queries) // 2] * 2))
    return _cut_blocks(lattice, (total // count,) * count) if total % count == 0 else None


def _query_rows(total: int, heads: Heads, place: tuple[int | None, str]) -> int | None:
    """Rows of q in q, k and v together: as wide as what the output matrix reads, or as the config says."""
    known = heads.query_widths.get(place, total)
    left = total - known
    if left > 0 and left % 2 == 0 and left // 2 <= known:
        return known
    return query_width(heads.config, total, heads.width or total)


def _cut_blocks(lattice: Lattice, sizes: Sequence[int]) -> list[Lattice]:
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return [lattice.cut(0, start, start + size) for start, size in zip(starts, sizes, strict=True)]


def _cut_groups(lattice: Lattice, groups: tuple[int, int] | None) -> list[Lattice] | None:
    """Queries [groups, queries, size, ...], keys and values [groups, size, ...] of grouped heads."""
    if groups is None:
        return None
    count, queries = groups
    grouped = lattice.fold(0, (count, queries + 2, lattice.shape[0] // (count * (queries + 2))))
    return [grouped.cut(1, 0, queries), grouped.at(1, queries), grouped.at(1, queries + 1)]
