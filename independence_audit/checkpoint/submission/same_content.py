"""Whether another file holds nothing but what was judged: the same bytes, or the same tensors with the same values."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.header import read_header
from independence_audit.checkpoint.tensors import SMALLEST, ByteSource, Checkpoint, TensorInfo
from independence_audit.core.number_types import DTYPES, decode

PIECE = 8 << 20
"""Bytes compared at a time."""
NARROWEST = 64
"""Bytes of a row that is told from others by itself; vectors have none."""
SINGLE, SMALLEST_HALF = 2.0**-24, 2.0**-25
"""How far rounding moves a value at most: relative to it where both sides are wide, and absolutely where it is tiny in
float16, by half of its smallest number."""
_PLAIN = frozenset({"F64", "F32", "F16", "BF16"})


def same_bytes(first: ByteSource, name: str, second: ByteSource, other: str) -> bool:
    """Whether two files have the same bytes, all of them read.

    Raises:
        ReadError: One could not be read.
    """
    size = first.files()[name]
    if size != second.files()[other]:
        return False
    mine, theirs = bytearray(min(PIECE, size)), bytearray(min(PIECE, size))
    for start in range(0, size, PIECE):
        length = min(PIECE, size - start)
        first.read(name, start, memoryview(mine)[:length])
        second.read(other, start, memoryview(theirs)[:length])
        if mine[:length] != theirs[:length]:
            return False
    return True


class Judged:
    """The stored tensors of a judged checkpoint, by what they hold."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Take the checkpoint, opened; nothing is read yet."""
        self.source = checkpoint.source
        self._files = tuple(checkpoint.files)
        self._stored: dict[str, TensorInfo] = {}
        self._alike: dict[tuple[str, tuple[int, ...]], list[TensorInfo]] = defaultdict(list)
        self._digests: dict[tuple[str, tuple[int, ...]], set[bytes]] = {}

    def tensors(self) -> Mapping[str, TensorInfo]:
        """The tensors as they are stored, by name.

        Raises:
            InputError: A header cannot be read any more.
        """
        if not self._stored:
            for file in self._files:
                for tensor in read_header(self.source, file).tensors:
                    self._stored[tensor.name] = tensor
                    self._alike[tensor.dtype, tensor.shape].append(tensor)
        return self._stored

    def lacks(self, source: ByteSource, tensors: Iterable[TensorInfo]) -> int:
        """How many bytes of some tensors are no values that were judged; no more are counted than a layer needs.

        A tensor may have another name, its rows another order, and the one of the same name and shape another
        floating-point type, up to rounding.

        Raises:
            ReadError: Bytes could not be read.
        """
        other = 0
        for tensor in tensors:
            if not self._holds(source, tensor):
                other += tensor.end - tensor.start
                if other >= SMALLEST:
                    break
        return other

    def _holds(self, source: ByteSource, tensor: TensorInfo) -> bool:
        named = self.tensors().get(tensor.name)
        if named is not None and named.shape == tensor.shape and named.dtype != tensor.dtype:
            return {named.dtype, tensor.dtype} <= _PLAIN and _rounded(self.source, named, source, tensor)
        kind = tensor.dtype, tensor.shape
        if kind not in self._alike:
            return False
        if named is not None and (named.dtype, named.shape) == kind and _equal(self.source, named, source, tensor):
            return True
        if kind not in self._digests:
            self._digests[kind] = {_digest(self.source, each) for each in self._alike[kind]}
        return _digest(source, tensor) in self._digests[kind]


def _bytes(source: ByteSource, tensor: TensorInfo, first: int, last: int) -> NDArray[np.uint8]:
    """Some bytes of a tensor, counted from its first."""
    into = np.empty(last - first, np.uint8)
    if into.size:
        source.read(tensor.file, tensor.start + first, into.data)
    return into


def _equal(source: ByteSource, tensor: TensorInfo, second: ByteSource, other: TensorInfo) -> bool:
    size = tensor.end - tensor.start
    pieces = ((first, min(first + PIECE, size)) for first in range(0, size, PIECE))
    return all(
        np.array_equal(_bytes(source, tensor, first, last), _bytes(second, other, first, last))
        for first, last in pieces
    )


def _digest(source: ByteSource, tensor: TensorInfo) -> bytes:
    """A digest of a tensor's rows in any order: the sum of theirs."""
    rows = tensor.shape[0] if tensor.shape else 1
    size = tensor.end - tensor.start
    if not size:
        return b""
    row = size // rows
    if not NARROWEST <= row <= PIECE:  # no rows to speak of: the values in their own order
        digest = hashlib.blake2b(digest_size=16)
        for first in range(0, size, PIECE):
            digest.update(_bytes(source, tensor, first, min(first + PIECE, size)).data)
        return digest.digest()
    together = max(1, PIECE // row)
    total = 0
    for first in range(0, rows, together):
        piece = _bytes(source, tensor, first * row, min(first + together, rows) * row)
        for at in range(0, piece.size, row):
            total += int.from_bytes(hashlib.blake2b(piece[at : at + row].data, digest_size=16).digest(), "big")
    return (total % (1 << 128)).to_bytes(16, "big")


def _rounded(source: ByteSource, tensor: TensorInfo, second: ByteSource, other: TensorInfo) -> bool:
    """Whether the wider tensor's values are those of the narrower one, up to its rounding."""
    narrow = min(tensor.dtype, other.dtype, key=lambda dtype: (DTYPES[dtype].bits, dtype != "BF16"))
    relative, absolute = max(SINGLE, DTYPES[narrow].rounding), SMALLEST_HALF if narrow == "F16" else 0.0
    count, step = tensor.size, PIECE // 8
    widths = DTYPES[tensor.dtype].bits // 8, DTYPES[other.dtype].bits // 8
    for first in range(0, count, step):
        last = min(first + step, count)
        mine = decode(_bytes(source, tensor, first * widths[0], last * widths[0]), tensor.dtype).astype(np.float64)
        theirs = decode(_bytes(second, other, first * widths[1], last * widths[1]), other.dtype).astype(np.float64)
        with np.errstate(invalid="ignore"):
            near = np.abs(mine - theirs) <= relative * np.maximum(np.abs(mine), np.abs(theirs)) + absolute
        if not np.all(near | (np.isnan(mine) & np.isnan(theirs)) | (mine == theirs)):
            return False
    return True
