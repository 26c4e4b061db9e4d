"""Linear sketches: a tensor's values as a few sums with random signs, which keep lengths, angles and combinations.

The count sketch of Charikar, Chen and Farach-Colton (2002): every value is added to one of a few buckets with a random
sign. It is linear, so an exact combination of checkpoints is one of their sketches, and squared lengths are kept with a
relative error of sqrt(2 / buckets) a tensor.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.laws import Floats

BUCKETS = 64
"""Sums a tensor: 512 bytes, of which a trajectory keeps one for every tensor and checkpoint."""


def sketch(values: NDArray[np.floating]) -> Floats:
    """The sketch [BUCKETS] of a tensor's values; equal shapes are summed alike."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    bucket, sign = _plan(flat.size)
    return np.asarray(np.bincount(bucket, weights=flat * sign, minlength=BUCKETS), dtype=np.float64)


@lru_cache(maxsize=16)
def _plan(size: int) -> tuple[NDArray[np.int64], Floats]:
    """Bucket and sign of every value: Philox words, stable across versions of numpy."""
    words = np.random.Philox(key=np.array([size, 0x5E7C4], dtype=np.uint64)).random_raw(size)
    return (words % np.uint64(BUCKETS)).astype(np.int64), np.where(words >> np.uint64(63), -1.0, 1.0)
