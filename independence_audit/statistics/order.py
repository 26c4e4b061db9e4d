"""A probe for axes that are not exchangeable: ramps, sorted units, sinusoids. It looks at one model only."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from independence_audit.statistics.scores import Floats

ORDERED_Z = 5.0
"""|z| above which columns count as ordered; two-sided 5.7e-7, so that six looks lose one innocent tensor in 300,000."""


FEW = 8
"""Effective columns (Σc)²/Σc² below which lag sums are far from normal: rows of mostly one value show no order."""

SHORT = 16
"""Fewer columns cannot show an order."""


def is_ordered(scores: Floats) -> bool:
    """Whether the columns of normal scores [r, n] are in an order that a random permutation would not give.

    Three looks, each against its law under a random permutation of the columns: Gram sums of neighbours (lags 1 and 2)
    over all rows, which catch ramps and sorted units; the same for the row that shows most, which catches bases of
    sinusoids, whose sums over all rows cancel; and sums over blocks (halves, quarters). The moments are those of the
    permutation law up to 1/n, so that no permutation has to be drawn: a lag sum is near normal, a block sum near a
    scaled chi-square with as many degrees of freedom as there are effective rows and contrasts.
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
    off_diagonal = float((gram * gram).sum()) - norms if total**2 >= FEW * norms else 0.0
    fourth = _row_products(squared, squared)
    spread = (squares > 0.0) & (squares**2 >= FEW * fourth)
    for lag in (1, 2):
        neighbours = _row_products(scores[:, lag:], scores[:, :-lag])
        if off_diagonal > 0.0 and abs(_lag_z(neighbours, total, n, lag, off_diagonal)) > ORDERED_Z:
            return True
        if spread.any() and _most_ordered_row(neighbours[spread], squares[spread], fourth[spread], n, lag) > ORDERED_Z:
            return True
    effective_rows = total**2 / float((gram * gram).sum())
    return any(_block_z(scores, blocks, total, effective_rows) > ORDERED_Z for blocks in (2, 4))


def _row_products(first: Floats, second: Floats) -> Floats:
    """The product of every row with its counterpart, [r]."""
    return np.asarray(np.einsum("ij,ij->i", first, second))


def _lag_z(neighbours: Floats, total: float, n: int, lag: int, off_diagonal: float) -> float:
    """z of the sum of Gram entries ``lag`` places off the diagonal; ``off_diagonal`` is the Gram's square sum there."""
    pairs = n - lag
    expected = -total * pairs / (n * (n - 1))
    deviation = math.sqrt(off_diagonal * pairs / (n * (n - 1)))
    return float((neighbours.sum() - expected) / deviation)


def _most_ordered_row(neighbours: Floats, squares: Floats, fourth: Floats, n: int, lag: int) -> float:
    """The z, corrected for the number of rows, of the row whose neighbours agree or differ most.

    Args:
        neighbours: [r], each row's sum of products of values ``lag`` places apart.
        squares: [r], its sum of squares.
        fourth: [r], its sum of fourth powers.
        n: Columns.
        lag: How far apart the values are.
    """
    pairs = n - lag
    deviation = np.sqrt((squares**2 - fourth) * pairs / (n * (n - 1)))
    z = np.abs(neighbours + squares * pairs / (n * (n - 1))) / np.maximum(deviation, 1e-300)
    tail = math.erfc(float(z.max()) / math.sqrt(2)) / 2
    return -NormalDist().inv_cdf(min(0.5, max(tail * len(squares), 1e-300)))


def _block_z(scores: Floats, blocks: int, total: float, effective_rows: float) -> float:
    """z, by its tail probability, of the squared block sums."""
    n = scores.shape[1] // blocks * blocks
    sums = scores[:, :n].reshape(len(scores), blocks, -1).sum(axis=2)
    sums = sums - sums.mean(axis=1, keepdims=True)
    freedom = effective_rows * (blocks - 1)
    scaled = float((sums**2).sum()) * effective_rows * blocks / total
    third = 2 / (9 * freedom)
    nearly = ((scaled / freedom) ** (1 / 3) - 1 + third) / math.sqrt(third)  # Wilson and Hilferty (1931)
    if nearly < ORDERED_Z - 2:
        return float(nearly)
    from scipy.special import chdtrc  # the exact tail is needed for the rare case only

    return -NormalDist().inv_cdf(max(float(chdtrc(freedom, scaled)), 1e-300))
