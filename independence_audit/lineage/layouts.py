"""Matrices of a reference inside of a subject's tensors: from the places of some of its rows to all that can be read.

A matrix that was written as a vector, a stack, halves, a transpose or as bit patterns keeps two distances: between
neighbours in a row and between rows. They are read off the places at which rows were found; all other sampled rows are
then read where they must stand, and measured like any pair. Rows that were scattered count only where they are equal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint import decode
from independence_audit.fingerprint import Sample
from independence_audit.lineage.decide import EXACT_VALUES
from independence_audit.lineage.measure import Measured, measure
from independence_audit.lineage.outcomes import Undone
from independence_audit.lineage.pairing import SAME_VALUES
from independence_audit.lineage.windows import WINDOW, Hits, codes_of, standard, stretch_of

BLOCK = 64
"""Columns whose agreement decides how far a row was kept together: r = 0.5 of so many is four standard deviations."""
NARROW = 16
"""Fewer columns at a window's edge go with their neighbours."""

ANCHORS = 3
"""Places of a matrix from which its layout is tried."""

BETWEEN = 0.8
"""Share of the sampled rows between the first and the last that must agree."""

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of taking a tensor's bytes for values."""

    tensor: str
    dtype: str
    size: int
    """Values that it then has."""
    last: int
    """Values of its last axis."""
    as_stored: bool
    """Whether it is the tensor's own number type."""
    read: Callable[[Places], NDArray[np.uint8]]
    """Values at places [rows, columns] as stored: [rows, columns, bytes of a value].

    Raises:
        ReadError: The bytes could not be read.
    """

    def values(self, places: Places) -> NDArray[np.float32]:
        """Values at places [rows, columns]; those outside of the tensor are zero."""
        inside = (places >= 0) & (places < self.size)
        raw = self.read(np.where(inside, places, 0))
        values = decode(np.ascontiguousarray(raw).reshape(-1), self.dtype).reshape(places.shape).astype(np.float32)
        values[~inside] = 0.0
        return values


@dataclass(frozen=True, slots=True)
class Piece:
    """What a tensor of the subject holds of a matrix of a reference."""

    tensor: str
    first: int
    stop: int
    """Between which of the tensor's stored values it stands."""
    shape: tuple[int, int]
    """Rows and columns of the matrix that it holds, about."""
    measured: Measured
    """With the reference's sample as counterpart; of the subject's the rows that were read."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A row that was found: its number among the sampled ones, a column of it, and where column 0 would stand."""

    row: int
    column: int
    start: int


@dataclass(frozen=True, slots=True)
class _Steps:
    """A distance of rows under which some agree."""

    anchor: _Anchor
    step: int
    agreed: NDArray[np.bool_]
    """Of the sampled rows."""
    complete: bool
    """Whether all do that stand inside of the tensor."""


def laid_out(target: Sample, reading: Reading, stride: int, hits: Hits) -> tuple[Piece, NDArray[np.bool_]] | None:
    """A matrix whose rows stand at even distances in a tensor, and which hits it explains; None where they do not.

    Args:
        target: The reference's sample, of one expert.
        reading: How the tensor's bytes were taken.
        stride: Distance of neighbours in a row.
        hits: Where rows of it seem to stand.
    """
    best = _best(target, reading, stride, hits)
    if best is None:
        return None
    anchor, step, agreed = best.anchor, best.step, best.agreed
    rows = _run(target.rows, agreed)
    starts = anchor.start + (target.rows - target.rows[anchor.row]) * step
    start, stop = _columns(target, reading, starts[agreed], stride, anchor.column, agreed)
    inside = rows & (starts + start * stride >= 0) & (starts + (stop - 1) * stride < reading.size)
    places = starts[inside, None] + np.arange(start, stop, dtype=np.int64) * stride
    measured = _measured(target, inside, (start, stop), reading, places)
    if measured is None:
        return None
    share = (stop - start) / (target.stop - target.start)
    shape = _rows_inside(target, inside, starts, step, reading.size), max(1, round(share * target.shape[1]))
    piece = Piece(reading.tensor, int(places.min()), int(places.max()) + 1, shape, measured)
    in_place = inside[hits.row] & (hits.place - hits.column * stride == starts[hits.row])
    return piece, in_place & (hits.column >= start) & (hits.column < stop)


def _best(target: Sample, reading: Reading, stride: int, hits: Hits) -> _Steps | None:
    """The layout in which most rows agree; the first in which all do that the tensor has room for."""
    best = None
    for anchor in _anchors(hits, stride):
        for each in _steps(target, reading, stride, hits, anchor):
            if best is None or each.agreed.sum() > best.agreed.sum():
                best = each
            if each.complete:
                return best
    return best


