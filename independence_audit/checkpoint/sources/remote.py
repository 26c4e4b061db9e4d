"""The byte source for files that are far away: few requests, some at the same time, heads of files read ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from independence_audit.checkpoint.sources.range_requests import Block, ReadsOneByOne, check_range, plan_blocks
from independence_audit.checkpoint.tensors import ByteSource, Span, State
from independence_audit.core.outside_names import quoted
from independence_audit.errors import ChangedError, ReadError

ReadBlock = Callable[[str, Block], bytes]
"""Delivers the wanted bytes of a block of a file, verified and complete, or raises :class:`ReadError`."""

PARALLEL = 4
"""Requests at the same time: enough to hide the round trips, few enough for a server's limits."""


class RemoteSource:
    """Files somewhere else, read in blocks. Reads may run in several threads at once."""

    __slots__ = ("_changed", "_closed", "_read_block", "_sizes", "name", "near")

    def __init__(self, name: str, sizes: Mapping[str, int], read_block: ReadBlock) -> None:
        """Take the files as they are listed; nothing is read.

        Args:
            name: How the source is called in reports.
            sizes: Every file with its size in bytes.
            read_block: Reads one block.
        """
        self.name = name
        self.near = False
        self._sizes = MappingProxyType(dict(sizes))
        self._read_block = read_block
        self._closed = False
        self._changed: ChangedError | None = None

    def files(self) -> Mapping[str, int]:
        """Every file by its name, with its size in bytes."""
        return self._sizes

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` with the bytes of file ``name`` from ``start`` on.

        Raises:
            ReadError: The range is not in the file, or its bytes could not be read and verified.
        """
        self.read_many(name, [(start, into)])

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Fill the memory of every span of file ``name``; close spans share a request, long ones take several.

        Raises:
            ReadError: A span is not in the file, or its bytes could not be read and verified.
            ChangedError: A file of the source is no longer the one that was listed.
        """
        if self._closed:
            raise ReadError(f"{quoted(self.name)} is closed and cannot be read any more.")
        for start, into in spans:
            check_range(self._sizes, name, start, into.nbytes)
        views = [into.cast("B") for _, into in spans]
        blocks = plan_blocks((start, into.nbytes) for start, into in spans)

        def fill(block: Block) -> None:
            kept = memoryview(self._unchanged(name, block))
            for piece in block.pieces:
                views[piece.span][piece.into : piece.into + piece.length] = kept[piece.at : piece.at + piece.length]

        if len(blocks) == 1:
            fill(blocks[0])
        elif blocks:
            with ThreadPoolExecutor(min(PARALLEL, len(blocks))) as threads:
                for _ in threads.map(fill, blocks):
                    pass

    def states(self) -> Mapping[str, State]:
        """The size of every file; what else tells it from another is compared with every answer."""
        return {name: (size,) for name, size in self._sizes.items()}

    def confirm(self) -> None:
        """Say once more that a file was changed, whoever took that for a gap in what could be read.

        Raises:
            ChangedError: One was.
        """
        if self._changed is not None:
            raise self._changed

    def _unchanged(self, name: str, block: Block) -> bytes:
        """The wanted bytes of a block; that a file was changed is remembered, for nothing read of it may count."""
        self.confirm()
        try:
            return self._read_block(name, block)
        except ChangedError as error:
            self._changed = error
            raise

    def close(self) -> None:
        """Nothing can be read afterwards."""
        self._closed = True


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
