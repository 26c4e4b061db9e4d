"""Whether two tensors differ only by a quantiser's rounding: few levels, with a scale for every group of inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.rounding import Values

BLOCK = 32
"""Adjacent inputs that share a scale in every common format (MXFP4 32, NF4 64, GPTQ and AWQ 128, DeepSeek 128)."""

LEVELS = 16
"""Values of a block on at most so many levels are those of 4 bits; a block of weights has nearly 32."""

SLACK = 2.0**-7
"""Relative to a value, what its nearest level may be missed by: the quantiser saw another cast of it. Half a step of
bf16 moves a value by 2**-8 of itself, away from one level and towards the other."""

FEW_BLOCKS = 8
"""Fewer blocks that could contradict tell nothing; in 8 of 32 values an unrelated model's contradict for certain."""

SPREAD = 8 * SLACK
"""Range of a block's levels, relative to the largest plain value, from which a block could contradict at all: gains
that all lie near one, and values that died away, lie within the slack of any level."""

BY_CHANCE = 0.5
"""Share of values that may be explained with the plain values one place off; unrelated models' are in one case of
ten."""

UNKNOWN = "4-bit"
"""What a quantiser is called where only its levels tell of it."""


def quantisation(quantised: Values, plain: Values, start: int, *, packing: str = "") -> str | None:
    """Name of the quantiser whose rounding explains every difference between two matrices.

    No scale needs to be known: in every block of inputs each plain value must lie nearest to the level that stands in
    its place, among all levels of the block. Between unrelated models that holds for one value in ten. Quantisers that
    move values to make up for each other's errors, or that group inputs out of order (GPTQ by activation), are not
    explained.

    Args:
        quantised: [rows, columns], the side that may be quantised.
        plain: The other, likewise.
        start: Which column of the whole matrix is the first: blocks begin at multiples of their length.
        packing: How the quantised side is packed, where that is known; else it must show at most 16 levels a block.

    Returns:
        ``packing``, or ``4-bit``; None where no quantiser explains the differences.
    """
    if not packing and _levels(_blocks(quantised[:1], start)[:FEW_BLOCKS]) > LEVELS:
        return None  # weights show at once that they are not quantised
    x, y = (_blocks(values, start) for values in (quantised, plain))
    finite = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[finite], y[finite]
    telling = np.ptp(x, axis=1) > SPREAD * np.abs(y).max(axis=1, initial=0.0)
    if telling.sum() < max(FEW_BLOCKS, len(x) / 2) or (not packing and _levels(x) > LEVELS):
        return None
    x, y = x[telling], y[telling]
    if _contradicted(x, y).any() or _contradicted(x, np.roll(y, 1, axis=1)).mean() < BY_CHANCE:
        return None
    return packing or UNKNOWN


def _contradicted(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where another level of the block lies nearer to a plain value than the one in its place, [blocks, BLOCK]."""
    own = np.abs(y - x) - SLACK * np.abs(y)
    found = np.zeros(x.shape, dtype=bool)
    for column in range(BLOCK):
        found |= np.abs(y - x[:, column : column + 1]) < own
    return found


def _blocks(values: Values, start: int) -> NDArray[np.float64]:
    """Whole blocks of a matrix, [blocks, BLOCK]."""
    first = -start % BLOCK
    count = max(0, values.shape[1] - first) // BLOCK
    whole = values[:, first : first + count * BLOCK].astype(np.float64)
    return np.asarray(whole.reshape(-1, BLOCK))


def _levels(blocks: NDArray[np.float64]) -> int:
    """The most distinct values of any block."""
    ordered = np.sort(blocks, axis=1)
    return int((ordered[:, 1:] > ordered[:, :-1]).sum(axis=1).max(initial=0)) + 1