def _anchors(hits: Hits, stride: int) -> list[_Anchor]:
    """Rows with the places that most of their stretches agree on."""
    starts = hits.place - hits.column * stride
    counts = Counter(zip(hits.row.tolist(), starts.tolist(), strict=True))
    columns = dict(zip(zip(hits.row.tolist(), starts.tolist(), strict=True), hits.column.tolist(), strict=True))
    return [_Anchor(row, columns[row, start], start) for (row, start), _ in counts.most_common(ANCHORS)]


def _steps(target: Sample, reading: Reading, stride: int, hits: Hits, anchor: _Anchor) -> Iterator[_Steps]:
    """Distances of rows under which others are found as well, with the rows that then agree."""
    starts = hits.place - hits.column * stride
    apart = target.rows[hits.row] - target.rows[anchor.row]
    steps: Counter[int] = Counter()
    for rows, values in zip(apart.tolist(), (starts - anchor.start).tolist(), strict=True):
        if rows and values % rows == 0:
            steps[values // rows] += 1
    width = target.shape[1]
    usual = (width * stride, reading.last, width // 2, 2 * width, 3 * width, width // 4, 4 * width, 1)
    tried = dict.fromkeys([*(step for step, _ in steps.most_common(4)), *usual])
    block = min(BLOCK, stretch_of(width), target.stop - anchor.column)
    columns = np.arange(anchor.column, anchor.column + block, dtype=np.int64)
    theirs = standard(target.values()[:, columns - target.start].astype(np.float32))
    for step in tried:
        if step == 0 or (step == stride and width > 1):
            continue
        starts = anchor.start + (target.rows - target.rows[anchor.row]) * step
        inside = (starts + columns[0] * stride >= 0) & (starts + columns[-1] * stride < reading.size)
        if inside.sum() < 2:  # noqa: PLR2004  one row has no distance
            continue
        mine = standard(reading.values(starts[inside, None] + columns * stride))
        agreed = inside.copy()
        agreed[inside] = np.abs((mine * theirs[inside]).sum(axis=1)) >= SAME_VALUES
        if agreed.sum() > 1 and agreed[_run(target.rows, agreed)].mean() >= BETWEEN:
            yield _Steps(anchor, step, agreed, complete=bool(agreed.sum() == inside.sum()))


def _run(rows: Places, agreed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All sampled rows from the first to the last that agrees: none is left out for its values."""
    return np.asarray((rows >= rows[agreed].min()) & (rows <= rows[agreed].max()))


def _columns(  # noqa: PLR0913, PLR0917  where rows stand, and where one is known to
    target: Sample, reading: Reading, starts: Places, stride: int, column: int, agreed: NDArray[np.bool_]
) -> tuple[int, int]:
    """The columns around one that were kept together: first and behind the last."""
    columns = np.arange(target.start, target.stop, dtype=np.int64)
    places = starts[:, None] + columns * stride
    mine, theirs = reading.values(places), target.values()[agreed].astype(np.float32)
    inside = np.asarray(((places >= 0) & (places < reading.size)).all(axis=0))
    edges = [target.start, *range(-(-(target.start + NARROW) // BLOCK) * BLOCK, target.stop - NARROW + 1, BLOCK)]
    edges = [*dict.fromkeys(edges), target.stop]
    blocks = list(pairwise(edges))
    agree = []
    for first, stop in blocks:
        cut = slice(first - target.start, stop - target.start)
        r = np.abs((standard(mine[:, cut]) * standard(theirs[:, cut])).sum(axis=1)).mean()
        agree.append(bool(inside[cut].all() and r >= SAME_VALUES))
    at = next(number for number, (first, stop) in enumerate(blocks) if first <= column < stop)
    low = high = at
    while low > 0 and agree[low - 1]:
        low -= 1
    while high + 1 < len(blocks) and agree[high + 1]:
        high += 1
    return blocks[low][0], blocks[high][1]


def _rows_inside(target: Sample, rows: NDArray[np.bool_], starts: Places, step: int, size: int) -> int:
    """About how many of the matrix's rows a tensor holds, when these of the sampled ones agree."""
    every = starts[0] + (np.arange(target.shape[0]) - target.rows[0]) * step
    possible = (every >= -target.stop * abs(step)) & (every < size) & (every + max(abs(step), target.stop) > 0)
    of_sampled = possible[target.rows]
    return max(1, round(float(rows.sum() / max(1, of_sampled.sum())) * int(possible.sum())))


def _measured(
    target: Sample, rows: NDArray[np.bool_], columns: tuple[int, int], reading: Reading, places: Places
) -> Measured | None:
    """Rows of a tensor against those of the reference; None where the pair says nothing."""
    start, stop = columns
    if places.size < WINDOW:
        return None
    theirs = _cut(target, rows, start, stop)
    mine = replace(theirs, name=reading.tensor, dtype=reading.dtype, raw=reading.read(places), packing="")
    measured, _ = measure(mine, theirs)
    if measured.reason or measured.test is None:
        return None
    exact = measured.numbers.identical_fraction == 1.0 or measured.rounding is not None
    if not exact and abs(measured.test.r) < SAME_VALUES:
        return None
    return replace(
        measured, reference=target, undone=Undone.LAYOUT if reading.as_stored else Undone.BIT_PATTERN, rearranged=True
    )


def _cut(target: Sample, rows: NDArray[np.bool_], start: int, stop: int) -> Sample:
    """Some rows and columns of a sample."""
    raw = None if target.raw is None else target.raw[rows][:, start - target.start : stop - target.start]
    return replace(
        target,
        rows=target.rows[rows],
        experts=target.experts[rows],
        start=start,
        stop=stop,
        window=(start, stop),
        raw=raw,
        whole=None,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A sampled row found by itself: the columns that are equal, and where the first of them stands."""

    reading: Reading
    row: int
    start: int
    stop: int
    places: Places


def scattered(target: Sample, hits: Sequence[tuple[Reading, int, Hits]]) -> list[Piece]:
    """Rows of a matrix that stand anywhere, equal in more values than chance could make so; else nothing.

    Args:
        target: The reference's sample, of one expert.
        hits: By reading and distance of neighbours, where rows of it seem to stand.
    """
    rows: dict[int, _Found] = {}
    for reading, stride, each in hits:
        for found in _equal_runs(target, reading, stride, each):
            held = rows.get(found.row)
            if held is None or found.stop - found.start > held.stop - held.start:
                rows[found.row] = found
    equal = sum(found.stop - found.start for found in rows.values())
    if equal < EXACT_VALUES:
        return []
    shelves: dict[tuple[int, int], list[_Found]] = defaultdict(list)
    for found in rows.values():
        shelves[found.start, found.stop].append(found)
    (start, stop), largest = max(shelves.items(), key=lambda shelf: len(shelf[1]) * (shelf[0][1] - shelf[0][0]))
    measured = _of_scattered(target, largest, start, stop)
    if measured is None:
        return []
    numbers = replace(measured.numbers, compared_values=equal)
    return list(_by_tensor(target, rows, replace(measured, numbers=numbers)))


def _equal_runs(target: Sample, reading: Reading, stride: int, hits: Hits) -> Iterator[_Found]:
    """The longest run of equal columns around every place."""
    columns = np.arange(target.start, target.stop, dtype=np.int64)
    theirs = codes_of(target.values())
    seen = set()
    for row, column, place in zip(hits.row.tolist(), hits.column.tolist(), hits.place.tolist(), strict=True):
        start = place - column * stride
        if (row, start) in seen:
            continue
        seen.add((row, start))
        places = start + columns * stride
        inside = (places >= 0) & (places < reading.size)
        equal = inside & (codes_of(reading.values(places[None]))[0] == theirs[row])
        at = column - target.start
        low = at - int(np.argmin(np.append(equal[: at + 1][::-1], False))) + 1
        high = at + int(np.argmin(np.append(equal[at:], False)))
        if high - low >= WINDOW:
            yield _Found(reading, row, target.start + low, target.start + high, places[low:high])


def _of_scattered(target: Sample, found: Sequence[_Found], start: int, stop: int) -> Measured | None:
    """Rows of several tensors, each read where it stands, against those of the reference."""
    ordered = sorted(found, key=lambda one: one.row)
    keep = np.zeros(len(target.rows), dtype=np.bool_)
    keep[[one.row for one in ordered]] = True
    theirs = _cut(target, keep, start, stop)
    values = np.concatenate([one.reading.values(one.places[None]) for one in ordered])
    mine = replace(theirs, dtype="F32", raw=values[:, :, None].view(np.uint8).reshape(*values.shape, 4), packing="")
    measured, _ = measure(mine, theirs)
    if measured.reason or measured.test is None:
        return None
    return replace(measured, reference=target, undone=Undone.SCATTERED_ROWS, rearranged=True)


def _by_tensor(target: Sample, rows: Mapping[int, _Found], measured: Measured) -> Iterator[Piece]:
    """What each tensor holds of the matrix; the evidence counts once."""
    tensors: dict[str, list[_Found]] = defaultdict(list)
    for found in rows.values():
        tensors[found.reading.tensor].append(found)
    for number, (tensor, each) in enumerate(tensors.items()):
        share = sum(found.stop - found.start for found in each) / (len(target.rows) * (target.stop - target.start))
        first, stop = min(int(one.places[0]) for one in each), max(int(one.places[-1]) for one in each) + 1
        shape = max(1, round(share * target.shape[0])), target.shape[1]
        yield Piece(tensor, first, stop, shape, replace(measured, repeated=number > 0))
