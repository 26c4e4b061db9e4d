"""The plain way to read many spans of a file, for sources that gain nothing from seeing them together."""

from __future__ import annotations

from collections.abc import Sequence

from independence_audit.checkpoint.model import ByteSource, Span


class ReadsOneByOne:
    """Gives a byte source ``read_many`` by its own ``read``."""

    __slots__ = ()

    def read_many(self: ByteSource, name: str, spans: Sequence[Span]) -> None:
        """Fill the memory of every span of file ``name``, one after the other.

        Raises:
            ReadError: A span could not be read.
        """
        for start, into in spans:
            self.read(name, start, into)
