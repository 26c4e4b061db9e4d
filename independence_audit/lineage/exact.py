"""Full mode: every value of two matched tensors, streamed side by side in cache-sized pieces.

It adds exact counts and correlations to what the sample showed; the permutation test stays the sample's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Part, View
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo, decode, decode_into
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import plan_spans
from independence_audit.lineage.sums import Sums, sums_of
from independence_audit.statistics.rounding import GRIDS, Grid, Values
from independence_audit.work import Algorithm, Codec, Executor, Here, Task

CHUNK = 1 << 18
"""Values compared at a time: both sides as float32 fit in a core's share of the cache."""

TASK = 1 << 23
"""Values given to one process at a time."""

WORTH_IT = 1 << 26
"""Values from which starting another process is worth its time."""

_TINY, _HUGE = 1e-30, 1e30
"""Sums of squares between these are those of a float32 product that neither vanished nor overflowed."""

RUN = 4096
"""Values added up in float32; longer runs are off by more than 1e-7."""

HERE = Here()

TILE = 512
"""Columns of a tile: where one side is stored transposed, it is read in runs of as many values."""

PartPairs = Sequence[tuple[Part, Part]]


@dataclass(frozen=True, slots=True)
class Matched:
    """Part pairs of one sample pair; views of one pair have equal shapes."""

    parts: PartPairs
    rounding: str | None = None
    """Name of the type whose rounding explained the sample's differences."""


Place = tuple[Part, Part, int]
"""Two parts, and which piece of them."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Some pieces of one part pair: runs of memory where both lie alike, tiles of the matrix where they do not."""

    index: int
    first: Part
    second: Part
    grid: Grid | None
    """The grid whose rounding is to be checked."""
    number: int
    """Which of the part pair's tasks."""
    pieces: Sequence[slice | Plan]

    @property
    def place(self) -> Place:
        """What its sums depend on, apart from the grid."""
        return self.first, self.second, self.number

    @property
    def size(self) -> int:
        """Number of values."""
        return sum(_size(piece) for piece in self.pieces)

    @property
    def described(self) -> str:
        """Everything that its sums depend on beside the files: tensors, views, the grid and the pieces."""
        parts = [(part.tensor, part.view) for part in (self.first, self.second)]
        return f"{parts} {self.grid.name if self.grid else None} {self.number} {CHUNK} {TASK}"


def measure_exactly(  # noqa: PLR0913, PLR0917  everything that a comparison needs
    pairs: Sequence[Matched],
    subject: Checkpoint,
    reference: Checkpoint,
    progress: Callable[[int, int], None],
    executor: Executor = HERE,
    known: Mapping[Place, Sums] = MappingProxyType({}),
) -> list[Sums]:
    """Compare every value of matched parts.

    Args:
        pairs: For every sample pair, its part pairs.
        subject: Where the first parts' bytes are.
        reference: Where the second parts' bytes are.
        progress: Told how many values are done and how many there are.
        executor: Does the tasks, where there are enough; several processes only where bytes lie on this machine.
        known: What :func:`compare_until` has compared already.

    Returns:
        The sums over every entry of ``pairs``.

    Raises:
        ReadError: Bytes could not be read.
    """
    tasks = [task for index, matched in enumerate(pairs) for task in _tasks(index, matched)]
    totals = [Sums() for _ in pairs]
    size, done = sum(task.size for task in tasks), 0
    left = [task for task in tasks if task.grid or task.place not in known]
    content = _content(subject, reference)
    work = (Task(task, f"{content} {task.described}") for task in left)
    results = (executor if size >= WORTH_IT else HERE).results(_algorithm(subject, reference), work)
    for task in tasks:
        totals[task.index].add(next(results) if task.grid or task.place not in known else known[task.place])
        done += task.size
        progress(done, size)
    return totals


def _algorithm(subject: Checkpoint, reference: Checkpoint) -> Algorithm[_Task, Sums]:
    return Algorithm("exact-pass", 1, partial(_begin, subject, reference), Codec(_encode, _decode))


def _begin(subject: Checkpoint, reference: Checkpoint) -> Callable[[_Task], Sums]:
    return _Comparer(subject, reference).compare


def _encode(sums: Sums) -> bytes:
    return json.dumps(asdict(sums)).encode()


def _decode(content: bytes) -> Sums:
    fields = json.loads(content)
    try:
        return Sums(**fields)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _content(*sides: Checkpoint) -> str:
    """What tells both sides' files from any others: their sizes, times or digests."""
    states = [sorted(side.source.states().items()) for side in sides]
    return hashlib.sha256(repr(states).encode()).hexdigest()


def compare_until(
    enough: Callable[[], bool], pairs: Sequence[Matched], subject: Checkpoint, reference: Checkpoint
) -> dict[Place, Sums]:
    """Compare matched parts piece by piece until it is enough, for :func:`measure_exactly` to go on from.

    Raises:
        ReadError: Bytes could not be read.
    """
    compare = _Comparer(subject, reference).compare
    found: dict[Place, Sums] = {}
    for task in (task for matched in pairs for task in _tasks(0, matched)):
        if enough():
            break
        found[task.place] = compare(task)
    return found


