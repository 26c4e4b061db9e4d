"""Full mode: every value of two matched tensors, streamed side by side in cache-sized pieces.

It adds exact counts and correlations to what the sample showed; the permutation test stays the sample's.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Part, View
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo, decode, decode_into
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import plan_spans
from independence_audit.lineage.measure import CONSTANT, Numbers
from independence_audit.lineage.rounding import GRIDS, Grid, Values

CHUNK = 1 << 18
"""Values compared at a time: both sides as float32 fit in a core's share of the cache."""

TASK = 1 << 25
"""Values given to one thread at a time."""

TILE = 512
"""Columns of a tile: where one side is stored transposed, it is read in runs of as many values."""

PartPairs = Sequence[tuple[Part, Part]]


@dataclass(frozen=True, slots=True)
class Matched:
    """Part pairs of one sample pair; views of one pair have equal shapes."""

    parts: PartPairs
    rounding: str | None = None
    """Name of the type whose rounding explained the sample's differences."""


@dataclass(slots=True)
class Sums:
    """What is added up over the values of two tensors; adding is done in a fixed order, so that results repeat."""

    count: int = 0
    left_out: int = 0
    equal: int = 0
    unexplained: int = 0
    """Differences that rounding does not explain, where it is asked for."""
    largest: float = 0.0
    first_mean: float = 0.0
    second_mean: float = 0.0
    first_square: float = 0.0
    second_square: float = 0.0
    product: float = 0.0
    first_spread: float = 0.0
    """Sum of squared deviations from the mean."""
    second_spread: float = 0.0
    shared_spread: float = 0.0

    def add(self, other: Sums) -> None:
        """Add another piece's sums; the spreads by the parallel formula of Chan, Golub and LeVeque (1983)."""
        if other.count:
            total = self.count + other.count
            first, second = other.first_mean - self.first_mean, other.second_mean - self.second_mean
            weight = self.count * other.count / total
            self.first_spread += other.first_spread + first * first * weight
            self.second_spread += other.second_spread + second * second * weight
            self.shared_spread += other.shared_spread + first * second * weight
            self.first_mean += first * other.count / total
            self.second_mean += second * other.count / total
        self.count += other.count
        self.left_out += other.left_out
        self.equal += other.equal
        self.unexplained += other.unexplained
        self.largest = max(self.largest, other.largest)
        self.first_square += other.first_square
        self.second_square += other.second_square
        self.product += other.product

    def numbers(self) -> Numbers:
        """The figures that the sums amount to."""
        if not self.count:
            return Numbers(0, self.left_out, None, None, None, None)
        same = self.equal == self.count
        constant = self.first_spread <= CONSTANT**2 * self.first_square
        constant |= self.second_spread <= CONSTANT**2 * self.second_square
        return Numbers(
            compared_values=self.count,
            non_finite=self.left_out,
            identical_fraction=self.equal / self.count,
            max_abs_diff=self.largest,
            cosine=_ratio(self.product, self.first_square, self.second_square, same=same),
            pearson=None if constant else _ratio(self.shared_spread, self.first_spread, self.second_spread, same=same),
        )


def _ratio(product: float, first: float, second: float, *, same: bool) -> float | None:
    """product / sqrt(first second), at most 1 in size; None where a square vanishes."""
    size = math.sqrt(first) * math.sqrt(second)
    if size == 0.0:
        return None
    return 1.0 if same else max(-1.0, min(1.0, product / size))


@dataclass(frozen=True, slots=True)
class _Task:
    """Some pieces of one part pair: runs of memory where both lie alike, tiles of the matrix where they do not."""

    index: int
    first: Part
    second: Part
    grid: Grid | None
    """The grid whose rounding is to be checked."""
    pieces: Sequence[slice | Plan]

    @property
    def size(self) -> int:
        """Number of values."""
        return sum(_size(piece) for piece in self.pieces)


