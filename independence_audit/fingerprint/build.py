"""Making a fingerprint: one pass over a checkpoint in file order, a few rows of every tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from independence_audit.anatomy import Anatomy, place
from independence_audit.checkpoint import Checkpoint, TensorInfo
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.everything import read_everything
from independence_audit.fingerprint.pools import Piece, PoolKey, pool, pool_key, pool_parts
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.value_reading import Reader, batches, wanted

Progress = Callable[[str, int, int], None]
"""Told the tensor just read, how many are done and how many there are."""

Placing = Callable[[Iterable[TensorInfo], Mapping[str, Any]], Anatomy]
"""How tensors get their places: ``place``, or what does the same and remembers."""


def silent(tensor: str, done: int, total: int) -> None:
    """Report no progress."""


def fingerprint_of(
    checkpoint: Checkpoint,
    sampler: Sampler,
    progress: Progress = silent,
    *,
    everything: bool = False,
    placing: Placing = place,
) -> tuple[Anatomy, Fingerprint]:
    """Place an opened checkpoint's tensors and read their fingerprint; the checkpoint stays open.

    Raises:
        ReadError: As for :func:`build_fingerprint`.
    """
    anatomy = placing(checkpoint.tensors.values(), checkpoint.config)
    return anatomy, build_fingerprint(checkpoint, anatomy, sampler, progress, everything=everything)


def build_fingerprint(
    checkpoint: Checkpoint,
    anatomy: Anatomy,
    sampler: Sampler,
    progress: Progress = silent,
    *,
    everything: bool = False,
) -> Fingerprint:
    """Read a checkpoint's sampled values once, in file order, and where ``everything`` is wanted all bytes.

    Bytes that cannot be read leave samples without values, and their reason.

    Raises:
        ReadError: Nothing could be read, or the source is gone; or not everything that is wanted could be.
    """
    sampled = _sampled(checkpoint, anatomy, sampler, silent if everything else progress)
    if not everything:
        return sampled
    read = read_everything(checkpoint, anatomy, progress)
    wholes = (read.wholes[key] for key in pool_parts(anatomy))
    samples = tuple(replace(sample, whole=whole) for sample, whole in zip(sampled.samples, wholes, strict=True))
    return replace(sampled, samples=samples, files=read.files, read_bytes=read.read_bytes)


def _sampled(checkpoint: Checkpoint, anatomy: Anatomy, sampler: Sampler, progress: Progress) -> Fingerprint:
    pools = pool_parts(anatomy)
    pieces: dict[PoolKey, list[Piece]] = {key: [] for key in pools}
    reader = Reader(checkpoint)
    for batch in batches(wanted(checkpoint, anatomy, sampler)):
        for piece in reader.read(batch):
            pieces[pool_key(piece.part)].append(piece)
        progress(batch[-1].tensor.name, reader.seen, len(checkpoint.tensors))
    if reader.failed and not reader.read_bytes:
        raise ReadError(f"Nothing of {checkpoint.name} could be read.", "Check the files, or try again later.")
    return Fingerprint(
        name=checkpoint.name,
        sampler=sampler.name,
        components=anatomy.components,
        samples=tuple(pool(pools[key], read, sampler) for key, read in pieces.items()),
        files=reader.files(),
        parameters=sum(tensor.size for tensor in checkpoint.tensors.values()),
        read_bytes=reader.read_bytes,
        metadata=dict(checkpoint.metadata),
        notices=tuple(Message(f"notice.{notice.key}", dict(notice.data)) for notice in checkpoint.notices),
    )
