"""Normal scores: the ranks of a row mapped to quantiles of the normal law, so that no outlier carries a test."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ranks = NDArray[np.unsignedinteger[Any]]


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
    return scores_of(midranks(rows))


def midranks(rows: NDArray[np.floating]) -> Ranks:
    """Twice the midrank of every value in its row, from 0, in as few bytes as will do: what scores are made of.

    Args:
        rows: [r, n].

    Returns:
        [r, n]; the largest number of its type for values that are NaN or infinite.
    """
    kind: type[np.unsignedinteger[Any]] = np.uint16 if 2 * rows.shape[1] < np.iinfo(np.uint16).max else np.uint32
    if rows.size == 0:
        return np.zeros(rows.shape, dtype=kind)
    finite = np.isfinite(rows)
    if finite.all():
        return _ranks(rows).astype(kind)
    found = np.full(rows.shape, np.iinfo(kind).max, dtype=kind)
    for row, keep, out in zip(rows, finite, found, strict=True):
        if keep.any():
            out[keep] = _ranks(row[keep][None])[0]
    return found


def scores_of(ranks: Ranks) -> Floats:
    """The normal scores of :func:`midranks`, [r, n]."""
    if ranks.size == 0:
        return np.zeros(ranks.shape)
    left_out = np.iinfo(ranks.dtype).max
    highest = ranks.max(axis=1)
    if (highest < left_out).all():
        return _scores(ranks, highest)
    scores = np.zeros(ranks.shape)
    for row, out in zip(ranks, scores, strict=True):
        keep = row < left_out
        if keep.any():
            own = row[keep][None]
            out[keep] = _scores(own, own.max(axis=1))[0]
    return scores


def _scores(ranks: Ranks, highest: Ranks) -> Floats:
    scores = _quantiles(ranks.shape[1])[ranks]
    scores -= scores.mean(axis=1, keepdims=True)
    scores[ranks.min(axis=1) == highest] = 0.0  # without this a constant row would keep a rounding error
    return scores


def _ranks(rows: NDArray[np.floating]) -> NDArray[np.int64]:
    """Twice the midranks of finite values."""
    height, count = rows.shape
    keys = _sortable(rows)
    # Ties share a rank in whichever order they come; "stable" is a radix sort for 16-bit integers.
    order = np.argsort(keys, axis=1, kind="stable" if keys.dtype == np.uint16 else None)
    order += np.arange(height)[:, None] * count
    ordered = keys.ravel()[order]
    fresh = np.ones((height, count), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=fresh[:, 1:])
    firsts = np.flatnonzero(fresh)
    ends = np.append(firsts[1:], fresh.size)
    found = np.empty(height * count, dtype=np.int64)
    found[order.ravel()] = np.repeat(firsts % count * 2 + (ends - firsts - 1), ends - firsts)
    return found.reshape(height, count)


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
