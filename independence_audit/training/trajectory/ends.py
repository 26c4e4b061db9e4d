"""What a checkpoint has of the first one, and how much of that, and of everything else it has, the last one keeps.

Training forgets evenly: what shrinks the first checkpoint's values on the way to the last one, decay above all, shrinks
whatever else was there as well. A checkpoint that was blended from the first one and a model that the last one is
loses the first one's part and keeps the other. Strong directions are left out, since training builds them anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.training.trajectory.checkpoint_state import Place, State, Values

TOP = 4
"""Strongest directions of the last checkpoint, on both sides of a matrix, that are left out."""
FEWEST = 2 * TOP
"""Rows and columns from which something is left."""
SLIGHT = 1e-6
"""Part of a checkpoint's square beyond the first one's below which there is no other part."""


@dataclass(frozen=True, slots=True)
class Between:
    """One matrix of one checkpoint between the first and the last one."""

    draw: float
    """Correlation with the first checkpoint."""
    draw_kept: float
    """The first checkpoint's coefficient in the last, relative to that in this one."""
    rest_kept: float
    """Coefficient in the last checkpoint of what this one has beside the first."""
    excess: float
    """Product of the correlations with the first and the last, less that between these two: 0 where the changes
    before this checkpoint and those after it are independent."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One matrix of the first and the last checkpoint without the last one's strong directions."""

    left: NDArray[np.float32]
    """Strong directions [rows, TOP] and [columns, TOP]."""
    right: NDArray[np.float32]
    first: NDArray[np.float32]
    last: NDArray[np.float32]
    squares: tuple[float, float]
    product: float


@dataclass(frozen=True, slots=True)
class Ends:
    """The matrices of the first and the last checkpoint, ready for those between them."""

    pairs: Mapping[Place, _Pair]

    def between(self, place: Place, values: Values) -> Between | None:
        """Where a checkpoint's matrix [rows, columns] stands; None where there is nothing to say."""
        pair = self.pairs.get(place)
        if pair is None or pair.first.shape != values.shape:
            return None
        single = values.astype(np.float32, copy=False)
        (first_square, last_square), square = pair.squares, _square_beside(single, pair.left, pair.right)
        on_first, on_last = _product(pair.first, single), _product(pair.last, single)
        share = on_first / first_square
        rest = square - share * on_first
        if on_first == 0.0 or rest <= SLIGHT * square:
            return None
        draw = on_first / math.sqrt(first_square * square)
        last = on_last / math.sqrt(last_square * square)
        return Between(
            draw=draw,
            draw_kept=pair.product / on_first,
            rest_kept=(on_last - share * pair.product) / rest,
            excess=draw * last - pair.product / math.sqrt(first_square * last_square),
        )


def ends_of(first: State, last: State) -> Ends:
    """Make ready the matrices that both checkpoints have in one shape."""
    pairs = {}
    for place, values in first.values.items():
        other = last.values.get(place)
        if other is None or other.shape != values.shape or min(values.shape) < FEWEST:
            continue
        pair = _pair(values.astype(np.float64), other.astype(np.float64))
        if min(pair.squares) > 0.0:
            pairs[place] = pair
    return Ends(pairs)


def _pair(first: NDArray[np.float64], last: NDArray[np.float64]) -> _Pair:
    left, _, right = np.linalg.svd(last, full_matrices=False)
    u, v = left[:, :TOP], right[:TOP].T
    x, y = _beside(first, u, v), _beside(last, u, v)
    return _Pair(
        left=u.astype(np.float32),
        right=v.astype(np.float32),
        first=x.astype(np.float32),
        last=y.astype(np.float32),
        squares=(float((x * x).sum()), float((y * y).sum())),
        product=float((x * y).sum()),
    )


def _beside(values: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of a matrix lies in none of some directions, neither of its columns nor of its rows."""
    rest = values - left @ (left.T @ values)
    return np.asarray(rest - (rest @ right) @ right.T)


def _square_beside(values: NDArray[np.float32], left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Square sum of :func:`_beside`, which is not formed."""
    across, along = left.T @ values, values @ right
    both = left.T @ along
    return _product(values, values) - _product(across, across) - _product(along, along) + _product(both, both)


def _product(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    return float(np.vdot(x, y))
