"""A tensor's values as a strided array that is never read: slices, folds and transposes of places, not of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from independence_audit.anatomy.model import View


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
