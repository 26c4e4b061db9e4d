"""The bytes of one file of a submission: all of them where they lie on this machine, blocks of them elsewhere.

Whether bytes read as text that people or programs wrote, and not as numbers that were written as text.

Measured on blocks of 64 KiB (zlib level 6): documentation, code and configurations in English and Korean compress to
0.26 to 0.45 of their size, vocabularies and merges of GPT-2 and MiniLM to 0.34 to 0.51. Weights as base64 come to 0.69
and more, as code points to 0.58; those in hexadecimal or as letters, 0.46 to 0.50, stand in runs without a break, and
lists of decimals, 0.24 to 0.43, are digits throughout, where vocabularies with their numbers have a share of 0.55.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from independence_audit.checkpoint.tensors import SMALLEST, ByteSource

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


LARGEST_RATIO = 0.56
LARGEST_UNBROKEN = 0.5
"""Share of a block in runs of forty and more ASCII characters without a break."""
LARGEST_NUMERIC = 0.85
"""Share of a block that is digits and what stands between numbers."""
LARGEST_STRANGE = 0.05
"""Share of a block that is control characters or no UTF-8: texts of older encodings have some hundredths of
them, arrays of numbers a third and more."""
SHORT = 4096
"""Bytes of a block below which its ratio says nothing."""
SHORTEST = 256
"""Bytes of a block below which its runs and its digits say nothing either."""

_UNBROKEN = re.compile(r"[!#-&(-+\--9;-Z\\^-~]{40,}")
"""ASCII without blanks, quotes, commas, colons and square brackets: what base64 and base85 are written in."""
_NUMERIC = b"0123456789+-.eE,;[]() \t\r\n"
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\b")) + b"\x7f"


def strange_bytes(content: Content) -> int:
    """How many bytes of a file stand in blocks that are no text; no more are counted than a layer would need.

    Raises:
        ReadError: It could not be read.
    """
    strange = 0
    for block, share in content.blocks():
        if not reads_as_text(block):
            strange += share
            if strange >= SMALLEST:
                break
    return strange


def reads_as_text(block: bytes) -> bool:
    """Whether a block is text, as measured."""
    if not block:
        return True
    controls = len(block) - len(block.translate(None, _CONTROL))
    text = block.decode("utf-8", "replace")
    if controls + text.count("\ufffd") > LARGEST_STRANGE * len(block) + 4:  # a character cut at either end
        return False
    if len(block) < SHORTEST:
        return True
    numeric = 1 - len(block.translate(None, _NUMERIC)) / len(block)
    unbroken = sum(len(run[0]) for run in _UNBROKEN.finditer(text)) / len(text)
    if numeric > LARGEST_NUMERIC or unbroken > LARGEST_UNBROKEN:
        return bool(block.count(b" ") > LARGEST_NUMERIC * len(block))  # blanks alone hold nothing
    return len(block) < SHORT or len(zlib.compress(block, 6)) <= LARGEST_RATIO * len(block)
