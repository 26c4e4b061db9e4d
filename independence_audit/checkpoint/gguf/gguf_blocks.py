"""A tensor of a GGUF file as the weight that it stands for: dequantised, its rows and gains as the model has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from independence_audit.checkpoint.gguf.gguf_types import BlockType
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo


@dataclass(frozen=True, slots=True)
class GgufBlocks:
    """A weight in blocks along its rows.

    The converter of llama.cpp turns the rows of a head whose positions rotate in halves, ``[2, size / 2]``, to pairs,
    ``[size / 2, 2]`` (``LlamaModel.permute``), and adds 1 to gains that a model stores as their distance from 1. Both
    are undone here.
    """

    name: str
    shape: tuple[int, ...]
    tensor: TensorInfo
    """The stored bytes."""
    kind: BlockType
    heads: int = 0
    """Heads whose rows stand in pairs; 0 where rows stand as in the model."""
    added: float = 0.0
    """What was added to every value."""

    @property
    def scheme(self) -> str:
        """The type's name; empty where values stand one by one and no quantiser changed them."""
        return "" if self.kind.is_plain else self.kind.name.lower()

    @property
    def stored(self) -> tuple[TensorInfo, ...]:
        """The stored bytes."""
        return (self.tensor,)

    @property
    def _columns(self) -> int:
        return self.shape[-1] if len(self.shape) > 1 else 1

    def _box(self, start: int, stop: int) -> tuple[int, int, int, int]:
        """Rows, first and behind the last, and the blocks of each that hold a run of values."""
        columns = self._columns
        first, last = start // columns, (stop - 1) // columns
        if first < last:
            return first, last + 1, 0, columns // self.kind.values
        return first, first + 1, start % columns // self.kind.values, (stop - 1) % columns // self.kind.values + 1

    def _stored_row(self, row: int) -> int:
        size = prod(self.shape[:1]) // self.heads
        head, inside = divmod(row, size)
        half, place = divmod(inside, size // 2)
        return head * size + 2 * place + half

    def runs(self, start: int, stop: int) -> list[Run]:
        """The blocks that hold the values, row by row where rows stand elsewhere."""
        if not self.heads:
            first, last = start // self.kind.values, (stop - 1) // self.kind.values + 1
            return [Run(self.tensor, first * self.kind.bytes, last * self.kind.bytes)]
        top, bottom, left, right = self._box(start, stop)
        each = self._columns // self.kind.values
        places = [self._stored_row(row) * each for row in range(top, bottom)]
        return [
            Run(self.tensor, (place + left) * self.kind.bytes, (place + right) * self.kind.bytes) for place in places
        ]

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """The values of the blocks, less what was added."""
        if self.heads:
            top, _, left, _ = self._box(start, stop)
            begin = start - top * self._columns - left * self.kind.values
        else:
            begin = start % self.kind.values
        joined = content[0] if len(content) == 1 else np.concatenate(content)
        found = self.kind.decode(joined)[begin : begin + stop - start]
        return np.asarray(found - np.asarray(self.added, found.dtype) if self.added else found, dtype=np.float32)