def _tasks(index: int, matched: Matched) -> Iterator[_Task]:
    grid = next((grid for grid in GRIDS if grid.name == matched.rounding), None)
    for first, second in matched.parts:
        alike = _is_dense(first.view) and _same_layout(first.view, second.view)
        pieces: list[slice | Plan] = [*_runs(first.view)] if alike else [*_tiles(first.view)]
        for number, start in enumerate(range(0, len(pieces), TASK // CHUNK)):
            yield _Task(index, first, second, grid, number, pieces[start : start + TASK // CHUNK])


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
    """One process's buffers, and the comparison of a task's values."""

    def __init__(self, subject: Checkpoint, reference: Checkpoint) -> None:
        self._sides = _Side(subject), _Side(reference)
        self._difference = np.empty(CHUNK, np.float32)
        self._ones = np.ones(RUN, np.float32)

    def compare(self, task: _Task) -> Sums:
        """Add up a task, chunk by chunk."""
        sums = Sums()
        for piece in task.pieces:
            x, y = self._values(task, piece)
            sums.add(self._add_up(x, y))
            if task.grid is not None:
                sums.unexplained += _count_unexplained(task.grid, x, y)
        return sums

    def _values(self, task: _Task, piece: slice | Plan) -> tuple[Values, Values]:
        """The values of a piece on both sides, in one order; which one does not matter to sums."""
        raws = [side.raw(part, piece) for side, part in zip(self._sides, (task.first, task.second), strict=True)]
        dtypes = {dtype for _, dtype in raws}
        by_words = dtypes == {"BF16"} and not _size(piece) % 2
        x, y = (side.decoded(*raw, by_words=by_words) for side, raw in zip(self._sides, raws, strict=True))
        return x, y

    def _add_up(self, x: Values, y: Values) -> Sums:
        count = len(x)
        if x.dtype != np.float32 or y.dtype != np.float32:
            return sums_of(x, y)
        with np.errstate(all="ignore"):  # what is not finite, or too large for float32, is told by the sums
            xx, yy, xy = _dot(x, x), _dot(y, y), _dot(x, y)
            sx, sy = self._sum(x), self._sum(y)
        # Sums of squares that left the normal range of float32, or of values far from centred, would not do.
        if not (_TINY < xx < _HUGE and _TINY < yy < _HUGE) or 2 * sx * sx > xx * count or 2 * sy * sy > yy * count:
            return sums_of(x, y)
        difference = self._difference[:count]
        np.subtract(x, y, out=difference)
        np.abs(difference, out=difference)
        bits = difference.view(np.uint32)  # of floats without a sign in the same order, and looked through faster
        return Sums(
            count=count,
            equal=count - int(np.count_nonzero(bits)),
            largest=float(bits.max().view(np.float32)),
            first_mean=sx / count,
            second_mean=sy / count,
            first_square=xx,
            second_square=yy,
            product=xy,
            first_spread=xx - sx * sx / count,
            second_spread=yy - sy * sy / count,
            shared_spread=xy - sx * sy / count,
        )

    def _sum(self, x: Values) -> float:
        """The sum of a float32 vector, in runs like those of :func:`_dot`."""
        whole = len(x) // RUN * RUN
        runs = x[:whole].reshape(-1, RUN) @ self._ones
        return float(runs.sum(dtype=np.float64)) + float(x[whole:].sum(dtype=np.float64))


def _dot(x: Values, y: Values) -> float:
    """The product of two float32 vectors: short runs in float32, their sums in float64."""
    whole = len(x) // RUN * RUN
    runs = np.vecdot(x[:whole].reshape(-1, RUN), y[:whole].reshape(-1, RUN))
    return float(runs.sum(dtype=np.float64)) + float(x[whole:] @ y[whole:])


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

    def raw(self, part: Part, piece: slice | Plan) -> tuple[NDArray[np.uint8], str]:
        """The stored bytes of one piece of a part, and their type; the next call overwrites them."""
        tensor = self._checkpoint.tensors[part.tensor]
        item = DTYPES[tensor.dtype].bits // 8
        if isinstance(piece, slice):
            raw = self._room(_size(piece) * item)
            self._read(tensor, (part.view.offset + piece.start) * item, raw)
            return raw, tensor.dtype
        spans = plan_spans(part.view, piece, item)
        memory = self._room(spans.size)
        filled = 0
        for start, stop in zip(spans.starts.tolist(), spans.stops.tolist(), strict=True):
            self._read(tensor, start, memory[filled : filled + stop - start])
            filled += stop - start
        return memory.reshape(-1, item)[spans.places.ravel()].reshape(-1), tensor.dtype

    def decoded(self, raw: NDArray[np.uint8], dtype: str, *, by_words: bool) -> Values:
        """Stored bytes as values; the next call overwrites them.

        Args:
            raw: What :meth:`raw` gave.
            dtype: Their type.
            by_words: Decode bfloat16 two values a word, every second value first: half the work.
        """
        if DTYPES[dtype].wide:
            return decode(raw, dtype)
        out = self._values[: raw.size * 8 // DTYPES[dtype].bits]
        if by_words:
            words, bits = raw.view(np.uint32), out.view(np.uint32)
            np.left_shift(words, 16, out=bits[: len(words)])
            np.bitwise_and(words, 0xFFFF0000, out=bits[len(words) :])
        else:
            decode_into(raw, dtype, out)
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
