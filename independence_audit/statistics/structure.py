"""What two matrices share by construction is taken off their scores before they are tested: only the rest may speak.

Unrelated models of one design may begin with the same public structure: an identity part, the zeros of a mask, a
profile along the channels. Each stands in places that anybody can name, so that both sides agree there whatever they
were trained on. Nothing is taken off that only one side has, and a copy agrees in the rest as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.aligned import AlignedTest, aligned_test_of_scores
from independence_audit.statistics.permutation import Product
from independence_audit.statistics.scores import Floats, normal_scores

Matrix = NDArray[np.floating]
Places = NDArray[np.bool_]

NOTHING = 1e-6
"""Share of a row's largest value below which a value is none: masked weights, whatever rounding left of them."""

SIGNS_ALIKE = 0.9
"""Share of values with one sign on both sides from which signs may be public. Sizes of a copy that keeps so many (r of
0.95 and more) have a correlation of 0.85."""

VARIED = 0.2
"""Deviation of sizes, relative to their mean, from which they say anything: 0.75 of a normal draw, 0 of signs alone."""

SURE_Z = 6.0
"""|z| of what is left from which it is a copy's."""

SPIKE = 2.0
"""Deviations of its row's and column's scores beyond which a score sticks out: one in 22 of a normal draw."""

TOGETHER_Z = 5.0
"""How far beyond what their shares foretell, in deviations of a Poisson law, values stick out in the same places."""

DIAGONAL_Z = 3.0
"""|z| of the sum along a diagonal, on both sides, from which it is left out: of unrelated models' 1,000 diagonals one
in 140 matrices is, which costs them nothing."""

FEW = 8
"""Values of a diagonal that are enough for a z."""

PROFILE_Z = 3.0
"""z of the correlation of two matrices' column means from which their common profile is taken off. What stays below
adds at most 3/sqrt(r) deviations to the test of r rows."""

ROUNDS = 3
"""How often what stands out is left out, each time against the sizes of what is left."""

ORDERED, SHUFFLES = 6.0, 40
"""Deviations beyond random orders from which a matrix follows its diagonals, and how many orders are drawn where that
is near: their deviation is known within an eighth."""

LEAST_ROWS = 16
"""Rows of which a profile may be taken off: a copy loses one in so many."""


@dataclass(frozen=True, slots=True)
class Freed:
    """Scores of two matrices without what they share by construction, [r, n] each."""

    first: Floats
    second: Floats
    support: Places
    """Where not both hold zeros."""
    whole: tuple[Floats, Floats]
    """The scores as they were; the very same arrays where nothing is shared."""

    def test(self) -> tuple[AlignedTest, Product] | None:
        """The aligned test of what is left; of everything, where what is left agrees as a copy does.

        A copy agrees in the rest nearly as it does in all, and its figures are those of all of it; None where nothing
        is left, or a side of it is constant.
        """
        rest = aligned_test_of_scores(self.first, self.second)
        if self.first is self.whole[0] or rest is None or abs(rest[0].z) < SURE_Z:
            return rest
        all_of_it = aligned_test_of_scores(*self.whole)
        return all_of_it if all_of_it and abs(rest[0].r) >= abs(all_of_it[0].r) / 2 else rest

    def along_support(self) -> Floats:
        """The second's scores moved together over the shared zeros of each row: as many as the row with fewest has.

        The order of what a mask lets through can be looked at without the mask's own; rows of zeros are left out.
        """
        counts = self.support.sum(axis=1)
        if (counts == self.support.shape[1]).all() or not counts.any():
            return self.second
        rows = counts > 0
        together = np.argsort(~self.support[rows], axis=1, kind="stable")[:, : int(counts[rows].min())]
        return np.asarray(np.take_along_axis(self.second[rows], together, axis=1))


def without_structure(
    values: tuple[Matrix, Matrix], scores: tuple[Floats, Floats], rows: NDArray[np.int64], start: int
) -> Freed:
    """Normal scores of two matrices without what they share by construction; as they are where that is nothing.

    Args:
        values: The same rows of the same tensor from two models, [r, n] each.
        scores: Their normal scores.
        rows: The numbers of the rows in their tensor, [r].
        start: The number of the first column.
    """
    first, second = scores
    something = ~_nothing(values[0]), ~_nothing(values[1])
    support = something[0] | something[1]
    kept = support.copy()
    if first.size == 0:
        return Freed(first, second, support, scores)
    if _signs_alike(values[0], values[1], support):
        first, second = (normal_scores(np.abs(side)) for side in values)
    if not kept.all():
        first, second = _kept(first, kept), _kept(second, kept)
    if len(rows) >= LEAST_ROWS and _share_profile(first, second):
        first, second = _without_profile(first, kept), _without_profile(second, kept)
    for _ in range(ROUNDS):
        one, other = (_spikes(scores, own & kept) for scores, own in zip((first, second), something, strict=True))
        left_out = _together(one, other, int(kept.sum())) | _both_diagonals(first, second, rows, start)
        if not left_out.any():
            break
        kept &= ~left_out
        first, second = _kept(first, kept), _kept(second, kept)
    return Freed(first, second, support, scores)


def _nothing(values: Matrix) -> Places:
    """Where values are zero, or so much smaller than their row's that they are none."""
    size = np.abs(values)
    if not np.isfinite(size).all():
        size = np.nan_to_num(size, nan=0.0, posinf=0.0)
    return np.asarray(size <= NOTHING * size.max(axis=1, keepdims=True, initial=0.0))


