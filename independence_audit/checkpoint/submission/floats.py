"""Whether bytes look like an array of floating-point weights, whatever container they were put into."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 16 << 10
"""Bytes of a block below which nothing is said."""
LARGEST_ENTROPY = 5.0
"""Bits that the magnitude's upper seven bits have, at most: exponents of trained weights take a few values. In half
precision two bits of the fraction are among them."""
SMALLEST_ENTROPY = 7.5
"""Bits that the lowest byte has, at least: a fraction's are all but uniform."""
LARGEST_DISTANCE = 0.15
"""Total variation between the magnitudes of negative and of positive values: weights are symmetrical, two's complement
numbers, texts and pictures are not."""


def looks_like_floats(block: bytes) -> bool:
    """Whether values of two or four bytes, at any alignment, have the shape of weights."""
    return len(block) >= FEWEST and any(
        _is_array(np.frombuffer(block, np.uint8, (len(block) - first) // width * width, first).reshape(-1, width))
        for width in (2, 4)
        for first in range(width)
    )


def _is_array(values: NDArray[np.uint8]) -> bool:
    top, lowest = values[:, -1], values[:, 0]
    counts = np.bincount(top, minlength=256).reshape(2, 128).astype(np.float64)
    signs = counts.sum(axis=1)
    if not 0.35 < signs[0] / signs.sum() < 0.65:  # noqa: PLR2004  about as many of either sign
        return False
    distance = 0.5 * np.abs(counts[0] / signs[0] - counts[1] / signs[1]).sum()
    return bool(
        distance < LARGEST_DISTANCE
        and _entropy(counts.sum(axis=0)) < LARGEST_ENTROPY
        and _entropy(np.bincount(lowest, minlength=256).astype(np.float64)) > SMALLEST_ENTROPY
    )


def _entropy(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
