"""4-bit codes into a table, with a scale for every block: bitsandbytes' NF4 and FP4, and MXFP4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.packed.packed_tensor import nibbles, run_of
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo
from independence_audit.core.number_types import decode

MXFP4_BLOCK = 32
MXFP4_VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], dtype=np.float32)
"""E2M1 (OCP Microscaling Formats 1.0)."""
MXFP4_BIAS = 127
NO_NUMBER = 255
"""The scale that stands for no number: E8M0 of the OCP Microscaling Formats, version 1.0."""


@dataclass(frozen=True, slots=True)
class Nested:
    """The scales of bitsandbytes' scales: code[q] x absmax + offset, for every so many of them."""

    absmax: TensorInfo
    table: TensorInfo
    block: int
    offset: float


@dataclass(frozen=True, slots=True)
class Bitsandbytes:
    """4-bit codes of the flattened weight, the high half of a byte first; value = table[code] x absmax of its block."""

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    """weight, absmax, quant_map and, for nested scales, their absmax and table."""
    block: int
    nested: Nested | None
    scheme: str

    def _blocks(self, start: int, stop: int) -> tuple[int, int]:
        return start // self.block, (stop - 1) // self.block + 1

    def runs(self, start: int, stop: int) -> list[Run]:
        """The bytes of the codes, the scales of their blocks, and the tables."""
        weight, absmax, table = self.stored[:3]
        first, last = self._blocks(start, stop)
        found = [run_of(weight, start // 2, (stop + 1) // 2), run_of(absmax, first, last), run_of(table, 0, table.size)]
        if self.nested:
            outer = first // self.nested.block, (last - 1) // self.nested.block + 1
            found += [run_of(self.nested.absmax, *outer), run_of(self.nested.table, 0, self.nested.table.size)]
        return found

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """table[code] x absmax."""
        _, absmax, table = self.stored[:3]
        first, last = self._blocks(start, stop)
        codes = np.stack((content[0] >> 4, content[0] & 15), axis=-1).reshape(-1)[start % 2 :][: stop - start]
        scales = decode(content[1], absmax.dtype).astype(np.float32)
        if self.nested:
            outer = decode(content[3], self.nested.absmax.dtype).astype(np.float32)
            inner = decode(content[4], self.nested.table.dtype).astype(np.float32)
            place = np.arange(first, last) // self.nested.block - first // self.nested.block
            scales = inner[content[1]] * outer[place] + np.float32(self.nested.offset)
        levels = decode(content[2], table.dtype).astype(np.float32)
        return np.asarray(levels[codes] * scales[np.arange(start, stop) // self.block - first], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Mxfp4:
    """gpt-oss: blocks uint8 [..., groups, 16], scales uint8 [..., groups]; value = E2M1[code] x 2**(scale - 127).

    MLX keeps the same bytes as words: weight uint32 [..., 4 x groups].
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    scheme: str = "mxfp4"

    @classmethod
    def of(cls, name: str, blocks: TensorInfo, scales: TensorInfo) -> Mxfp4 | None:
        """The weight [..., 32 x groups]; None where the stored shapes do not fit each other."""
        if blocks.shape != (*scales.shape, MXFP4_BLOCK // 2) or prod(blocks.shape) == 0 or len(scales.shape) < 2:  # noqa: PLR2004
            return None
        return cls(name, (*scales.shape[:-1], scales.shape[-1] * MXFP4_BLOCK), (blocks, scales))

    @classmethod
    def in_words(cls, weight: TensorInfo, scales: TensorInfo) -> Mxfp4 | None:
        """The weight [..., 32 x groups] that MLX keeps; None where the stored shapes do not fit each other."""
        if len(scales.shape) < 2 or 0 in scales.shape or weight.shape != (*scales.shape[:-1], scales.shape[-1] * 4):  # noqa: PLR2004
            return None
        return cls(weight.name, (*scales.shape[:-1], scales.shape[-1] * MXFP4_BLOCK), (weight, scales))

    def runs(self, start: int, stop: int) -> list[Run]:
        """The bytes of the codes and the scales of their blocks."""
        blocks, scales = self.stored
        first, last = start // MXFP4_BLOCK, (stop - 1) // MXFP4_BLOCK + 1
        return [Run(blocks, start // 2, (stop + 1) // 2), run_of(scales, first, last)]

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """E2M1[code] x 2**(scale - 127); a scale of 255 is no number, and a product beyond float32 infinite."""
        codes = nibbles(content[0])[start % 2 :][: stop - start]
        exponents: NDArray[np.int32] = content[1].astype(np.int32) - MXFP4_BIAS
        block = np.arange(start, stop) // MXFP4_BLOCK - start // MXFP4_BLOCK
        with np.errstate(over="ignore"):
            scaled = np.ldexp(MXFP4_VALUES[codes], exponents[block])
        return np.where(content[1][block] == NO_NUMBER, np.float32(np.nan), scaled).astype(np.float32, copy=False)
