"""What every value of a tensor comes to, where all bytes were read: digests of the content, its norm and its sketch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
