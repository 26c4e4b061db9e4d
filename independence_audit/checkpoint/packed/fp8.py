"""8-bit floats with a scale for every block, row or tensor (DeepSeek's ``weight_scale_inv``, compressed-tensors)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from independence_audit.checkpoint.packed.packed_tensor import Bytes, Floats, Run, run_of
from independence_audit.checkpoint.tensors import TensorInfo
from independence_audit.core.number_types import decode

MATRIX_RANK = 2
USUAL = 128
"""Rows and columns of a block where nobody says."""


@dataclass(frozen=True, slots=True)
class Fp8Scaled:
    """value = q x s, with one s a block; despite the name ``inv`` it is multiplied (FAMILIES: DeepSeek-V3's own code).

    The scale's last two dimensions count blocks of rows and columns; blocks at the end may be cut off.
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    grid: tuple[int, int]
    """Blocks along rows and columns of one matrix."""
    block: tuple[int, int]
    """Rows and columns of a block."""
    scheme: str = "fp8"

    @classmethod
    def of(cls, weight: TensorInfo, scale: TensorInfo, sides: Sequence[int] = ()) -> Fp8Scaled | None:
        """The weight that 8-bit floats and their scale stand for; None where the shapes do not fit.

        Args:
            weight: The 8-bit floats.
            scale: What they are multiplied with.
            sides: Rows and columns of a block, where the config says so.
        """
        if len(weight.shape) < MATRIX_RANK or 0 in weight.shape:
            return None
        stack, rows, columns = weight.shape[:-2], *weight.shape[-2:]
        told = tuple(sides) if len(sides) == MATRIX_RANK else (USUAL, USUAL)
        if scale.size == 1:
            grid = (1, 1)
        elif min(told) > 0 and scale.shape == (*stack, -(-rows // told[0]), -(-columns // told[1])):
            grid = scale.shape[-2], scale.shape[-1]  # before one a row, which may have as many values
        elif scale.size == prod(stack) * rows and scale.shape[-1] in (1, rows):
            grid = (rows, 1)
        elif len(scale.shape) == len(weight.shape) and scale.shape[:-2] == stack:
            grid = scale.shape[-2], scale.shape[-1]
        else:
            return None
        told = told if len(sides) == MATRIX_RANK else _block((rows, columns), grid)
        block = (rows if grid[0] == 1 else 1 if grid[0] == rows else told[0], columns if grid[1] == 1 else told[1])
        if min(block) < 1 or any(-(-n // b) != g for n, b, g in zip((rows, columns), block, grid, strict=True)):
            return None
        return cls(weight.name, weight.shape, (weight, scale), grid, block)

    def _scale_rows(self, start: int, stop: int) -> tuple[int, int]:
        """The rows of the scale, of all matrices one below the other, that a run of values needs."""
        if self.stored[1].size == 1:
            return 0, 1
        return self._scale_row(start // self.shape[-1]), self._scale_row((stop - 1) // self.shape[-1]) + 1

    def _scale_row(self, row: int) -> int:
        matrix, inside = divmod(row, self.shape[-2])
        return matrix * self.grid[0] + inside // self.block[0]

    def runs(self, start: int, stop: int) -> list[Run]:
        """The 8-bit floats, and the rows of the scale that cover them."""
        first, last = self._scale_rows(start, stop)
        weight, scale = self.stored
        return [run_of(weight, start, stop), run_of(scale, first * self.grid[1], last * self.grid[1])]

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """Every 8-bit float times its block's scale, in float32."""
        weight, scale = self.stored
        quantised = decode(content[0], weight.dtype)
        scales = decode(content[1], scale.dtype).astype(np.float32).reshape(-1, self.grid[1])
        if scale.size == 1:
            return np.asarray(quantised * scales[0, 0], dtype=np.float32)
        place = np.arange(start, stop)
        matrix, inside = np.divmod(place // self.shape[-1], self.shape[-2])
        row = matrix * self.grid[0] + inside // self.block[0] - self._scale_rows(start, stop)[0]
        column = place % self.shape[-1] // self.block[1]
        return np.asarray(quantised * scales[row, column], dtype=np.float32)


def _block(sides: tuple[int, int], grid: tuple[int, int]) -> tuple[int, int]:
    """The sides of a block: 128 where that fits, else the smallest that does."""
    rows, columns = (USUAL if -(-n // USUAL) == g else -(-n // max(1, g)) for n, g in zip(sides, grid, strict=True))
    return rows, columns
