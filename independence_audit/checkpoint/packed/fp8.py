"""8-bit floats with a scale for every block, row or tensor (DeepSeek's ``weight_scale_inv``, compressed-tensors)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from independence_audit.checkpoint.packed.packed_tensor import run_of
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo
from independence_audit.core.number_types import decode

MATRIX_RANK = 2
USUAL = 128
"""Rows and columns of a block where nobody says."""

Pair = tuple[int, int]


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
        *stack, rows, columns = weight.shape
        told = (sides[0], sides[1]) if len(sides) == MATRIX_RANK else None
        grid = _grid_of((rows, columns), scale, tuple(stack), told or (USUAL, USUAL))
        if grid is None:
            return None
        block = _sides_in((rows, columns), grid, told or _block((rows, columns), grid))
        if min(block) < 1 or _blocks((rows, columns), block) != grid:
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


def _grid_of(sides: Pair, scale: TensorInfo, stack: tuple[int, ...], block: Pair) -> Pair | None:
    """How many blocks of rows and columns a scale is for; None where its shape says none.

    Blocks of the told size go before one scale a row, which may have as many values.
    """
    if scale.size == 1:
        return 1, 1
    fits = len(scale.shape) == len(stack) + MATRIX_RANK and scale.shape[:-2] == stack
    blocks = (scale.shape[-2], scale.shape[-1]) if fits else None
    if blocks and min(block) > 0 and blocks == _blocks(sides, block):
        return blocks
    if scale.size == prod(stack) * sides[0] and scale.shape[-1] in (1, sides[0]):
        return sides[0], 1
    return blocks


def _blocks(sides: Pair, block: Pair) -> Pair:
    """How many blocks cover a matrix, those at the end cut off."""
    return -(-sides[0] // block[0]), -(-sides[1] // block[1])


def _sides_in(sides: Pair, grid: Pair, block: Pair) -> Pair:
    """A block's rows and columns: all of them where there is one block, one row where every row has its own."""
    rows = sides[0] if grid[0] == 1 else 1 if grid[0] == sides[0] else block[0]
    return rows, sides[1] if grid[1] == 1 else block[1]


def _block(sides: Pair, grid: Pair) -> Pair:
    """The sides of a block: 128 where that fits, else the smallest that does."""
    rows, columns = (USUAL if -(-n // USUAL) == g else -(-n // max(1, g)) for n, g in zip(sides, grid, strict=True))
    return rows, columns
