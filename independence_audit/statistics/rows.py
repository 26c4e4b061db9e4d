"""Whether rows that stand at equal numbers are alike, beyond what any rows of the two matrices are.

Rows of a matrix into hidden units stand in an order of the model's own. Models in one basis (students of one teacher)
may have rows that all lean one way, which an exchange of columns takes for likeness; an exchange of rows does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from independence_audit.statistics.scores import Floats

FEWEST = 4
"""Rows from which an exchange says anything: z is rows - 1 at most."""


@dataclass(frozen=True, slots=True)
class RowAgreement:
    """The agreement of rows over several matrices, each of which counts alike."""

    z: float
    """Standard normal where the rows of either side may be exchanged."""
    most: float
    """The largest that z could be."""


def row_exchange(first: Floats, second: Floats) -> tuple[float, int] | None:
    """z of T = tr(X Yᵀ) under exchanges of the rows of Y, and rows; None of fewer than four, or where all are constant.

    E[T] = 0 and Var[T] = ‖C‖²/(r-1) exactly for the double-centred C = X Yᵀ of unit rows (Hoeffding 1951, as for the
    aligned test, with rows in the place of columns).

    Args:
        first: Centred scores [r, n].
        second: The same.
    """
    sizes = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    told = (sizes[0] > 0.0) & (sizes[1] > 0.0)
    rows = int(told.sum())
    if rows < FEWEST:
        return None
    x, y = (values[told] / size[told, None] for values, size in zip((first, second), sizes, strict=True))
    cross = x @ y.T
    cross -= cross.mean(axis=0)
    cross -= cross.mean(axis=1, keepdims=True)
    spread = float(np.square(cross).sum())
    return None if spread <= 0.0 else (float(np.trace(cross)) * math.sqrt((rows - 1) / spread), rows)


def pooled(exchanges: list[tuple[float, int]]) -> RowAgreement | None:
    """Several matrices as one; None where there are none."""
    if not exchanges:
        return None
    count = math.sqrt(len(exchanges))
    return RowAgreement(
        z=sum(z for z, _ in exchanges) / count,
        most=sum(rows - 1 for _, rows in exchanges) / count,
    )
