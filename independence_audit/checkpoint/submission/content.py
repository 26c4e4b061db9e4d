"""The bytes of one file of a submission: all of them where they lie on this machine, blocks of them elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from independence_audit.checkpoint.model import ByteSource

BLOCK = 64 << 10
"""Bytes that are judged together."""
SAMPLED = 16
"""Blocks that are read of a file that lies elsewhere: its first and its last, and others where nobody could know."""
WHOLE = 32 << 20
"""Bytes up to which every block is measured; of a longer file, as many."""


@dataclass(frozen=True, slots=True)
class Content:
    """One file, to be looked at."""

    source: ByteSource
    name: str

    @property
    def size(self) -> int:
        """In bytes."""
        return self.source.files()[self.name]

    def read(self, start: int, length: int) -> bytes:
        """Some bytes; fewer where the file ends.

        Raises:
            ReadError: They could not be read.
        """
        into = bytearray(max(0, min(length, self.size - start)))
        if into:
            self.source.read(self.name, start, memoryview(into))
        return bytes(into)

    def whole(self) -> bytes:
        """All bytes; the file must be known to be small.

        Raises:
            ReadError: They could not be read.
        """
        return self.read(0, self.size)

    def blocks(self) -> Iterator[tuple[bytes, int]]:
        """Blocks to judge the file by, each with the bytes of the file that it stands for.

        Raises:
            ReadError: One could not be read.
        """
        starts = range(0, self.size, BLOCK)
        if not self.source.near and len(starts) > SAMPLED:
            starts_read: list[int] = sorted({0, starts[-1], *self._scattered(len(starts))})
            share = self.size // len(starts_read)
        else:
            step = max(1, self.size // WHOLE)
            starts_read = list(starts[::step])
            share = 0 if step == 1 else BLOCK * step
        for start in starts_read:
            block = self.read(start, BLOCK)
            yield block, share or len(block)

    def _scattered(self, count: int) -> Iterator[int]:
        for number in range(SAMPLED - 2):
            digest = hashlib.sha256(f"{self.name}\0{self.size}\0{number}".encode()).digest()
            yield int.from_bytes(digest[:8], "big") % count * BLOCK
