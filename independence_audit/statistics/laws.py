"""Initial laws: does a matrix look like an independent draw, of which law and scale, and how far from it?

Tests of fit on thousands of values reject everything, so these are effect sizes with tolerances (docs/scratch.md), and
one dependence ratio whose expectation under an independent draw is exactly 1, whatever the law and the scales.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORMAL = "normal"
TRUNCATED_2 = "truncated_normal_2"
TRUNCATED_3 = "truncated_normal_3"
UNIFORM = "uniform"
LAWS = (NORMAL, TRUNCATED_2, TRUNCATED_3, UNIFORM)
"""Symmetric laws that libraries draw weights from; Xavier and Kaiming variants are one of these with a scale."""

MOST_ROWS = 1024
"""Rows between which the dependence is measured, at most: its deviation is then 0.002."""
SAMPLED = 65536
"""Values that a fit looks at, at most: its standard error is then 0.002, below every tolerance."""

_SMALL, _LARGE = 1e-12, 1e12
"""Squared lengths of rows between which fourth powers of values stay in the range of single precision."""

_LOOKED_AT = 1024
"""Sorted values at which two distributions are compared, at most."""

_TOLD_APART = 0.25
"""Difference of sqrt(n) D below which the first of the laws is named: it is within chance."""


@dataclass(frozen=True, slots=True)
class LawFit:
    """The law nearest to some values."""

    law: str
    scale: float
    """Standard deviation of the values about zero."""
    distance: float
    """Largest difference between the two distribution functions (Kolmogorov's D)."""
    values: int


def fit_law(values: NDArray[np.floating]) -> LawFit | None:
    """The law nearest to some values, with zero mean and their own scale.

    Args:
        values: Any shape; NaN and infinities are left out.

    Returns:
        None where all are zero or none is finite.
    """
    finite = np.asarray(values, dtype=np.float64).ravel()
    finite = finite[np.isfinite(finite)]
    if finite.size > SAMPLED:
        finite = finite[:: -(-finite.size // SAMPLED)]
    largest = float(np.abs(finite).max(initial=0.0))
    if largest == 0.0:
        return None
    finite = finite / largest  # squares of tiny or huge values would leave the range of floats
    scale = math.sqrt(float(finite @ finite) / finite.size)
    ordered = np.sort(finite / scale)
    distances = {law: kolmogorov(ordered, _DISTRIBUTIONS[law]) for law in LAWS}
    within = min(distances.values()) + _TOLD_APART / math.sqrt(finite.size)
    law = next(law for law in LAWS if distances[law] <= within)
    return LawFit(law, scale * largest, distances[law], finite.size)


def distance_to(values: NDArray[np.floating], law: str) -> float:
    """Kolmogorov's distance of some values, scaled to deviation 1, to one law; 1 where all are zero."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    largest = float(np.abs(flat).max(initial=0.0))
    if largest == 0.0:
        return 1.0
    flat = flat / largest
    scale = math.sqrt(float(flat @ flat) / flat.size)
    return kolmogorov(np.sort(flat / scale), _DISTRIBUTIONS[law])


def kolmogorov(ordered: Floats, distribution: Callable[[Floats], Floats]) -> float:
    """Largest difference between the distribution of sorted values [n] and a law's.

    Of many values 1,024 evenly spaced ones are looked at: both distributions rise, so that nothing larger than one
    step between two of them, 1/1024, can be missed.
    """
    count = len(ordered)
    places = np.arange(count) if count <= _LOOKED_AT else np.linspace(0, count - 1, _LOOKED_AT).astype(np.int64)
    expected = distribution(ordered[places])
    return float(max(((places + 1) / count - expected).max(), (expected - places / count).max()))


def _normal(values: Floats) -> Floats:
    """The normal distribution function, between table entries by straight lines: off by less than 1e-6."""
    places, table = _normal_table()
    return np.interp(values, places, table)


@cache
def _normal_table() -> tuple[Floats, Floats]:
    """Places 0.004 apart and the normal law at them; importing scipy for it would cost more than a whole audit."""
    places = np.linspace(-8.0, 8.0, 4001)
    return places, np.array([(1.0 + math.erf(place / math.sqrt(2))) / 2 for place in places.tolist()])


def _truncated(limit: float) -> Callable[[Floats], Floats]:
    """The normal law cut at ± limit of its own deviations, rescaled to deviation 1."""
    density = math.exp(-(limit**2) / 2) / math.sqrt(2 * math.pi)
    mass = math.erf(limit / math.sqrt(2))
    deviation = math.sqrt(1 - 2 * limit * density / mass)

    def distribution(values: Floats) -> Floats:
        inside = np.clip(values * deviation, -limit, limit)
        return (_normal(inside) - (1 - mass) / 2) / mass

    return distribution


def _uniform(values: Floats) -> Floats:
    return np.clip((values / math.sqrt(3) + 1) / 2, 0.0, 1.0)


_DISTRIBUTIONS: Mapping[str, Callable[[Floats], Floats]] = {
    NORMAL: _normal,
    TRUNCATED_2: _truncated(2.0),
    TRUNCATED_3: _truncated(3.0),
    UNIFORM: _uniform,
}


@dataclass(frozen=True, slots=True)
class Dependence:
    """How much the rows of a matrix have to do with each other, against independent signs."""

    found: float
    """Σ over pairs of rows of their squared product."""
    expected: float
    """The same under independent random signs: Σ over pairs and columns of x² y²."""
    pairs: int

    @property
    def ratio(self) -> float:
        """1 for an independent draw, below 1 for an orthogonal one, far above for a trained matrix or update."""
        return self.found / self.expected if self.expected > 0.0 else 1.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the ratio under independent signs, about: each pair is a chi-square with 1 degree."""
        return math.sqrt(2.0 / max(1, self.pairs))

    def __add__(self, other: Dependence) -> Dependence:
        return Dependence(self.found + other.found, self.expected + other.expected, self.pairs + other.pairs)


NOTHING = Dependence(0.0, 0.0, 0)


def row_dependence(matrix: NDArray[np.floating]) -> Dependence:
    """How strongly the rows of a matrix [r, n] depend on each other.

    Under any draw whose entries have independent, symmetric signs the expectation of the ratio is 1 exactly, whatever
    the scales of entries, rows and columns: E[(Σⱼ sⱼ xⱼ yⱼ)²] = Σⱼ xⱼ² yⱼ². Training makes rows share directions.
    Rows count as if they had unit length, so that no long one speaks for all; zero rows say nothing.
    """
    rows = np.asarray(matrix)
    rows = rows[:: -(-len(rows) // MOST_ROWS)] if len(rows) > MOST_ROWS else rows
    with np.errstate(over="ignore", invalid="ignore"):  # what is out of range is told by the lengths
        lengths = np.vecdot(rows, rows)
    if not (lengths.size and lengths.min() > _SMALL and lengths.max() < _LARGE):
        rows = _unit_rows(rows)
        lengths = np.vecdot(rows, rows)
    count = len(rows)
    if count < 2:  # noqa: PLR2004  a pair needs two
        return NOTHING
    weights, squares, gram = 1.0 / lengths, rows * rows, rows @ rows.T
    # Sums over pairs are half of those over all, less the diagonal: no row of squares has to meet every other.
    by_column = (weights @ squares).astype(np.float64)
    own = (weights * weights * np.vecdot(squares, squares)).sum(dtype=np.float64)
    found = (float(weights @ (gram * gram) @ weights) - count) / 2
    expected = (float(by_column @ by_column) - float(own)) / 2
    return Dependence(max(0.0, found), expected, count * (count - 1) // 2)


def _unit_rows(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The rows [r, n] that are not zero, at unit length; NaN and infinities as zeros."""
    if not np.isfinite(rows).all():
        rows = np.where(np.isfinite(rows), rows, 0.0)
    largest = np.abs(rows).max(axis=1, initial=0.0)
    kept = largest > 0.0
    rows = rows[kept] / largest[kept, None]  # squares of tiny or huge values would leave the range of floats
    return np.asarray(rows / np.sqrt((rows**2).sum(axis=1, keepdims=True)))


def spread_excess(matrix: NDArray[np.floating]) -> float:
    """Relative spread of the rows' lengths beyond what an independent draw of one scale gives, 0 for such a draw.

    With kurtosis κ of the entries the variance of a row's mean square is (κ - 1)/n of its square.
    """
    rows = np.asarray(matrix, dtype=np.float64)
    squares = (rows / max(float(np.abs(rows).max(initial=0.0)), 1e-300)) ** 2
    lengths = squares.mean(axis=1)
    mean = float(lengths.mean())
    if mean == 0.0 or len(rows) < 2:  # noqa: PLR2004  a spread needs two
        return 0.0
    kurtosis = float((squares**2).mean()) / mean**2
    expected = max(kurtosis - 1.0, 0.0) / rows.shape[1]
    return math.sqrt(max(0.0, float(lengths.var(ddof=1)) / mean**2 - expected))
