"""The aligned and the joint test written out once more: dense, slow, one formula a line, straight from the method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Expected:
    """The statistic of a cross-product, and the two it is the smaller of."""

    z: float
    winsorised: float
    sign_flip: float
    jump: float


def scores(rows: NDArray[np.floating]) -> Matrix:
    """Centred normal scores of the midranks of every row, [r, n]."""
    quantiles = np.array([norm.ppf((rankdata(row) - 0.5) / len(row)) for row in rows])
    return quantiles - quantiles.mean(axis=1, keepdims=True)


def centred(matrix: Matrix) -> Matrix:
    """A square matrix without its row and column means."""
    rows_off = matrix - matrix.mean(axis=1, keepdims=True)
    return rows_off - rows_off.mean(axis=0)


def plain_z(product: Matrix) -> float:
    """The trace over its standard deviation under a random permutation of one side's columns."""
    return float(np.trace(product)) / math.sqrt(float((product**2).sum()) / (len(product) - 1))


def statistic(product: Matrix) -> Expected:
    """The statistic of a double-centred cross-product, [n, n]."""
    diagonal = np.diagonal(product)
    sign_flip = float(diagonal.sum()) / math.sqrt(float((diagonal**2).sum()))
    clipped = product
    for _ in range(3):
        limit = 4.0 * math.sqrt(float((clipped**2).mean()))
        clipped = centred(np.clip(clipped, -limit, limit))
    winsorised = plain_z(clipped)
    smaller = min(winsorised, sign_flip, key=abs)
    jump = float(np.abs(product).max()) / math.sqrt(float((product**2).sum()) / (len(product) - 1))
    return Expected(smaller if winsorised * sign_flip > 0.0 else 0.0, winsorised, sign_flip, jump)


def joint_product(pairs: Sequence[tuple[Matrix, Matrix]]) -> Matrix:
    """Cross-products of several tensors along one axis, [n, n], each over its variance and times its size."""
    return np.sum(list(starmap(_weighted, pairs)), axis=0)


def _weighted(first: Matrix, second: Matrix) -> Matrix:
    one, other = scores(first), scores(second)
    product = one.T @ other
    return product * float(np.linalg.norm(one) * np.linalg.norm(other)) / float((product**2).sum())
