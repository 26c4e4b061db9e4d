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
    squares = (scores**2).sum(axis=1)
    total = float(squares.sum())
    if n < SHORT or total == 0.0:
        return False
    gram = scores @ scores.T
    column_norms = (scores**2).sum(axis=0)
    spread_columns = total**2 >= FEW * float(column_norms @ column_norms)
    off_diagonal = float((gram**2).sum()) - float(column_norms @ column_norms) if spread_columns else 0.0
    rows = scores[(squares > 0.0) & (squares**2 >= FEW * (scores**4).sum(axis=1))]
    if any(abs(_lag_z(scores, lag, off_diagonal)) > ORDERED_Z for lag in (1, 2) if off_diagonal > 0.0):
        return True
    if len(rows) and any(_most_ordered_row(rows, lag) > ORDERED_Z for lag in (1, 2)):
        return True
    effective_rows = total**2 / float((gram**2).sum())
    return any(_block_z(scores, blocks, total, effective_rows) > ORDERED_Z for blocks in (2, 4))


def _lag_z(scores: Floats, lag: int, off_diagonal: float) -> float:
    """z of the sum of Gram entries ``lag`` places off the diagonal; ``off_diagonal`` is the Gram's square sum there."""
    n = scores.shape[1]
    pairs = n - lag
    observed = float((scores[:, lag:] * scores[:, :-lag]).sum())
    expected = -float((scores**2).sum()) * pairs / (n * (n - 1))
    deviation = math.sqrt(off_diagonal * pairs / (n * (n - 1)))
    return float((observed - expected) / deviation)


def _most_ordered_row(rows: Floats, lag: int) -> float:
    """The z, corrected for the number of rows, of the row whose neighbours agree or differ most."""
    n = rows.shape[1]
    squares = (rows**2).sum(axis=1)
    pairs = n - lag
    observed = (rows[:, lag:] * rows[:, :-lag]).sum(axis=1)
    deviation = np.sqrt((squares**2 - (rows**4).sum(axis=1)) * pairs / (n * (n - 1)))
    z = np.abs(observed + squares * pairs / (n * (n - 1))) / np.maximum(deviation, 1e-300)
    tail = math.erfc(float(z.max()) / math.sqrt(2)) / 2
    return -NormalDist().inv_cdf(min(0.5, max(tail * len(rows), 1e-300)))


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
