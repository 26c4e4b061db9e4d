"""Reads the heads of files ahead while a checkpoint is opened, so that a header costs one request and not two."""

from __future__ import annotations

from collections.abc import Mapping

from independence_audit.checkpoint.model import ByteSource, State
from independence_audit.checkpoint.sources.one_by_one import ReadsOneByOne
from independence_audit.checkpoint.sources.ranges import check_range

HEAD = 256 << 10
"""Bytes read ahead: the header of a shard of a few thousand tensors."""


class HeadsFirst(ReadsOneByOne):
    """Another source, whose files' first bytes are kept in memory from the first small read of them on.

    To be used while a checkpoint is opened and dropped afterwards, with all that it keeps.
    """

    __slots__ = ("_head", "_heads", "_source", "name", "near")

    def __init__(self, source: ByteSource, head: int = HEAD) -> None:
        """Take the source; nothing is read.

        Args:
            source: Where the bytes come from; it stays open when this one is dropped.
            head: Bytes of each file to read ahead.
        """
        self.name = source.name
        self.near = source.near
        self._source = source
        self._head = head
        self._heads: dict[str, bytes] = {}

    def files(self) -> Mapping[str, int]:
        """Every file by its name, with its size in bytes."""
        return self._source.files()

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` with the bytes of file ``name`` from ``start`` on, out of its head as far as that reaches.

        Raises:
            ReadError: The bytes could not be read.
        """
        check_range(self.files(), name, start, into.nbytes)
        if start + into.nbytes <= self._head and name not in self._heads:
            head = bytearray(min(self._head, self.files()[name]))
            self._source.read(name, 0, memoryview(head))
            self._heads[name] = bytes(head)
        target = into.cast("B")
        known = self._heads.get(name, b"")[start : start + len(target)]
        target[: len(known)] = known
        if len(known) < len(target):
            self._source.read(name, start + len(known), target[len(known) :])

    def states(self) -> Mapping[str, State]:
        """Those of the source."""
        return self._source.states()

    def confirm(self) -> None:
        """Look once more, as the source does."""
        self._source.confirm()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
