"""What the difference between two related matrices is like: of low rank, Gaussian noise, or a mixture of models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.scores import Floats

GAP = 3.0
"""How many times as large the last singular value that counts must be as the first that does not. Those of a random
square matrix of 64 follow each other within 1.2 in the first three quarters."""

LARGEST_SHARE = 0.75
"""Share of the smaller side up to which a rank is a low one."""

TAIL = 0.1
"""Norm of what lies beyond the rank, relative to the whole difference, that rounding of the sum may leave."""

FLAT = 0.15
"""Excess kurtosis, and departure of the spread of row and column energies from that of Gaussian noise, that noise may
show beyond what sampling gives. What training left in 90 matrices of the examples and real networks spreads them 1.7
to 1,300 times as far."""

FEW = 1024
"""Values below which the shape of a distribution cannot be told."""

Matrix = NDArray[np.floating]


SMALLEST = 24
"""Smaller side of a difference below which no rank is looked for: an adapter of 16 would fill it."""


def highest_rank(difference: Matrix) -> int:
    """The largest rank that a difference could show; 0 where it is too small to look."""
    side = min(difference.shape)
    return int(LARGEST_SHARE * side) if side >= SMALLEST else 0


def numerical_rank(difference: Matrix) -> int | None:
    """Rank of a difference or of a linear sketch of it; None where it has no low rank.

    A low-rank edit W + BA, rounded to the type it is stored in, leaves singular values up to its rank and a tail of
    rounding errors behind a gap.

    Args:
        difference: [rows, columns]; neither side of it may be smaller than the rank that is to be found.
    """
    matrix = difference.astype(np.float64)
    matrix = matrix[matrix.any(axis=1)][:, matrix.any(axis=0)]  # rows that stood still are no rank
    if min(matrix.shape) < 4 or not np.isfinite(matrix).all():  # noqa: PLR2004  no room for a tail
        return None
    values = np.linalg.svd(matrix, compute_uv=False)
    most = int(LARGEST_SHARE * len(values))
    ratios = values[:most] / np.maximum(values[1 : most + 1], values[0] * 1e-12)
    tails = np.sqrt(np.cumsum((values**2)[::-1])[::-1])[1 : most + 1] / math.sqrt(float(values @ values))
    likely = np.flatnonzero((ratios >= GAP) & (tails <= TAIL))
    return int(likely[ratios[likely].argmax()]) + 1 if len(likely) else None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the values of a difference are distributed, beside independent Gaussian values of one size."""

    kurtosis: float
    """Excess: 0 for Gaussian values, more with tails."""
    rows: float
    """Variance of the rows' mean squares over that of Gaussian values, 2/columns of the squared mean; 1 for these."""
    columns: float
    """The same of the columns."""
    size: tuple[int, int]

    @property
    def is_noise(self) -> bool:
        """Whether it is that of Gaussian noise: no tails, no louder rows or columns."""
        height, width = self.size
        spreads = ((self.rows, height), (self.columns, width))
        return abs(self.kurtosis) <= FLAT + 4.0 * math.sqrt(24.0 / (height * width)) and all(
            abs(spread - 1.0) <= FLAT + 4.0 * math.sqrt(2.0 / count) for spread, count in spreads
        )


def shape_of(difference: Matrix) -> Shape | None:
    """The distribution of a difference [rows, columns]; None where it is zero, not finite, or too small to tell."""
    matrix = difference.astype(np.float64)
    if matrix.size < FEW or min(matrix.shape) < 4 or not np.isfinite(matrix).all():  # noqa: PLR2004
        return None
    squares = matrix**2
    mean = float(squares.mean())
    if mean == 0.0:
        return None
    along = [squares.mean(axis=axis) / mean for axis in (1, 0)]
    rows, columns = (
        float(energies.var()) * length / 2.0 for energies, length in zip(along, matrix.shape[::-1], strict=True)
    )
    return Shape(float((squares**2).mean()) / mean**2 - 3.0, rows, columns, (matrix.shape[0], matrix.shape[1]))


SCALED = 0.9
"""Share of a difference that factors of rows or of columns must explain to be named. Of any other difference they
explain one value in as many as a row or column has."""

LONG = 8
"""Values of a row or column from which its factor says anything."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """A matrix as another one with every row, or every column, times a factor of its own."""

    share: float
    """Of the squared difference, what the factors explain."""
    lowest: float
    highest: float


def scaling_of(model: Matrix, other: Matrix) -> Scaling | None:
    """The factors of rows or of columns, whichever explain more; None where neither is long, or nothing differs.

    A normalisation that was folded into the matrix before it leaves such factors, and so do rescaled units.

    Args:
        model: [rows, columns], finite.
        other: The same places of the other.
    """
    x, y = other.astype(np.float64), model.astype(np.float64)
    whole = float(((y - x) ** 2).sum())
    found = []
    for axis in (0, 1):
        squares = (x**2).sum(axis=axis, keepdims=True)
        if x.shape[axis] < LONG or whole == 0.0 or not squares.all():
            continue
        factors = (x * y).sum(axis=axis, keepdims=True) / squares
        share = 1.0 - float(((y - factors * x) ** 2).sum()) / whole
        found.append(Scaling(share, float(factors.min()), float(factors.max())))
    return max(found, key=lambda each: each.share, default=None)


@dataclass(frozen=True, slots=True)
class Mixture:
    """A model as the weighted sum of others."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    """Standard errors of the coefficients."""
    residual: float
    """Norm of what the sum does not explain, relative to the model."""
    alone: float
    """The same for the nearest of the others taken alone, with a coefficient of its own."""


def mixture(model: Floats, others: Sequence[Floats]) -> Mixture | None:
    """Non-negative least squares of a model's values on those of others, with standard errors.

    The coefficients solve min ‖x - Σ c_i y_i‖ with c_i ≥ 0 (Lawson and Hanson, 1974); their errors are those of least
    squares on the others that take part, whose residuals count as independent.

    Args:
        model: Sampled values, or sketches, of all matrices one behind the other: [values].
        others: The same places of every other model.

    Returns:
        None where the others cannot be told apart, or there are too few values.
    """
    from scipy.optimize import nnls  # only where several references are related

    design = np.stack(others, axis=1)
    if len(model) < FEW or not np.isfinite(design).all() or not np.isfinite(model).all():
        return None
    scale = np.linalg.norm(design, axis=0)
    if not scale.all() or np.linalg.cond(design / scale) > 1e6:  # noqa: PLR2004  two of them are one
        return None
    solution, residual = nnls(design / scale, model)
    taking = np.flatnonzero(solution > 0.0)
    variance = residual**2 / max(1, len(model) - len(taking))
    errors = np.zeros(len(others))
    part = design[:, taking]
    errors[taking] = np.sqrt(np.diag(np.linalg.inv(part.T @ part)) * variance)
    size = float(np.linalg.norm(model))
    along = design.T @ model / scale
    alone = math.sqrt(max(0.0, size**2 - float(along.max()) ** 2))
    return Mixture(
        coefficients=tuple((solution / scale).tolist()),
        errors=tuple(errors.tolist()),
        residual=float(residual) / size,
        alone=alone / size,
    )
