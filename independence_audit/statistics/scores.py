"""Normal scores: the ranks of a row mapped to quantiles of the normal law, so that no outlier carries a test."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def normal_scores(rows: NDArray[np.floating]) -> Floats:
    """Replace every row by the centred normal scores of its midranks.

    Score of a value with midrank k (from 1) among n: the normal quantile at (k - 1/2) / n, then the row's mean is
    taken off (METHOD: Conover, *Practical Nonparametric Statistics*, 5.10). Values that are NaN or infinite are left
    out of the ranking and score 0, so that they add nothing to any product.

    Args:
        rows: [r, n].

    Returns:
        [r, n]; a constant row is all zeros.
    """
    if rows.size == 0:
        return np.zeros(rows.shape)
    finite = np.isfinite(rows)
    if finite.all():
        return _finite_scores(rows)
    scores = np.zeros(rows.shape)
    for row, keep, out in zip(rows, finite, scores, strict=True):
        if keep.any():
            out[keep] = _finite_scores(row[keep][None])[0]
    return scores


def _finite_scores(rows: NDArray[np.floating]) -> Floats:
    count = rows.shape[1]
    order = np.argsort(rows, axis=1)  # ties share a score, in whichever order they come
    ordered = np.take_along_axis(rows, order, axis=1)
    twice_midrank = _first_of_ties(ordered) + _last_of_ties(ordered)
    scores = np.empty(rows.shape)
    np.put_along_axis(scores, order, _quantiles(count)[twice_midrank], axis=1)
    scores -= scores.mean(axis=1, keepdims=True)
    scores[ordered[:, 0] == ordered[:, -1]] = 0.0  # without this a constant row would keep a rounding error
    return scores


def _first_of_ties(ordered: NDArray[np.floating]) -> NDArray[np.int64]:
    """Index of the first value of each value's run of ties, in rows sorted ascending."""
    index = np.broadcast_to(np.arange(ordered.shape[1]), ordered.shape).copy()
    index[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
    return np.maximum.accumulate(index, axis=1)


def _last_of_ties(ordered: NDArray[np.floating]) -> NDArray[np.int64]:
    """Index of the last value of each value's run of ties, in rows sorted ascending."""
    last = ordered.shape[1] - 1
    index = np.broadcast_to(np.arange(ordered.shape[1]), ordered.shape).copy()
    index[:, :-1][ordered[:, 1:] == ordered[:, :-1]] = last
    return np.minimum.accumulate(index[:, ::-1], axis=1)[:, ::-1]


@lru_cache(maxsize=64)
def _quantiles(count: int) -> Floats:
    """Normal quantiles at every half-integer midrank: entry i belongs to the midrank (i / 2) + 1 of ``count``."""
    law = NormalDist()
    return np.array([law.inv_cdf((place / 2 + 0.5) / count) for place in range(2 * count - 1)])
