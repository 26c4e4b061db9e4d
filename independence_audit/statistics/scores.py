"""Normal scores: the ranks of a row mapped to quantiles of the normal law, so that no outlier carries a test."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import Any

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
    height, count = rows.shape
    keys = _sortable(rows)
    # Ties share a score in whichever order they come; "stable" is a radix sort for 16-bit integers.
    order = np.argsort(keys, axis=1, kind="stable" if keys.dtype == np.uint16 else None)
    order += np.arange(height)[:, None] * count
    ordered = keys.ravel()[order]
    fresh = np.ones((height, count), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=fresh[:, 1:])
    firsts = np.flatnonzero(fresh)
    ends = np.append(firsts[1:], fresh.size)
    twice_midrank = firsts % count * 2 + (ends - firsts - 1)  # of each run of ties, from 0
    scores = np.empty(height * count)
    scores[order.ravel()] = np.repeat(_quantiles(count)[twice_midrank], ends - firsts)
    scores = scores.reshape(height, count)
    scores -= scores.mean(axis=1, keepdims=True)
    scores[ordered[:, 0] == ordered[:, -1]] = 0.0  # without this a constant row would keep a rounding error
    return scores


def _sortable(rows: NDArray[np.floating]) -> NDArray[Any]:
    """Values, or for float32 that bfloat16 holds as well, 16-bit integers in their order, which sort much faster."""
    if rows.dtype != np.float32:
        return rows
    bits = np.ascontiguousarray(rows).view(np.uint32)
    if (bits & np.uint32(0xFFFF)).any():
        return rows
    upper = (bits >> np.uint32(16)).astype(np.uint16)
    upper[upper == _SIGN] = 0  # zero has two signs and one rank
    return np.where(upper & _SIGN, ~upper, upper | _SIGN)


_SIGN = np.uint16(0x8000)


@lru_cache(maxsize=64)
def _quantiles(count: int) -> Floats:
    """Normal quantiles at every half-integer midrank: entry i belongs to the midrank (i / 2) + 1 of ``count``."""
    law = NormalDist()
    return np.array([law.inv_cdf((place / 2 + 0.5) / count) for place in range(2 * count - 1)])
