"""The types that GGUF stores tensors in, by the numbers of the format's own library, which also dequantises them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from independence_audit.checkpoint.tensors import Bytes, Floats
from independence_audit.core.number_types import decode

PLAIN = frozenset({"F64", "F32", "F16", "BF16", "I8", "I16", "I32", "I64"})
"""Types whose values stand one by one, as safetensors stores them under the same names."""

PIECE = 1 << 18
"""Values that are dequantised at a time: the library's steps need some ten times their bytes."""


@dataclass(frozen=True, slots=True)
class BlockType:
    """A type: blocks of so many values in so many bytes."""

    name: str
    values: int
    bytes: int

    @property
    def is_plain(self) -> bool:
        """Whether its values stand one by one."""
        return self.name in PLAIN

    def decode(self, content: Bytes) -> Floats:
        """The values of whole blocks, float32 or float64 [blocks * values], from their bytes, uint8 [blocks * bytes].

        The formulas are those of ``gguf.quants``, piece by piece.
        """
        if self.is_plain:
            return np.asarray(decode(content, self.name))
        from gguf import quants

        kind = _library_type(self.name)
        step = max(1, PIECE // self.values) * self.bytes
        with np.errstate(all="ignore"):  # bytes from outside may stand for numbers that are none
            pieces = [
                quants.dequantize(content[start : start + step].reshape(1, -1), kind).reshape(-1)
                for start in range(0, content.size, step)
            ]
        return np.concatenate(pieces) if pieces else np.empty(0, np.float32)


@cache
def block_type(number: int) -> BlockType | None:
    """The type of a number; None where the format's library does not know it."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    try:
        kind = GGMLQuantizationType(number)
    except ValueError:
        return None
    return BlockType(kind.name, *GGML_QUANT_SIZES[kind])


@cache
def can_decode(kind: BlockType) -> bool:
    """Whether values of a type can be worked out: the library keeps some types for sums alone."""
    try:
        kind.decode(np.zeros(kind.bytes, np.uint8))
    except NotImplementedError:
        return False
    return True


def _library_type(name: str) -> Any:  # noqa: ANN401  the library's own enumeration
    from gguf.constants import GGMLQuantizationType

    return GGMLQuantizationType[name]
