"""Runs of stored values, and the fields of stored words: what all packings are read with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.tensors import Run, TensorInfo
from independence_audit.core.number_types import DTYPES


def item(tensor: TensorInfo) -> int:
    """Bytes of one stored value."""
    return DTYPES[tensor.dtype].bits // 8


def run_of(tensor: TensorInfo, start: int, stop: int) -> Run:
    """A run of stored values, counted in values."""
    size = item(tensor)
    return Run(tensor, start * size, stop * size)


def nibbles(words: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The two halves of every byte, the low one first: [..., 2n] from [..., n]."""
    return np.stack((words & 15, words >> 4), axis=-1).reshape(*words.shape[:-1], -1)


def fields(words: NDArray[np.uint32], bits: int) -> NDArray[np.int32]:
    """The fields of every 32-bit word, the lowest first: [..., n * 32 / bits] from [..., n]."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    found = (words[..., None] >> shifts) & np.uint32((1 << bits) - 1)
    return found.astype(np.int32).reshape(*words.shape[:-1], -1)
