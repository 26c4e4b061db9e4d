"""What every value of a tensor comes to, where all bytes were read: digests of the content, its norm and its sketch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.fingerprint.sketch import SIDE


@dataclass(frozen=True, slots=True)
class Whole:
    """All values of one role of one layer, of all experts together in the order of their numbers.

    Digests do not depend on how a matrix lies in memory, nor on which file it lies in.
    """

    content: str
    """SHA-256 over the values as stored, in hexadecimal; docs/formats.md says how."""
    content_bf16: str
    """The same over the values rounded to bfloat16: equal for a model and its bfloat16 copy."""
    values: int
    """How many are finite."""
    non_finite: int
    """How many are not; they count as 0 in the norm and the sketch."""
    squared_norm: float
    """Sum of the squared finite values."""
    sketch: NDArray[np.float32]
    """[SIDE, SIDE]: A W B / SIDE, where W has the matrices of all experts one below the other."""


@dataclass(frozen=True, slots=True)
class Change:
    """How far two tensors of one shape are apart, estimated from their sketches."""

    relative: float
    """Norm of the difference over the norm of the second tensor."""
    standard_error: float
    """Of ``relative``."""


def relative_change(first: Whole, second: Whole) -> Change | None:
    """Estimate the norm of ``first - second`` relative to that of ``second``; None where the second is zero.

    Only meaningful for two tensors of one shape: their sketches were made with the same signs.

    With S = A D B / k for random A and B of side k, E tr(SSᵀ) = a and Var tr(SSᵀ) = 2a²/k² + (2(k+1)/k² + 2/k) b, where
    a = tr(DᵀD) and b = tr((DᵀD)²). Both moments have unbiased estimates from tr(SSᵀ)² and tr((SSᵀ)²) by the fourth
    moments of normal A and B; signs have smaller ones, so the error is not understated.
    """
    if second.squared_norm <= 0.0:
        return None
    if first.content == second.content:
        return Change(0.0, 0.0)
    difference = first.sketch.astype(np.float64) - second.sketch
    squared = float((difference**2).sum())
    relative = math.sqrt(squared / second.squared_norm)
    return Change(relative, relative / 2 * relative_error(difference))


def relative_error(sketch: NDArray[np.float64]) -> float:
    """Standard error of a sketch's squared norm as an estimate, relative to it. The formula: `relative_change`."""
    k = float(SIDE)
    gram = sketch @ sketch.T
    trace_squared, square_trace = float(np.trace(gram)) ** 2, float((gram**2).sum())
    if trace_squared <= 0.0:
        return 0.0
    moments = np.array(
        [
            [1 + 2 / k**2, 4 / k + 2 / k**2],  # E tr(SSᵀ)², of a² and b
            [2 / k + 1 / k**2, 2 / k**2 + (1 + 1 / k) ** 2],  # E tr((SSᵀ)²)
        ]
    )
    total, spread = np.linalg.solve(moments, [trace_squared, square_trace])
    spread = min(max(spread / max(total, 1e-300), 0.0), 1.0)
    return math.sqrt(2 / k**2 + (2 * (k + 1) / k**2 + 2 / k) * spread)
