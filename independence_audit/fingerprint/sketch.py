"""Linear sketches: a large matrix W as S = A W B / 64 with random signs A and B that everybody can make again.

The signs of a row or column depend on its number alone. So sketches of equal shapes are linear in the weights: the
sketch of a difference or a mixture is the difference or mixture of the sketches, whoever made them. E‖S‖² = ‖W‖².
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Rows and columns of a sketch: the bits of one random word are the signs of one row or column."""

_LABEL = b"independence-audit/1 linear sketch "
_BLOCK = 4096
"""Words made at a time. Philox gives 4 words a step, and a block must begin at a step."""


def signs(side: str, start: int, stop: int) -> NDArray[np.float32]:
    """Signs of rows (``side`` "rows") or columns ("columns") ``start`` to ``stop``: float32 [stop - start, SIDE]."""
    first, last = start // _BLOCK, -(-stop // _BLOCK)
    blocks = [_block(side, number) for number in range(first, last)]
    together = blocks[0] if len(blocks) == 1 else np.concatenate(blocks or [np.zeros((0, SIDE), np.float32)])
    return together[start - first * _BLOCK : stop - first * _BLOCK]


@lru_cache(maxsize=128)
def _block(side: str, number: int) -> NDArray[np.float32]:
    """One block of signs; 128 of them are 128 MiB, the columns of any known model and the rows that are being read."""
    key = np.frombuffer(hashlib.sha256(_LABEL + side.encode()).digest()[:16], dtype="<u8")
    words = np.random.Philox(key=key).advance(number * _BLOCK // 4).random_raw(_BLOCK).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8).reshape(_BLOCK, 8), axis=1, bitorder="little")
    out = bits.astype(np.float32)
    out *= 2.0
    out -= 1.0
    out.flags.writeable = False
    return out


def sketch_of(piece: NDArray[np.float32], row: int, column: int) -> NDArray[np.float64]:
    """What a piece of a matrix [rows, columns] that begins at a row and column adds to its sketch: [SIDE, SIDE]."""
    rows, columns = piece.shape
    right = piece @ signs("columns", column, column + columns)
    left = signs("rows", row, row + rows).T @ right
    return left.astype(np.float64) / SIDE
