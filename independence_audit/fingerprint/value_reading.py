"""Reading a fingerprint's values: what is wanted of every tensor, in batches that a far source can join."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part, View, is_router
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo
from independence_audit.errors import ChangedError, ReadError
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.fingerprint.pools import Piece, pool_key, pool_parts
from independence_audit.fingerprint.sampler import Plan, Sampler
from independence_audit.fingerprint.spans import Spans, plan_spans

UNREADABLE = "unreadable"
"""The reason of values that could not be read."""

GIVE_UP = 5
"""Parts in a row that could not be read: the source is gone, and trying the rest would take hours."""

BATCH = 16 << 20
"""Bytes that are asked for at a time: a source that is far away joins and parallelises what it gets at once."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that is to be read, and where its values lie."""

    tensor: TensorInfo
    part: Part
    plan: Plan
    spans: Spans | None
    """None where the values cannot be decoded."""

    @property
    def size(self) -> int:
        """Bytes to read."""
        return self.spans.size if self.spans else 0

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Where the bytes begin and end in the tensor's file."""
        if self.spans is None:
            return []
        starts, stops = (self.spans.starts + self.tensor.start, self.spans.stops + self.tensor.start)
        return list(zip(starts.tolist(), stops.tolist(), strict=True))


def wanted(checkpoint: Checkpoint, anatomy: Anatomy, sampler: Sampler) -> Iterator[Wanted]:
    """Everything that is to be read, in file order."""
    pools = pool_parts(anatomy)
    shared = sum(1 for parts in pools.values() if len(parts) > 1)
    read = {key: sampler.members(len(parts), shared).tolist() for key, parts in pools.items()}
    chosen = {pools[key][place].key for key, places in read.items() for place in places}
    parts_of: dict[str, list[Part]] = defaultdict(list)
    for part in anatomy.parts:
        parts_of[part.tensor].append(part)
    planned: dict[tuple[View, int, str, bool], tuple[Plan, Spans | None]] = {}
    for tensor in checkpoint.tensors.values():
        for part in parts_of[tensor.name]:
            if part.key in chosen:
                key = part.view, len(read[pool_key(part)]), tensor.dtype, is_router(part.role)
                if key not in planned:
                    planned[key] = _plan(sampler, *key)
                yield Wanted(tensor, part, *planned[key])


def _plan(sampler: Sampler, view: View, read: int, dtype: str, router: bool) -> tuple[Plan, Spans | None]:  # noqa: FBT001  a part of the plan's key
    plan = sampler.plan(*view.shape, read, router=router)
    known = DTYPES[dtype]
    return plan, plan_spans(view, plan, known.bits // 8) if known.decodable else None


def batches(wanted: Iterable[Wanted]) -> Iterator[list[Wanted]]:
    """Runs of parts of one file, not too many bytes together."""
    batch: list[Wanted] = []
    size = 0
    for one in wanted:
        if batch and (one.tensor.file != batch[0].tensor.file or size + one.size > BATCH):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


class Reader:
    """Reads planned values through one reused buffer, and keeps a digest of what it read of every file."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.read_bytes = 0
        self._checkpoint = checkpoint
        self._buffer = np.zeros(0, dtype=np.uint8)
        self._tensors: set[str] = set()
        self.failed = False
        """Whether anything could not be read."""
        self._failures = 0
        self._digests = {name: hashlib.sha256() for name in checkpoint.files}
        for tensor in checkpoint.tensors.values():
            fact = f"{tensor.name}\0{tensor.dtype}\0{tensor.shape}\0{tensor.start}\0{tensor.end}\n"
            self._digests[tensor.file].update(fact.encode("utf-8", "surrogatepass"))

    @property
    def seen(self) -> int:
        """How many tensors have been read."""
        return len(self._tensors)

    def read(self, batch: Sequence[Wanted]) -> list[Piece]:
        """Read a batch of parts of one file; what cannot be read is a piece without values, with its reason.

        Raises:
            ReadError: So many parts in a row failed that the source is gone.
            ChangedError: A file is no longer the one that was opened.
        """
        try:
            pieces = self._read_together(batch)
        except ChangedError:
            raise
        except ReadError:
            if len(batch) > 1:
                return [piece for one in batch for piece in self.read([one])]
            self.failed = True
            self._failures += 1
            if self._failures >= GIVE_UP:
                raise
            pieces = [Piece(one.part, one.plan, None, one.tensor.dtype, UNREADABLE) for one in batch]
        else:
            self._failures = 0
        self._tensors |= {one.tensor.name for one in batch}
        return pieces

    def _read_together(self, batch: Sequence[Wanted]) -> list[Piece]:
        size = sum(one.size for one in batch)
        if len(self._buffer) < size:
            self._buffer = np.zeros(size, dtype=np.uint8)
        read, spans, filled = self._buffer[:size], [], 0
        for one in batch:
            for start, stop in one.ranges:
                spans.append((start, read[filled : filled + stop - start].data))
                filled += stop - start
        file = batch[0].tensor.file
        self._checkpoint.source.read_many(file, spans)
        self._digests[file].update(read.data)
        self.read_bytes += size
        ends = np.cumsum([one.size for one in batch]).tolist()
        return [_piece(one, read[end - one.size : end]) for one, end in zip(batch, ends, strict=True)]

    def files(self) -> tuple[FileEvidence, ...]:
        """Every file with the digest of its tensor table and of what was read of it."""
        return tuple(
            FileEvidence(name=name, size=size, sha256=self._digests[name].hexdigest(), digest_scope="sample")
            for name, size in self._checkpoint.files.items()
        )


def _piece(wanted: Wanted, read: NDArray[np.uint8]) -> Piece:
    """The values of one part, from the bytes of its spans one behind the other."""
    if wanted.spans is None:
        return Piece(wanted.part, wanted.plan, None, wanted.tensor.dtype, wanted.part.reason or "undecodable")
    item = DTYPES[wanted.tensor.dtype].bits // 8
    whole = read.view(f"u{item}")  # gathering whole values is several times faster than their bytes
    raw = np.take(whole, wanted.spans.places).view(np.uint8).reshape(*wanted.spans.places.shape, item)
    return Piece(wanted.part, wanted.plan, raw, wanted.tensor.dtype, packing=wanted.tensor.packing)
