"""A checkpoint with its packed weights unpacked, by a byte source that answers as if they were stored that way."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, prod

import numpy as np

from independence_audit.checkpoint.packed.find import Found, find_packed
from independence_audit.checkpoint.tensors import Bytes, ByteSource, Checkpoint, Notice, Packed, Span, State, TensorInfo
from independence_audit.errors import ReadError

INTEGERS = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "F4"})
"""Types that codes are stored in."""
SCALES = (".scales", "_scales", ".scale", "_scale", ".absmax", ".weight_scale", ".SCB")
"""How packings call what the codes are multiplied with."""


def unpacked(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with every weight that a quantiser packed as one float32 tensor, worked out as it is read.

    What it was packed of is left out. Packed tensors that contradict each other stay as they are, with a notice:
    nothing is made up.

    Raises:
        ReadError: A description of packed tensors could not be read.
    """
    found = find_packed(checkpoint.source, checkpoint.tensors, checkpoint.config)
    found += [Found(packed.name, packed, (packed.name,)) for packed in checkpoint.packed]
    taken = Counter(name for one in found for name in one.consumed)
    good: list[Found] = []
    bad: list[Found] = []
    for one in found:
        hidden = one.name in checkpoint.tensors and one.name not in one.consumed
        usable = one.packed is not None and not hidden and all(taken[name] == 1 for name in one.consumed)
        (good if usable else bad).append(one)
    notices = [Notice("packed_malformed", {"tensor": one.name}) for one in bad]
    notices += _unknown(checkpoint, {name for one in found for name in one.consumed})
    if not good:
        return replace(checkpoint, notices=(*checkpoint.notices, *notices))
    placed = placed_behind(checkpoint.files, [one.packed for one in good if one.packed])
    schemes = Counter(packed.scheme for _, packed in placed if packed.scheme)
    notices += [Notice("unpacked", {"scheme": scheme, "tensors": count}) for scheme, count in sorted(schemes.items())]
    return replace(
        checkpoint,
        source=UnpackingSource(checkpoint.source, placed),
        tensors=_tensors(checkpoint, good, placed),
        notices=(*checkpoint.notices, *notices),
        packed=(),
    )


def _unknown(checkpoint: Checkpoint, known: Collection[str]) -> Iterator[Notice]:
    """A notice where integers with scales beside them are packed in a way that is not known: they are not compared."""
    odd = [
        tensor
        for name, tensor in checkpoint.tensors.items()
        if name not in known and tensor.dtype in INTEGERS and len(tensor.shape) > 1 and _has_scales(name, checkpoint)
    ]
    if odd:
        total = sum(tensor.end - tensor.start for tensor in checkpoint.tensors.values())
        share = sum(tensor.end - tensor.start for tensor in odd) / total
        data: dict[str, str | int] = {"tensors": len(odd), "tensor": odd[0].name, "percent": round(100 * share)}
        yield Notice("packing_unknown", data)


def _has_scales(name: str, checkpoint: Checkpoint) -> bool:
    stem = name.rpartition(".")[0]
    return any(f"{base}{suffix}" in checkpoint.tensors for base in (name, stem) for suffix in SCALES)


def placed_behind(taken: Mapping[str, int], packed: Sequence[Packed]) -> list[tuple[TensorInfo, Packed]]:
    """Every packed weight as a float32 tensor behind what is taken of the file that holds its bits.

    Args:
        taken: Every file with its size in bytes, or with the end of what was placed behind it before.
        packed: The weights.
    """
    ends = dict(taken)
    placed = []
    for one in packed:
        file = one.stored[0].file
        start = -(-ends[file] // ITEM) * ITEM
        ends[file] = start + prod(one.shape) * ITEM
        placed.append((TensorInfo(one.name, "F32", one.shape, file, start, ends[file], one.scheme), one))
    return placed


def _tensors(
    checkpoint: Checkpoint, good: Sequence[Found], placed: Sequence[tuple[TensorInfo, Packed]]
) -> dict[str, TensorInfo]:
    """All tensors in file order, the packed ones where their bits are."""
    gone = {name for one in good for name in one.consumed}
    instead = {packed.stored[0].name: tensor for tensor, packed in placed}
    kept: dict[str, TensorInfo] = {}
    for name, tensor in checkpoint.tensors.items():
        if name in instead:
            kept[instead[name].name] = instead[name]
        elif name not in gone:
            kept[name] = tensor
    return kept


ITEM = 4
"""Bytes of a value: what is worked out is float32."""


class UnpackingSource:
    """Reads what lies in files from another source, and works out what lies behind their ends.

    Implements :class:`~independence_audit.checkpoint.tensors.ByteSource`.
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
        members = self._packed.get(name)
        begin = members[0][0].start if members else inf
        wanted: dict[str, list[Span]] = defaultdict(list)
        wanted[name] += [(start, into) for start, into in spans if start < begin]
        planned = [self._plan(name, start, into, wanted) for start, into in spans if start >= begin]
        for file, each in wanted.items():
            if each:
                self.stored.read_many(file, each)
        for one, first, last, content, (offset, into) in planned:
            values = one.values(first, last, content).astype("<f4", copy=False)
            into.cast("B")[:] = values.view(np.uint8)[offset : offset + into.nbytes].data

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
