"""A byte source that answers for packed weights as if they were stored unpacked, behind the end of their file."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from independence_audit.checkpoint.model import ByteSource, Span, State, TensorInfo
from independence_audit.checkpoint.packed.model import Bytes, Packed
from independence_audit.errors import ReadError

ITEM = 4
"""Bytes of a value: what is worked out is float32."""


class UnpackingSource:
    """Reads what lies in files from another source, and works out what lies behind their ends.

    Implements :class:`~independence_audit.checkpoint.model.ByteSource`.
    """

    def __init__(self, source: ByteSource, packed: Sequence[tuple[TensorInfo, Packed]]) -> None:
        """Answer for packed weights.

        Args:
            source: Where the stored bytes are.
            packed: Every packed weight with its place behind the end of a file.
        """
        self.name = source.name
        self.near = source.near
        self.stored = source
        """Where the bytes come from."""
        self._packed: dict[str, list[tuple[TensorInfo, Packed]]] = defaultdict(list)
        for tensor, one in sorted(packed, key=lambda pair: pair[0].start):
            self._packed[tensor.file].append((tensor, one))

    def files(self) -> Mapping[str, int]:
        """Every file with its size as it is stored."""
        return self.stored.files()

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` with stored or worked-out bytes.

        Raises:
            ReadError: The bytes they need could not be read.
        """
        self.read_many(name, [(start, into)])

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Fill every span; all stored bytes of one file that they need are asked for together.

        Raises:
            ReadError: A span could not be read.
        """
        end = self.stored.files().get(name, 0)
        wanted: dict[str, list[Span]] = defaultdict(list)
        wanted[name] += [(start, into) for start, into in spans if start < end]
        planned = [self._plan(name, start, into, wanted) for start, into in spans if start >= end]
        for file, each in wanted.items():
            if each:
                self.stored.read_many(file, each)
        for one, first, last, content, (begin, into) in planned:
            values = one.values(first, last, content).astype("<f4", copy=False)
            into.cast("B")[:] = values.view(np.uint8)[begin : begin + into.nbytes].data

    def _plan(
        self, name: str, start: int, into: memoryview, wanted: dict[str, list[Span]]
    ) -> tuple[Packed, int, int, list[Bytes], tuple[int, memoryview]]:
        """The values of one span, and buffers for the stored bytes that they need, asked for in ``wanted``."""
        members = self._packed.get(name, [])
        place = bisect_right([tensor.start for tensor, _ in members], start) - 1
        if place < 0 or start + into.nbytes > members[place][0].end:
            raise ReadError(f"There are no bytes {start} to {start + into.nbytes} in {name!r}.")
        tensor, one = members[place]
        offset = start - tensor.start
        first, last = offset // ITEM, -(-(offset + into.nbytes) // ITEM)
        content: list[Bytes] = []
        for run in one.runs(first, last) if first < last else []:
            content.append(np.empty(run.size, np.uint8))
            wanted[run.tensor.file].append((run.tensor.start + run.start, content[-1].data))
        return one, first, last, content, (offset - first * ITEM, into)

    def states(self) -> Mapping[str, State]:
        """Those of the files as they are stored."""
        return self.stored.states()

    def confirm(self) -> None:
        """Look once more, as the source of the stored bytes does."""
        self.stored.confirm()

    def close(self) -> None:
        """Close the source of the stored bytes."""
        self.stored.close()
