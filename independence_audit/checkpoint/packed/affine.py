"""MLX's affine packing: whole numbers of 1 to 8 bits in words, with a scale and a bias for every group of inputs.

The format is that of the documentation of ``mlx.core.quantize`` (MLX 0.32, mode ``affine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from independence_audit.checkpoint.packed.packed_tensor import run_of
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo
from independence_audit.core.number_types import decode

WORD = 32
BITS = (1, 2, 3, 4, 5, 6, 8)
"""Those that MLX knows."""


@dataclass(frozen=True, slots=True)
class Affine:
    """weight uint32 [..., out, in x bits / 32], scales and biases [..., out, in / group]; value = q x scale + bias.

    A row is a stream of bits: the first value is in the lowest bits of the first word, and where 32 is no multiple of
    the bits a value goes on in the next word.
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, TensorInfo, TensorInfo]
    """weight, scales and biases."""
    bits: int
    group: int
    scheme: str

    @classmethod
    def of(cls, stored: tuple[TensorInfo, TensorInfo, TensorInfo], bits: object, group: object) -> Affine | None:
        """The weight; None where the stored shapes do not fit each other, or bits and group do not fit them.

        Args:
            stored: weight, scales and biases.
            bits: Of a value, as the config says: 4 bits in groups of 64 and 8 bits in groups of 32 have one shape.
            group: Inputs that share a scale and a bias, as the config says.
        """
        weight, scales, biases = stored
        if type(bits) is not int or bits not in BITS or type(group) is not int or group < 1:
            return None
        if len(weight.shape) < 2 or 0 in weight.shape or scales.shape != biases.shape:  # noqa: PLR2004  a matrix
            return None
        columns, rest = divmod(weight.shape[-1] * WORD, bits)
        if rest or scales.shape[:-1] != weight.shape[:-1] or scales.shape[-1] * group != columns:
            return None
        return cls(weight.name, (*weight.shape[:-1], columns), stored, bits, group, f"mlx{bits}")

    def _rows(self, start: int, stop: int) -> tuple[int, int]:
        return start // self.shape[-1], (stop - 1) // self.shape[-1] + 1

    def runs(self, start: int, stop: int) -> list[Run]:
        """Whole rows of words, scales and biases."""
        first, last = self._rows(start, stop)
        return [run_of(one, first * one.shape[-1], last * one.shape[-1]) for one in self.stored]

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """Q x scale + bias, in float32: MLX works in the type of the scales, and rounds to it."""
        first, last = self._rows(start, stop)
        columns = self.shape[-1]
        whole = _stream(content[0].reshape(last - first, -1), self.bits).reshape(-1, self.group)
        scale, bias = (
            decode(each, one.dtype).astype(np.float32)[:, None]
            for each, one in zip(content[1:], self.stored[1:], strict=True)
        )
        found = (whole.astype(np.float32) * scale + bias).reshape(-1)
        offset = start - first * columns
        return np.asarray(found[offset : offset + stop - start], dtype=np.float32)


def _stream(rows: Bytes, bits: int) -> Bytes:
    """The values of rows of bytes, the lowest bits first: uint8 [rows, 8 x bytes / bits]."""
    if bits == 8:  # noqa: PLR2004  a value is a byte
        return rows
    single = np.unpackbits(rows, axis=1, bitorder="little").reshape(prod(rows.shape) * 8 // bits, bits)
    return np.packbits(single, axis=1, bitorder="little").reshape(len(rows), -1)
