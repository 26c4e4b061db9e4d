"""Making a fingerprint: one pass over a checkpoint in file order, a few rows of every tensor."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo, decode
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report import FileEvidence
from independence_audit.fingerprint.model import Fingerprint, Sample
from independence_audit.fingerprint.pools import PoolKey, pool_key, pool_parts
from independence_audit.fingerprint.sampler import Plan, Sampler
from independence_audit.fingerprint.spans import plan_spans

Progress = Callable[[str, int, int], None]
"""Told the tensor just read, how many are done and how many there are."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one part gives to its sample."""

    part: Part
    plan: Plan
    raw: NDArray[np.uint8] | None
    dtype: str


def silent(tensor: str, done: int, total: int) -> None:
    """Report no progress."""


def build_fingerprint(
    checkpoint: Checkpoint, anatomy: Anatomy, sampler: Sampler, progress: Progress = silent
) -> Fingerprint:
    """Read a checkpoint's sampled values once, in file order.

    Raises:
        ReadError: Bytes could not be read.
    """
    parts_of: dict[str, list[Part]] = defaultdict(list)
    for part in anatomy.parts:
        parts_of[part.tensor].append(part)
    members = {key: len(parts) for key, parts in pool_parts(anatomy).items()}
    pools: dict[PoolKey, list[_Piece]] = {key: [] for key in members}
    reader = _Reader(checkpoint, sampler)
    for done, tensor in enumerate(checkpoint.tensors.values(), 1):
        for part in parts_of[tensor.name]:
            key = pool_key(part)
            pools[key].append(reader.read(tensor, part, members[key]))
        progress(tensor.name, done, len(checkpoint.tensors))
    return Fingerprint(
        name=checkpoint.name,
        sampler=sampler.name,
        components=anatomy.components,
        samples=tuple(_pool(pieces, sampler) for pieces in pools.values()),
        files=reader.files(),
        parameters=sum(tensor.size for tensor in checkpoint.tensors.values()),
        read_bytes=reader.read_bytes,
        metadata=dict(checkpoint.metadata),
        notices=tuple(Message(f"notice.{notice.key}", dict(notice.data)) for notice in checkpoint.notices),
    )


class _Reader:
    """Reads planned values through one reused buffer, and keeps a digest of what it read of every file."""

    def __init__(self, checkpoint: Checkpoint, sampler: Sampler) -> None:
        self.read_bytes = 0
        self._checkpoint = checkpoint
        self._sampler = sampler
        self._buffer = np.zeros(0, dtype=np.uint8)
        self._digests = {name: hashlib.sha256() for name in checkpoint.files}
        for tensor in checkpoint.tensors.values():
            fact = f"{tensor.name}\0{tensor.dtype}\0{tensor.shape}\0{tensor.start}\0{tensor.end}\n"
            self._digests[tensor.file].update(fact.encode("utf-8", "surrogatepass"))

    def read(self, tensor: TensorInfo, part: Part, members: int) -> _Piece:
        """Read the sampled values of one part."""
        plan = self._sampler.plan(*part.view.shape, members)
        dtype = DTYPES[tensor.dtype]
        if not dtype.decodable:
            return _Piece(part, plan, None, tensor.dtype)
        item = dtype.bits // 8
        spans = plan_spans(part.view, plan, item)
        if len(self._buffer) < spans.size:
            self._buffer = np.zeros(spans.size, dtype=np.uint8)
        filled = 0
        for start, stop in zip(spans.starts.tolist(), spans.stops.tolist(), strict=True):
            into = self._buffer[filled : filled + stop - start]
            self._checkpoint.source.read(tensor.file, tensor.start + start, into.data)
            filled += stop - start
        read = self._buffer[:filled]
        self._digests[tensor.file].update(read.data)
        self.read_bytes += filled
        return _Piece(part, plan, read.reshape(-1, item)[spans.places], tensor.dtype)

    def files(self) -> tuple[FileEvidence, ...]:
        """Every file with the digest of its tensor table and of what was read of it."""
        return tuple(
            FileEvidence(name=name, size=size, sha256=self._digests[name].hexdigest(), digest_scope="sample")
            for name, size in self._checkpoint.files.items()
        )


def _pool(pieces: Sequence[_Piece], sampler: Sampler) -> Sample:
    """One sample from the pieces of a pool, experts in the order of their numbers."""
    ordered = sorted(pieces, key=lambda piece: piece.part.expert or 0)
    first = ordered[0]
    part = first.part
    raw, dtype = _stack(ordered)
    return Sample(
        component=part.component,
        layer=part.layer,
        role=part.role,
        axis=part.axis,
        name=_pool_name([piece.part.tensor for piece in ordered]),
        members=len(ordered),
        shape=part.view.shape,
        dtype=dtype,
        rows=np.concatenate([piece.plan.rows for piece in ordered]),
        experts=np.concatenate([np.full(len(piece.plan.rows), piece.part.expert or 0) for piece in ordered]),
        start=first.plan.start,
        stop=first.plan.stop,
        window=sampler.window(part.view.columns),
        raw=raw,
        reason=part.reason or ("" if raw is not None else "undecodable"),
    )


def _stack(pieces: Sequence[_Piece]) -> tuple[NDArray[np.uint8] | None, str]:
    """Raw values one below the other; experts of different types meet in a float type that holds them all."""
    raws = [piece.raw for piece in pieces if piece.raw is not None]
    if len(raws) < len(pieces):
        return None, pieces[0].dtype
    dtypes = {piece.dtype for piece in pieces}
    if len(dtypes) == 1:
        return np.concatenate(raws), pieces[0].dtype
    wide = [
        decode(np.ascontiguousarray(raw).reshape(-1), piece.dtype).astype(np.float64).reshape(raw.shape[:2])
        for raw, piece in zip(raws, pieces, strict=True)
    ]
    return np.concatenate(wide)[:, :, None].view(np.uint8), "F64"


def _pool_name(names: Sequence[str]) -> str:
    """The tensor's name, or for several their common beginning and end with ``*`` between."""
    if len(set(names)) == 1:
        return names[0]
    start, end = _common_start(names), _common_start([name[::-1] for name in names])[::-1]
    return f"{start.rstrip('0123456789')}*{end.lstrip('0123456789')}"


def _common_start(names: Sequence[str]) -> str:
    """The characters that all names begin with."""
    first, last = min(names), max(names)
    return next((first[:index] for index, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), first)