def _signs_alike(first: Matrix, second: Matrix, support: Places) -> bool:
    """Whether nearly all values have one sign on both sides, while their sizes differ within each: then sizes speak."""
    if not float((np.sign(first) == np.sign(second)).sum(where=support)) > SIGNS_ALIKE * max(1, int(support.sum())):
        return False
    sizes = (np.abs(side[support & (side != 0.0) & np.isfinite(side)], dtype=np.float64) for side in (first, second))
    return all(each.size > 0 and float(each.std()) > VARIED * float(each.mean()) for each in sizes)


def _together(one: Places, other: Places, kept: int) -> Places:
    """Where both stick out, if they do so in the same places more often than chance."""
    both = one & other
    expected = float(one.sum()) * float(other.sum()) / max(1, kept)
    enough = float(both.sum()) > expected + TOGETHER_Z * math.sqrt(expected + 1.0)
    return both if enough else np.zeros_like(both)


def _spikes(scores: Floats, own: Places) -> Places:
    """Which scores stick out of those that are their row's own, and their column's.

    Zeros of one side alone set no measure: what pruning left sticks out of nothing.
    """
    squares = scores * scores * own
    sizes = squares.sum(axis=1, keepdims=True) / np.maximum(own.sum(axis=1, keepdims=True), 1)
    if len(scores) >= LEAST_ROWS:
        by_column = squares.sum(axis=0) / np.maximum(own.sum(axis=0), 1)
        sizes = sizes * (by_column / np.maximum(by_column.mean(), 1e-300))
    return np.asarray(squares > SPIKE**2 * sizes)


def _both_diagonals(first: Floats, second: Floats, rows: NDArray[np.int64], start: int) -> Places:
    """The diagonals, falling and rising, whose sums stand out on both sides."""
    columns = np.arange(start, start + first.shape[1])
    found = np.zeros(first.shape, dtype=bool)
    for places in (columns - rows[:, None], columns + rows[:, None]):
        numbers = places - places.min()
        standing_out = _standing_out(first, numbers)
        if standing_out.any():
            standing_out &= _standing_out(second, numbers)
            found |= standing_out[numbers]
    return found


def _standing_out(scores: Floats, numbers: NDArray[np.int64]) -> Places:
    """Which diagonals have a sum that independent signs would not give."""
    flat = numbers.ravel()
    sums = np.bincount(flat, scores.ravel())
    filled = int(np.count_nonzero(scores))
    counts = np.bincount(flat if filled == scores.size else flat[scores.ravel() != 0.0], minlength=len(sums))
    size = float(np.vdot(scores, scores)) / max(1, filled)
    return np.asarray((np.abs(sums) > DIAGONAL_Z * np.sqrt(size * counts)) & (counts >= FEW))


def follows_diagonals(scores: Floats, rows: NDArray[np.int64], start: int) -> bool:
    """Whether a matrix's values hang together along its diagonals, as those of a convolution or a circulant do.

    Each row is the one before it moved on by a place: not the columns may be exchanged then, only what all rows share.
    The squares of the sums along diagonals are held against those of the same rows with columns in random orders.
    """
    columns = np.arange(start, start + scores.shape[1])
    for places in (columns - rows[:, None], columns + rows[:, None]):
        numbers = places - places.min()
        squares, freedom = _diagonal_squares(scores, numbers)
        if freedom < FEW or squares < freedom + ORDERED * math.sqrt(2.0 * freedom):
            continue
        random = np.random.default_rng(0)
        shuffled = [
            _diagonal_squares(scores[:, random.permutation(scores.shape[1])], numbers)[0] for _ in range(SHUFFLES)
        ]
        if squares > np.mean(shuffled) + ORDERED * np.std(shuffled):
            return True
    return False


def _diagonal_squares(scores: Floats, numbers: NDArray[np.int64]) -> tuple[float, int]:
    """Squared z of the sums along diagonals, added up, and how many of these are long enough."""
    sums, counts = np.bincount(numbers.ravel(), scores.ravel()), np.bincount(numbers.ravel())
    enough = counts >= FEW
    size = float(np.vdot(scores, scores)) / max(1, scores.size)
    return float((sums[enough] ** 2 / counts[enough]).sum()) / max(size, 1e-300), int(enough.sum())


def _share_profile(first: Floats, second: Floats) -> bool:
    """Whether the means of the columns are correlated."""
    one, other = (side.mean(axis=0) for side in (first, second))
    size = math.sqrt(float(one @ one) * float(other @ other))
    return size > 0.0 and abs(float(one @ other)) * math.sqrt(len(one)) > PROFILE_Z * size


def _without_profile(scores: Floats, kept: Places) -> Floats:
    """Scores less the mean of their column, over what is kept."""
    counts = np.maximum(kept.sum(axis=0), 1)
    return _kept(scores - (scores * kept).sum(axis=0) / counts, kept)


def _kept(scores: Floats, kept: Places) -> Floats:
    """Scores at the places that are kept, centred on these by row; zero elsewhere."""
    counts = np.maximum(kept.sum(axis=1, keepdims=True), 1)
    inside = scores * kept
    return np.asarray((inside - inside.sum(axis=1, keepdims=True) / counts) * kept)
