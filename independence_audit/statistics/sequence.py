"""The order test: is there too long an increasing subsequence for a random permutation?

The longest increasing subsequence of a random permutation of n has the law of the first row of a partition under the
Plancherel measure (Robinson and Schensted): P(L >= k) is the sum of (f^λ)²/n! over the partitions λ of n whose first
part is at least k, f^λ = n!/product of hook lengths. Far out only the partitions of the few left cells are summed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.scores import Floats

EXACT_REST = 45
"""Cells outside the first row up to which all partitions are summed: 89,134 of 45. For n = 64 that is every k of at
least 19, where p is 0.001; beyond, the bound stands in."""

NEGLIGIBLE = 1e-30
"""A bound below this says enough; the exact value costs seconds where n is large."""


def strict_lis(sequence: Iterable[int]) -> int:
    """Length of the longest strictly increasing subsequence (patience sorting).

    Strictly: hubs, units that many others match, would make a long one that merely does not fall.
    """
    tails: list[int] = []
    for value in sequence:
        place = bisect_left(tails, value)
        tails[place : place + 1] = [value]
    return len(tails)


def order_bound(n: int, k: int) -> float:
    """C(n, k) / k!: the expected number of increasing subsequences of length k, which bounds P(L >= k)."""
    return min(1.0, math.exp(math.lgamma(n + 1) - math.lgamma(n - k + 1) - 2 * math.lgamma(k + 1)))


@lru_cache(maxsize=1024)
def order_p(n: int, k: int) -> float:
    """P(L >= k) for a random permutation of n: exact where at most ``EXACT_REST`` cells are left, else its bound.

    The bound stands in where it is negligible as well.
    """
    if k <= 1:
        return 1.0
    bound = order_bound(n, k)
    if n - k > EXACT_REST or bound < NEGLIGIBLE:
        return bound
    return min(1.0, sum(_first_row(n, first) for first in range(k, n + 1)))


def _first_row(n: int, first: int) -> float:
    """Probability that the partition's first part is ``first``."""
    rest = _partitions(n - first)
    log_hooks = rest.log_hooks + _row_hooks(first, rest.columns)
    return float(np.exp(math.lgamma(n + 1) - 2.0 * log_hooks[rest.largest <= first]).sum())


@dataclass(frozen=True, slots=True)
class _Partitions:
    """All partitions of a number."""

    columns: NDArray[np.int8]
    """Length of every column, [partitions, cells]."""
    largest: NDArray[np.int64]
    """First part of each."""
    log_hooks: Floats
    """Logarithm of the product of its hook lengths."""


@lru_cache(maxsize=EXACT_REST + 1)
def _partitions(cells: int) -> _Partitions:
    if cells == 0:
        return _Partitions(np.zeros((1, 0), np.int8), np.zeros(1, np.int64), np.zeros(1))
    columns, largest, hooks = [], [], []
    for first in range(1, cells + 1):
        below = _partitions(cells - first)
        fits = below.largest <= first
        own = np.zeros((int(fits.sum()), cells), np.int8)
        own[:, : cells - first] = below.columns[fits]
        hooks.append(below.log_hooks[fits] + _row_hooks(first, below.columns[fits]))
        own[:, :first] += 1
        columns.append(own)
        largest.append(np.full(len(own), first))
    return _Partitions(np.concatenate(columns), np.concatenate(largest), np.concatenate(hooks))


def _row_hooks(first: int, columns: NDArray[np.int8]) -> Floats:
    """Logarithm of the product of a first row's hook lengths, above partitions with these column lengths."""
    legs = np.zeros((len(columns), first), dtype=np.float64)
    shared = min(first, columns.shape[1])
    legs[:, :shared] = columns[:, :shared]
    return np.asarray(np.log(first - np.arange(first) + legs).sum(axis=1))
