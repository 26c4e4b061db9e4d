"""A probe for axes that are not exchangeable: ramps, sorted units, sinusoids. It looks at one model only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.scores import Floats

ORDERED_Z = 5.0
"""|z| above which columns count as ordered; two-sided 5.7e-7, so that some seventy looks, most of which go together,
lose one innocent tensor in 30,000."""


FEW = 8
"""Effective columns (Σc)²/Σc² below which lag sums are far from normal: rows of mostly one value show no order."""

MANY = 32
"""The same for looks at columns further apart, of which there are many, and at sums of squares."""

NEIGHBOURS = 2
"""Places apart up to which few effective columns are enough."""

SHORT = 16
"""Fewer columns cannot show an order."""


LAGS = range(1, 17)
"""Places apart at which columns are held together: profiles that come back every few channels."""

TURNS = tuple(1 << bit for bit in range(6))
"""Bits of the column's number that are turned over: what Hadamard's matrices are made of."""


def is_ordered(scores: Floats, *, in_heads: bool = False) -> bool:
    """Whether the columns of normal scores [r, n] are in an order that a random permutation would not give.

    Five looks, each against its law under a random permutation of the columns: Gram sums of columns 1 to 16 places
    apart over all rows, which catch ramps, sorted units and short periods; the same for the row that shows most, which
    catches bases of sinusoids, whose sums over all rows cancel; the sum of their squares over the rows, also with bits
    of the column's number turned over, for bases below noise; sums over blocks (halves, quarters); and the largest
    ordinate of the spectrum, for periods of any length. The moments are those of the permutation law up to 1/n, so that
    no permutation has to be drawn: a lag sum is near normal, a block sum near a scaled chi-square with as many degrees
    of freedom as there are effective rows and contrasts.

    Args:
        scores: [r, n].
        in_heads: Whether the columns are attention's outputs: heads that share a value head are alike in any model, so
            that only neighbours and blocks are looked at.
    """
    n = scores.shape[1]
    squared = scores * scores
    squares = squared.sum(axis=1)
    total = float(squares.sum())
    if n < SHORT or total == 0.0:
        return False
    gram = scores @ scores.T
    column_norms = squared.sum(axis=0)
    norms = float(column_norms @ column_norms)
    off_diagonal = float((gram * gram).sum()) - norms
    fourth = _row_products(squared, squared)
    rows = [_Rows.spread(scores, squares, fourth, gram, least) for least in (FEW, MANY)]
    for lag in LAGS:
        least, seen = (FEW, rows[0]) if lag <= NEIGHBOURS else (MANY, rows[1])
        if lag * FEW > n or (in_heads and lag > NEIGHBOURS):
            break
        products = _row_products(scores[:, lag:], scores[:, :-lag])
        everywhere = off_diagonal > 0.0 and total**2 >= least * norms
        if everywhere and abs(_lag_z(products, total, n, lag, off_diagonal)) > ORDERED_Z:
            return True
        if seen is not None and seen.are_ordered(seen.z(products[seen.which], n - lag), together=least == MANY):
            return True
    effective_rows = total**2 / float((gram * gram).sum())
    if any(_block_z(scores, blocks, total, effective_rows) > ORDERED_Z for blocks in (2, 4)):
        return True
    wide = rows[1]
    if wide is None or in_heads:
        return False
    own = scores[wide.which]
    turned = any(wide.are_ordered(_turned_z(own, wide, turn), together=True) for turn in TURNS)
    return turned or _is_periodic(own, wide.squares)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows in which an order can be seen."""

    which: NDArray[np.bool_]
    squares: Floats
    """[r], each row's sum of squares."""
    fourth: Floats
    """[r], its sum of fourth powers."""
    columns: int
    alike: float
    """Σ ρ⁴ over all pairs of rows, each with itself included: r for independent rows."""

    @classmethod
    def spread(  # what was worked out of the scores before
        cls, scores: Floats, squares: Floats, fourth: Floats, gram: Floats, least: int
    ) -> _Rows | None:
        """Those with so many effective columns at least; None where there are none."""
        which = (squares > 0.0) & (squares**2 >= least * fourth)
        if not which.any():
            return None
        sizes = squares[which]
        alike = float(((gram[np.ix_(which, which)] ** 2 / np.outer(sizes, sizes)) ** 2).sum())
        return cls(which, sizes, fourth[which], scores.shape[1], alike)

    def z(self, products: Floats, pairs: int) -> Floats:
        """z of each row's sum of products of so many pairs of different columns, under a random permutation."""
        n = self.columns
        deviation = np.sqrt((self.squares**2 - self.fourth) * pairs / (n * (n - 1)))
        return np.asarray((products + self.squares * pairs / (n * (n - 1))) / np.maximum(deviation, 1e-300))

    def are_ordered(self, z: Floats, *, together: bool) -> bool:
        """Whether one row's z, corrected for their number, or all rows' squares are beyond chance.

        Lag sums of rows with correlation ρ have the correlation ρ²: the squares' sum has the variance 2 Σ ρ⁴.
        """
        tail = math.erfc(float(np.abs(z).max()) / math.sqrt(2)) / 2
        if -NormalDist().inv_cdf(min(0.5, max(tail * len(z), 1e-300))) > ORDERED_Z:
            return True
        freedom = len(z) ** 2 / self.alike
        return together and _chi_square_z(float(z @ z) / len(z) * freedom, freedom) > ORDERED_Z


