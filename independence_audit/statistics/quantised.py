"""Whether two tensors differ only by a quantiser's rounding: few levels, with a scale for every group of inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.rounding import Values

BLOCK = 32
"""Adjacent inputs that share a scale in every common format (MXFP4 32, NF4 64, GPTQ and AWQ 128, DeepSeek 128)."""

HALF_BLOCK = 16
HALF_BLOCKS = frozenset({"q2_k", "q3_k", "q6_k", "nvfp4"})
"""Packings whose scales are for half as many inputs."""

LEVELS = 16
"""Values of a block on at most so many levels are those of 4 bits; a block of weights has nearly 32."""

SLACK = 2.0**-7
"""Relative to a value, what its nearest level may be missed by: the quantiser saw another cast of it. Half a step of
bf16 moves a value by 2**-8 of itself, away from one level and towards the other."""

SCALE_SLACK = 6 * 2.0**-11
"""The same relative to a block's largest value, beside it: the quantiser chose among levels whose scale and offset are
stored in fp16, each 2**-11 of itself away. A level, three times the largest value at most from both together, moves one
way, and its neighbour too: the one comes nearer by as much as the other goes. With neither slack 11 of 20 real matrices
in Q4_1 and 15 in Q5_1 were contradicted by a few values, with both none of 31."""

FILLED = 0.25
"""Mean square of the differences in half steps of the block, at most one each, from which they are a quantiser's. These
are even within the step, 1/3, whatever the weights are. Measured on matrices of a trained encoder, sampled as audits
do: 0.30 and more for Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, NF4, MXFP4, int8 and fp8. Of three levels (TQ2_0), whose one step is
not evenly filled, it was 0.22: such a copy is related. Training moves values by all sizes, and moves none of thousands
to its neighbour only where most are far smaller than the step: on dequantised matrices of a decoder no normal, Laplace,
low-rank or merged change of any size that went uncontradicted had over 0.08; flat noise had 0.15."""

SCALED = 0.5
"""Correlation of the differences with the levels, either way, from which values were scaled and not rounded. Of these
quantisers it was 0.25 at most, on the encoder's matrices and on made-up ones with heavier tails; of a copy whose values
all shrank, 1."""

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
    its place, among all levels of the block, and the differences must fill the steps between levels, as those of
    rounding do and those of training do not: dequantised weights that were trained a little, or merged, lie near the
    levels they came from. Between unrelated models one value in ten lies nearest to its level. Quantisers that
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
    if not packing and _levels(_blocks(quantised[:1], start, BLOCK)[:FEW_BLOCKS]) > LEVELS:
        return None  # weights show at once that they are not quantised
    length = HALF_BLOCK if packing in HALF_BLOCKS else BLOCK
    x, y = (_blocks(values, start, length) for values in (quantised, plain))
    finite = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[finite], y[finite]
    telling = np.ptp(x, axis=1) > SPREAD * np.abs(y).max(axis=1, initial=0.0)
    if telling.sum() < max(FEW_BLOCKS, len(x) / 2) or (not packing and _levels(x) > LEVELS):
        return None
    x, y = x[telling], y[telling]
    if _contradicted(x, y).any() or _contradicted(x, np.roll(y, 1, axis=1)).mean() < BY_CHANCE:
        return None
    if abs(_correlation(y - x, x)) > SCALED:
        return None
    # Two halves on grids of their own lie at any distance from each other.
    halves = length if packing else HALF_BLOCK
    if _filled(x.reshape(-1, halves), y.reshape(-1, halves)) < FILLED:
        return None
    return packing or UNKNOWN


def _contradicted(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where another level of the block lies nearer to a plain value than the one in its place, [blocks, length]."""
    size = np.abs(y)
    own = np.abs(y - x) - SLACK * size - SCALE_SLACK * size.max(axis=1, keepdims=True)
    found = np.zeros(x.shape, dtype=bool)
    for column in range(x.shape[1]):
        found |= np.abs(y - x[:, column : column + 1]) < own
    return found


def _filled(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Mean square of the differences in half steps, at most one each; a block's step is between its nearest levels."""
    ordered = np.sort(x, axis=1)
    gaps = np.diff(ordered, axis=1)
    step = np.where(gaps > 0.0, gaps, np.inf).min(axis=1, keepdims=True)
    return float((np.minimum(1.0, np.abs(y - x) / (step / 2)) ** 2).mean())


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson correlation of two arrays; 0 where one is constant."""
    x, y = x - x.mean(), y - y.mean()
    largest = float(np.abs(x).max()), float(np.abs(y).max())
    if 0.0 in largest:
        return 0.0
    x, y = x / largest[0], y / largest[1]
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def _blocks(values: Values, start: int, length: int) -> NDArray[np.float64]:
    """Whole blocks of a matrix, [blocks, length]."""
    first = -start % length
    count = max(0, values.shape[1] - first) // length
    whole = values[:, first : first + count * length].astype(np.float64)
    return np.asarray(whole.reshape(-1, length))


def _levels(blocks: NDArray[np.float64]) -> int:
    """The most distinct values of any block."""
    ordered = np.sort(blocks, axis=1)
    return int((ordered[:, 1:] > ordered[:, :-1]).sum(axis=1).max(initial=0)) + 1
