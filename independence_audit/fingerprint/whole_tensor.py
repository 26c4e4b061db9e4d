"""What every value of a tensor comes to, where all bytes were read: digests of the content, its norm and its sketch.

Digests of a matrix's content that do not depend on its layout: tile by tile, in whatever order they come.

A tile is 256 rows and columns, fewer at the right and lower edge. Its digest is the SHA-256 of its values, row by row,
as little-endian bytes. A matrix's is that of a line with type and shape and then its tiles' digests, row of tiles by
row of tiles; a tensor's that of its matrices' digests, one for each expert.

Linear sketches: a large matrix W as S = A W B / 64 with random signs A and B that everybody can make again.

The signs of a row or column depend on its number alone. So sketches of equal shapes are linear in the weights: the
sketch of a difference or a mixture is the difference or mixture of the sketches, whoever made them. E‖S‖² = ‖W‖².
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

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


TILE = 256

Tiles = dict[tuple[int, int], bytes]
"""Digests of tiles by their row and column of tiles."""


def tiles_of(codes: NDArray[np.unsignedinteger], row: int, column: int) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The tiles of a piece of a matrix that begins at a row and column of values, both multiples of TILE.

    Args:
        codes: The stored values as unsigned integers [at most TILE rows, columns].
        row: Of the piece's first value.
        column: Of the piece's first value.
    """
    for start in range(0, codes.shape[1], TILE):
        tile = np.ascontiguousarray(codes[:, start : start + TILE])
        yield (row // TILE, (column + start) // TILE), hashlib.sha256(tile.data).digest()


def matrix_digest(dtype: str, shape: tuple[int, int], tiles: Tiles) -> bytes:
    """The digest of a matrix from those of its tiles."""
    digest = hashlib.sha256(f"{dtype} {shape[0]} {shape[1]}\n".encode())
    for place in sorted(tiles):
        digest.update(tiles[place])
    return digest.digest()


def content_digest(matrices: Iterable[bytes]) -> str:
    """The digest of a tensor, or of all experts in the order of their numbers, in hexadecimal."""
    return hashlib.sha256(b"".join(matrices)).hexdigest()


def to_bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Codes of the nearest bfloat16 values, ties to even; every NaN is the same one."""
    bits = values.view(np.uint32)
    codes = ((bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) >> 16).astype(np.uint16)
    codes[np.isnan(values)] = 0x7FC0
    return codes


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
