"""Reads the beginning of a file step by step, by position and within bounds, in few requests where it is far away."""

from __future__ import annotations

from functools import cache
from struct import Struct

from independence_audit.checkpoint.tensors import ByteSource
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MalformedError

MOST = 64 << 20
"""Bytes of a GGUF file's header, at most: those of 260,000 tokens with their merges have some 20 million."""
FIRST = 256 << 10
LARGEST = 4 << 20
"""Bytes of the first request, and of each once the requests have doubled: most of a header are the tokens."""

_LENGTH = Struct("<Q")

DAMAGED = "Copy or download the file again; if it stays the same, it has to be converted again."


@cache
def _form(form: str) -> Struct:
    return Struct(f"<{form}")


class Cursor:
    """A place in a file that moves forward; at most one request's bytes and one value's are in memory."""

    def __init__(self, source: ByteSource, file: str) -> None:
        """Begin at the file's first byte; nothing is read."""
        self._source = source
        self._file = file
        self.size = source.files()[file]
        """Of the file, in bytes."""
        self.place = 0
        self._window = b""
        self._start = 0
        self._next = FIRST

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            MalformedError: The file ends before, or its header is longer than any is.
            ReadError: They could not be read.
        """
        self._check(count)
        begin = self.place - self._start
        if not 0 <= begin <= len(self._window) - count:
            self._fill(count)
            begin = 0
        self.place += count
        return self._window[begin : begin + count]

    def skip(self, count: int) -> None:
        """Go on without reading.

        Raises:
            MalformedError: The file ends before, or its header is longer than any is.
        """
        self._check(count)
        self.place += count

    def number(self, form: str) -> int:
        """The next whole number, little-endian, of a form of the ``struct`` module.

        Raises:
            MalformedError: The file ends before.
            ReadError: It could not be read.
        """
        packed = _form(form)
        return int(packed.unpack(self.take(packed.size))[0])

    def skip_texts(self, count: int) -> None:
        """Go on behind texts, each 8 bytes of length and as many bytes.

        Raises:
            MalformedError: The file ends before, or its header is longer than any is.
            ReadError: They could not be read.
        """
        self._check(8 * count)
        while count:
            self.take(8)
            self.place -= 8
            begin = self.place - self._start
            while count and begin + 8 <= len(self._window):
                begin += 8 + _LENGTH.unpack_from(self._window, begin)[0]
                count -= 1
            self.skip(begin + self._start - self.place)

    def _check(self, count: int) -> None:
        if count > self.size - self.place:
            raise MalformedError(f"{quoted(self._file)} is cut short: it ends within its header.", DAMAGED)
        if self.place + count > MOST:
            raise MalformedError(
                f"The header of {quoted(self._file)} has over {MOST:,} bytes, more than are read.",
                "Convert the model again; its metadata should hold no more than the tokenizer.",
            )

    def _fill(self, count: int) -> None:
        length = min(max(self._next, count), self.size - self.place)
        window = bytearray(length)
        self._source.read(self._file, self.place, memoryview(window))
        self._window, self._start = bytes(window), self.place
        self._next = min(2 * self._next, LARGEST)
