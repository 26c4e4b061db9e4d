"""The permutation statistic of a cross-product: is its trace larger than column relabelling explains?

For X, Y [r, n] with centred rows, a = XᵀY is double-centred. If the columns of X may be permuted freely, T = tr(a) has
mean 0 and variance ‖a‖²/(n-1) exactly. Two guards keep single outlier columns from carrying it: a statistic on the
winsorised matrix (three rounds of clipping at 4 rms and double-centring), and the sign-flip statistic of the unclipped
diagonal. Only the few entries that clipping can touch are ever looked at: the rest of the matrix enters through its
sums, so that a matrix of a few rows' product is never formed: its square sum is that of the rows' small Grams, and its
large entries are found block by block in single precision, with a margin, then worked out exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.scores import Floats

ROUNDS = 3
CLIP = 4.0
"""Rounds, and the limit in rms. Measured between unrelated models: sd 1.01, tail at 1e-3 observed/expected 0.96."""

_ASIDE = (3.5, *(2.5 / 2**step for step in range(12)), -1.0)
"""Entries above this many rms are kept aside. Clipping lowers the rms by a few percent only, so the first will nearly
always do; the last keeps everything."""

_THIN = 4
"""Columns for each row from which a product is better not formed."""

_BLOCK_ROWS = 128
"""Rows of a product that are looked at together: with 1,024 columns half a MB in single precision."""

_CANCELLED = 1e-6
"""Share of ‖X‖²‖Y‖² below which a square sum from Grams has lost digits to cancellation: float64's 1e-16 is then 1e-10
of it. It is 1/R_eff, 1e-4 and more where rows are not made to cancel."""

_MOST = 1 << 22
"""Entries that are kept aside at most, some 250 MB. Only vectors that are nearly constant need more."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A trace against its permutation law."""

    z: float
    """The smaller of the two below where their signs agree, else 0; standard normal under independence."""
    winsorised: float
    sign_flip: float
    jump: float
    """How many standard deviations one column alone could move the plain statistic."""


@dataclass(frozen=True, slots=True)
class _Large:
    """The entries of a matrix whose absolute value exceeds a limit."""

    limit: float
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: Floats


