"""Levels, corrections and what a test could have found: Simes, Bonferroni and the detection bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

POWER = 0.95
"""The power at which detection bounds are stated."""


def simes(p_values: Sequence[float]) -> float:
    """Simes' p-value of the hypothesis that none of several tests has an effect (Simes, Biometrika 1986)."""
    ordered = sorted(p_values)
    return min(1.0, *(p * len(ordered) / rank for rank, p in enumerate(ordered, 1))) if ordered else 1.0


def bonferroni(p_value: float, tests: int) -> float:
    """A p-value corrected for the number of tests made."""
    return min(1.0, p_value * tests)


@lru_cache(maxsize=1024)
def critical_z(alpha: float, tests: int) -> float:
    """The two-sided |z| that one of several tests must reach at a family-wise level."""
    return -NormalDist().inv_cdf(alpha / (2 * tests))


def linear_bound(columns: int, effective_rows: float, alpha: float, tests: int) -> float:
    """Smallest r found with 95% power by the plain statistic: (z_{α/2m} + z_power) / sqrt((n-1) R_eff)."""
    return _needed_z(alpha, tests) / math.sqrt((columns - 1) * effective_rows)


def detection_bound(columns: int, effective_rows: float, alpha: float, tests: int) -> float | None:
    """Smallest r found with 95% power by the test as made, the smaller of the plain and the sign-flip statistic.

    The sign-flip statistic saturates: with d = the n diagonal entries, each of mean R r and second moment
    R² r² + R (1 + r²) for normal scores, Σd/sqrt(Σd²) tends to sqrt(n) r sqrt(R)/sqrt(1 + r² (1 + R)), never above
    sqrt(n). Solved for r at the needed z; where n is large it is the linear bound.

    Returns:
        None where even an exact copy would not be found.
    """
    needed = _needed_z(alpha, tests) ** 2
    room = columns * effective_rows - needed * (1 + effective_rows)
    if room <= 0.0:
        return None
    bound = max(linear_bound(columns, effective_rows, alpha, tests), math.sqrt(needed / room))
    return bound if bound <= 1.0 else None


def _needed_z(alpha: float, tests: int) -> float:
    return critical_z(alpha, tests) + NormalDist().inv_cdf(POWER)
