"""What is added up over the values of two tensors, piece by piece, and the figures it amounts to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from independence_audit.lineage.measure import CONSTANT, Numbers
from independence_audit.statistics.rounding import Values


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


def sums_of(x: Values, y: Values) -> Sums:
    """The sums over two arrays in float64, without the values that are not finite."""
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
