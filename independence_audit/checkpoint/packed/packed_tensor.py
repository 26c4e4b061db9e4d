"""What a packed weight is: a tensor that is not stored, and the stored bytes that any run of its values needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.tensors import TensorInfo
from independence_audit.core.number_types import DTYPES

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of bytes of one stored tensor."""

    tensor: TensorInfo
    start: int
    """In bytes, from the tensor's first."""
    stop: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start


class Packed(Protocol):
    """A weight of shape ``shape`` in C order, worked out from stored tensors."""

    @property
    def name(self) -> str:
        """Of the weight that the stored tensors stand for."""

    @property
    def scheme(self) -> str:
        """The packing, as reports call it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight."""

    @property
    def stored(self) -> tuple[TensorInfo, ...]:
        """The tensors that it is made of, the one with the bits first."""

    def runs(self, start: int, stop: int) -> list[Run]:
        """Which stored bytes the values ``start`` to ``stop`` need."""

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """The values ``start`` to ``stop``, float32 [stop - start], from the bytes of their runs."""


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