def _turned_z(scores: Floats, rows: _Rows, turn: int) -> Floats:
    """z of each row's sum of products of columns whose numbers differ in one bit."""
    n = scores.shape[1] // (2 * turn) * 2 * turn
    halves = scores[:, :n].reshape(len(scores), -1, 2, turn)
    if n == 0:
        return np.zeros(len(scores))
    return rows.z(np.asarray(np.einsum("abt,abt->a", halves[:, :, 0], halves[:, :, 1])), n // 2)


def _is_periodic(scores: Floats, squares: Floats) -> bool:
    """Whether one ordinate of the spectrum, of one row or of all together, is beyond chance.

    Under a random permutation an ordinate is near exponential (Fisher, 1929), and a mean over rows near a chi-square
    with two degrees of freedom for each effective row.
    """
    n = scores.shape[1]
    ordinates = np.abs(np.fft.rfft(scores, axis=1)[:, 1 : (n + 1) // 2]) ** 2 / squares[:, None]
    tail = math.exp(-float(ordinates.max())) * ordinates.size
    if -NormalDist().inv_cdf(min(0.5, max(tail, 1e-300))) > ORDERED_Z:
        return True
    unit = scores / np.sqrt(squares)[:, None]
    freedom = 2.0 * len(scores) ** 2 / float(((unit @ unit.T) ** 2).sum())
    together = _chi_square_z(float(ordinates.mean(axis=0).max()) * freedom, freedom)
    return -NormalDist().inv_cdf(min(0.5, math.erfc(together / math.sqrt(2)) / 2 * ordinates.shape[1])) > ORDERED_Z


def _row_products(first: Floats, second: Floats) -> Floats:
    """The product of every row with its counterpart, [r]."""
    return np.asarray(np.einsum("ij,ij->i", first, second))


def _lag_z(neighbours: Floats, total: float, n: int, lag: int, off_diagonal: float) -> float:
    """z of the sum of Gram entries ``lag`` places off the diagonal; ``off_diagonal`` is the Gram's square sum there."""
    pairs = n - lag
    expected = -total * pairs / (n * (n - 1))
    deviation = math.sqrt(off_diagonal * pairs / (n * (n - 1)))
    return float((neighbours.sum() - expected) / deviation)


def _block_z(scores: Floats, blocks: int, total: float, effective_rows: float) -> float:
    """z, by its tail probability, of the squared block sums."""
    n = scores.shape[1] // blocks * blocks
    sums = scores[:, :n].reshape(len(scores), blocks, -1).sum(axis=2)
    sums = sums - sums.mean(axis=1, keepdims=True)
    freedom = effective_rows * (blocks - 1)
    return _chi_square_z(float((sums**2).sum()) * effective_rows * blocks / total, freedom)


def _chi_square_z(scaled: float, freedom: float) -> float:
    """The z with the tail probability of a chi-square."""
    third = 2 / (9 * freedom)
    nearly = ((scaled / freedom) ** (1 / 3) - 1 + third) / math.sqrt(third)  # Wilson and Hilferty (1931)
    if nearly < ORDERED_Z - 2:
        return float(nearly)
    from scipy.special import chdtrc  # the exact tail is needed for the rare case only

    return -NormalDist().inv_cdf(max(float(chdtrc(freedom, scaled)), 1e-300))
