"""Digests of a matrix's content that do not depend on its layout: tile by tile, in whatever order they come.

A tile is 256 rows and columns, fewer at the right and lower edge. Its digest is the SHA-256 of its values, row by row,
as little-endian bytes. A matrix's is that of a line with type and shape and then its tiles' digests, row of tiles by
row of tiles; a tensor's that of its matrices' digests, one for each expert.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

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