class DenseProduct:
    """A double-centred cross-product held in memory, [n, n]."""

    def __init__(self, matrix: Floats) -> None:
        self.matrix = matrix
        self.columns = len(matrix)
        self.diagonal: Floats = np.diagonal(matrix).copy()
        flat = matrix.ravel()
        self.square_sum = float(flat @ flat)

    def largest(self) -> float:
        """Largest absolute value."""
        return float(max(self.matrix.max(), -self.matrix.min()))

    def count_above(self, limit: float) -> int:
        """How many entries exceed a limit in absolute value, at most."""
        return (
            int(self.matrix.size)
            if limit < 0.0
            else int(min(self.matrix.size, self.square_sum / max(limit, 1e-300) ** 2))
        )

    def above(self, limit: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the entries above a limit in absolute value."""
        mask = self.matrix > limit
        mask |= self.matrix < -limit
        found = np.flatnonzero(mask)
        return found // self.columns, found % self.columns

    def values(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
        """Entries at the given places."""
        return self.matrix[row, column]


class ThinProduct:
    """The cross-product of two matrices [r, n] with centred rows, r well below n; never formed.

    Being centred in both directions already, its square sum is <XXᵀ, YYᵀ> of the [r, r] Grams.
    """

    def __init__(self, first: Floats, second: Floats) -> None:
        self.first, self.second = first, second
        self.columns = first.shape[1]
        self.diagonal: Floats = np.einsum("ij,ij->j", first, second)
        own, other = first @ first.T, second @ second.T
        self.square_sum = float(np.vdot(own, other))
        if self.square_sum <= _CANCELLED * float(own.trace() * other.trace()):
            entries = (first[:, block].T @ second for block in self._blocks())
            self.square_sum = sum(float(np.vdot(each, each)) for each in entries)
        norms = (float(np.einsum("ij,ij->j", each, each).max()) for each in (first, second))
        self._margin = (len(first) + 4) * 2.0**-23 * math.sqrt(math.prod(norms))
        """What single precision may be off by: r products and their sum, each by half a unit, and the conversions."""

    def largest(self) -> float:
        """Largest absolute value."""
        return max(float(np.abs(self.first[:, block].T @ self.second).max()) for block in self._blocks())

    def count_above(self, limit: float) -> int:
        """How many entries exceed a limit in absolute value, at most."""
        everything = self.columns**2
        return everything if limit < 0.0 else int(min(everything, self.square_sum / max(limit, 1e-300) ** 2))

    def above(self, limit: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the entries above a limit in absolute value."""
        first, second = self.first.astype(np.float32), self.second.astype(np.float32)
        near = []
        for block in self._blocks():
            entries = first[:, block].T @ second
            np.abs(entries, out=entries)
            near.append(np.flatnonzero(entries > limit - self._margin) + block.start * self.columns)
        found = np.concatenate(near)
        row, column = found // self.columns, found % self.columns
        exact = np.abs(self.values(row, column)) > limit
        return row[exact], column[exact]

    def values(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
        """Entries at the given places."""
        return np.asarray(np.einsum("ij,ij->j", self.first[:, row], self.second[:, column]))

    def _blocks(self) -> Iterator[slice]:
        """Runs of rows of the matrix, few enough to stay in a core's cache."""
        for start in range(0, self.columns, _BLOCK_ROWS):
            yield slice(start, min(start + _BLOCK_ROWS, self.columns))


class OuterProduct:
    """The cross-product of two centred vectors [n], never formed: entries above a limit are found by sorting."""

    def __init__(self, first: Floats, second: Floats) -> None:
        self.first, self.second = first, second
        self.columns = len(first)
        self.diagonal: Floats = first * second
        self.square_sum = float((first @ first) * (second @ second))
        self._descending = np.argsort(-np.abs(second), kind="stable")

    def largest(self) -> float:
        """Largest absolute value."""
        return float(np.abs(self.first).max() * np.abs(self.second).max())

    def count_above(self, limit: float) -> int:
        """How many entries exceed a limit in absolute value."""
        return int(self._counts(limit).sum())

    def _counts(self, limit: float) -> NDArray[np.int64]:
        """How many entries of each row exceed a limit: the first so many of its columns in descending order."""
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.where(self.first == 0.0, np.sign(limit) * np.inf, limit / np.abs(self.first))
        return np.searchsorted(-np.abs(self.second)[self._descending], -needed, side="left")

    def above(self, limit: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the entries above a limit in absolute value."""
        counts = self._counts(limit)
        row = np.repeat(np.arange(self.columns), counts)
        rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        return row, self._descending[rank]

    def values(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
        """Entries at the given places."""
        return self.first[row] * self.second[column]


Product = DenseProduct | ThinProduct | OuterProduct


def cross_product(first: Floats, second: Floats) -> Product:
    """XᵀY of two matrices with centred rows, [r, n] each."""
    if len(first) == 1:
        return OuterProduct(first[0], second[0])
    if len(first) * _THIN <= first.shape[1]:
        return ThinProduct(first, second)
    return DenseProduct(first.T @ second)


def permutation_statistic(product: Product) -> Statistic | None:
    """Statistic of a double-centred cross-product under a random permutation of one side's columns.

    Returns:
        None where the product is all zeros, has fewer than two columns, or is that of long, nearly constant vectors.
    """
    if product.columns < 2 or product.square_sum == 0.0:  # noqa: PLR2004  one column cannot be permuted
        return None
    flips = math.sqrt(float(product.diagonal @ product.diagonal))
    sign_flip = float(product.diagonal.sum()) / flips if flips > 0.0 else 0.0
    found = _winsorised(product)
    if found is None:
        return None
    winsorised, largest = found
    agree = winsorised * sign_flip > 0.0
    z = math.copysign(min(abs(winsorised), abs(sign_flip)), winsorised) if agree else 0.0
    jump = largest / math.sqrt(product.square_sum / (product.columns - 1))
    return Statistic(z=z, winsorised=winsorised, sign_flip=sign_flip, jump=jump)


def _winsorised(product: Product) -> tuple[float, float] | None:
    """z of the trace after clipping, from the entries that clipping can touch, and the largest absolute entry.

    Exact, whatever is kept aside. None for a long vector with a handful of values, where clipping would touch most of
    the matrix.
    """
    rms = math.sqrt(product.square_sum) / product.columns
    for share in _ASIDE:
        if product.count_above(share * rms) > _MOST:
            break
        row, column = product.above(share * rms)
        value = product.values(row, column)
        z = _clipped_z(product, _Large(share * rms, row, column, value))
        if z is not None:
            return z, float(np.abs(value).max()) if len(value) else product.largest()
    return None


def _clipped_z(product: Product, large: _Large) -> float | None:
    """The rounds of clipping and double-centring; None where a round would clip an entry that is not among ``large``.

    A round adds a sparse change d to the matrix, then takes off the row and column means of d and adds its grand mean
    (everything else has mean zero already).
    """
    n = product.columns
    value = large.value.copy()
    diagonal = large.row == large.column
    row_shift, column_shift, shift = np.zeros(n), np.zeros(n), 0.0
    square_sum, trace = product.square_sum, float(product.diagonal.sum())
    for _ in range(ROUNDS):
        limit = CLIP * math.sqrt(max(square_sum, 0.0)) / n
        drift = float(np.abs(row_shift).max() + np.abs(column_shift).max() + abs(shift))
        if large.limit >= 0.0 and large.limit + drift > limit:
            return None
        change = np.clip(value, -limit, limit) - value
        row_mean = np.bincount(large.row, change, n) / n
        column_mean = np.bincount(large.column, change, n) / n
        mean = float(change.sum()) / n**2
        square_sum += float(((value + change) ** 2 - value**2).sum())
        square_sum -= n * float(row_mean @ row_mean + column_mean @ column_mean) - n**2 * mean**2
        trace += float(change[diagonal].sum()) - n * mean
        value += change - row_mean[large.row] - column_mean[large.column] + mean
        row_shift, column_shift, shift = row_shift + row_mean, column_shift + column_mean, shift + mean
    return trace / math.sqrt(square_sum / (n - 1)) if square_sum > 0.0 else 0.0