def measure_exactly(
    pairs: Sequence[Matched],
    subject: Checkpoint,
    reference: Checkpoint,
    progress: Callable[[int, int], None],
    threads: int = 2,
) -> list[Sums]:
    """Compare every value of matched parts.

    Args:
        pairs: For every sample pair, its part pairs.
        subject: Where the first parts' bytes are.
        reference: Where the second parts' bytes are.
        progress: Told how many values are done and how many there are.
        threads: How many pieces are worked on at a time.

    Returns:
        The sums over every entry of ``pairs``.

    Raises:
        ReadError: Bytes could not be read.
    """
    tasks = [task for index, matched in enumerate(pairs) for task in _tasks(index, matched)]
    local = threading.local()

    def work(task: _Task) -> Sums:
        if not hasattr(local, "comparer"):
            local.comparer = _Comparer(subject, reference)
        comparer: _Comparer = local.comparer
        return comparer.compare(task)

    totals = [Sums() for _ in pairs]
    size, done = sum(task.size for task in tasks), 0
    with ThreadPoolExecutor(threads) as pool:
        for task, sums in zip(tasks, pool.map(work, tasks), strict=True):
            totals[task.index].add(sums)
            done += task.size
            progress(done, size)
    return totals


def _tasks(index: int, matched: Matched) -> Iterator[_Task]:
    grid = next((grid for grid in GRIDS if grid.name == matched.rounding), None)
    for first, second in matched.parts:
        alike = _is_dense(first.view) and _same_layout(first.view, second.view)
        pieces: list[slice | Plan] = [*_runs(first.view)] if alike else [*_tiles(first.view)]
        for start in range(0, len(pieces), TASK // CHUNK):
            yield _Task(index, first, second, grid, pieces[start : start + TASK // CHUNK])


def _runs(view: View) -> Iterator[slice]:
    """The memory of a dense view, in order, relative to its first value."""
    for start in range(0, view.size, CHUNK):
        yield slice(start, min(start + CHUNK, view.size))


def _tiles(view: View) -> Iterator[Plan]:
    """Blocks of rows and columns that cover a view."""
    height = max(1, CHUNK // min(view.columns, TILE))
    for row in range(0, view.row_count, height):
        rows = np.arange(row, min(row + height, view.row_count), dtype=np.int64)
        for column in range(0, view.columns, TILE):
            yield Plan(rows, column, min(column + TILE, view.columns))


def _size(piece: slice | Plan) -> int:
    if isinstance(piece, slice):
        return int(piece.stop) - int(piece.start)
    return len(piece.rows) * (piece.stop - piece.start)


class _Comparer:
    """One thread's buffers, and the comparison of a task's values."""

    def __init__(self, subject: Checkpoint, reference: Checkpoint) -> None:
        self._sides = _Side(subject), _Side(reference)
        self._difference = np.empty(CHUNK, np.float32)
        self._equal = np.empty(CHUNK, np.bool_)

    def compare(self, task: _Task) -> Sums:
        """Add up a task, chunk by chunk."""
        sums = Sums()
        first, second = self._sides
        for piece in task.pieces:
            x, y = first.values(task.first, piece), second.values(task.second, piece)
            sums.add(self._add_up(x, y))
            if task.grid is not None:
                sums.unexplained += _count_unexplained(task.grid, x, y)
        return sums

    def _add_up(self, x: Values, y: Values) -> Sums:
        count = len(x)
        if x.dtype != np.float32 or y.dtype != np.float32:
            return _add_up_carefully(x, y)
        with np.errstate(all="ignore"):  # what is not finite, or too large for float32, is told by the sums
            xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
            sx, sy = float(x.sum()), float(y.sum())
        # Sums of squares that left the normal range of float32, or of values far from centred, would not do.
        if not (_TINY < xx < _HUGE and _TINY < yy < _HUGE) or 2 * sx * sx > xx * count or 2 * sy * sy > yy * count:
            return _add_up_carefully(x, y)
        difference, equal = self._difference[:count], self._equal[:count]
        np.subtract(x, y, out=difference)
        np.equal(x, y, out=equal)
        return Sums(
            count=count,
            equal=int(np.count_nonzero(equal)),
            largest=float(max(difference.max(), -difference.min())),
            first_mean=sx / count,
            second_mean=sy / count,
            first_square=xx,
            second_square=yy,
            product=xy,
            first_spread=xx - sx * sx / count,
            second_spread=yy - sy * sy / count,
            shared_spread=xy - sx * sy / count,
        )


_TINY, _HUGE = 1e-30, 1e30


def _add_up_carefully(x: Values, y: Values) -> Sums:
    """The same in float64, without the values that are not finite."""
    finite = np.isfinite(x) & np.isfinite(y)
    with np.errstate(invalid="ignore"):  # a signalling NaN is left out like any other
        a, b = x[finite].astype(np.float64), y[finite].astype(np.float64)
    if not len(a):
        return Sums(left_out=len(x))
    first_mean, second_mean = float(a.mean()), float(b.mean())
    first, second = a - first_mean, b - second_mean
    return Sums(
        count=len(a),
        left_out=len(x) - len(a),
        equal=int(np.count_nonzero(a == b)),
        largest=float(np.abs(a - b).max()),
        first_mean=first_mean,
        second_mean=second_mean,
        first_square=float(a @ a),
        second_square=float(b @ b),
        product=float(a @ b),
        first_spread=float(first @ first),
        second_spread=float(second @ second),
        shared_spread=float(first @ second),
    )


def _count_unexplained(grid: Grid, x: Values, y: Values) -> int:
    """Differences larger than rounding to the grid, among the finite values."""
    finite = np.isfinite(x) & np.isfinite(y)
    return int(np.count_nonzero(~grid.explains(x[finite], y[finite])))


class _Side:
    """Reads runs of a view's values from one checkpoint into its own buffers."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._raw = np.empty(0, np.uint8)
        self._values = np.empty(CHUNK, np.float32)

    def values(self, part: Part, piece: slice | Plan) -> Values:
        """Values of one piece of a part, one-dimensional; the next call overwrites them."""
        tensor = self._checkpoint.tensors[part.tensor]
        item = DTYPES[tensor.dtype].bits // 8
        out = self._values[: _size(piece)]
        if isinstance(piece, slice):
            raw = self._room(len(out) * item)
            self._read(tensor, (part.view.offset + piece.start) * item, raw)
        else:
            spans = plan_spans(part.view, piece, item)
            memory = self._room(spans.size)
            filled = 0
            for start, stop in zip(spans.starts.tolist(), spans.stops.tolist(), strict=True):
                self._read(tensor, start, memory[filled : filled + stop - start])
                filled += stop - start
            raw = memory.reshape(-1, item)[spans.places.ravel()].reshape(-1)
        if DTYPES[tensor.dtype].wide:
            return decode(raw, tensor.dtype)
        decode_into(raw, tensor.dtype, out)
        return out

    def _room(self, size: int) -> NDArray[np.uint8]:
        if len(self._raw) < size:
            self._raw = np.empty(size, np.uint8)
        return self._raw[:size]

    def _read(self, tensor: TensorInfo, start: int, into: NDArray[np.uint8]) -> None:
        self._checkpoint.source.read(tensor.file, tensor.start + start, into.data)


def _is_dense(view: View) -> bool:
    """Whether the view's values fill one run of memory."""
    last = (view.columns - 1) * view.column_stride
    last += sum((count - 1) * stride for count, stride in zip(view.rows, view.row_strides, strict=True))
    return bool(last + 1 == view.size)


def _same_layout(first: View, second: View) -> bool:
    """Whether two views walk through memory alike, so that runs of memory hold the same values."""
    return (first.rows, first.row_strides, first.columns, first.column_stride) == (
        second.rows,
        second.row_strides,
        second.columns,
        second.column_stride,
    )


def pair_parts(first: Sequence[Part], second: Sequence[Part]) -> list[tuple[Part, Part]]:
    """Part pairs of two pools: equal experts, and of a matrix the same shape only."""
    others: Mapping[int, Part] = {part.expert or 0: part for part in second}
    pairs = [(part, others[part.expert or 0]) for part in first if (part.expert or 0) in others]
    return [(one, other) for one, other in pairs if one.view.shape == other.view.shape]
