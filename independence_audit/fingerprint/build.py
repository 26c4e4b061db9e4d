"""Making a fingerprint: one pass over a checkpoint in file order, a few rows of every tensor."""

from __future__ import annotations

from collections.abc import Callable

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import Checkpoint
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.fingerprint.pools import Piece, PoolKey, pool, pool_key, pool_parts
from independence_audit.fingerprint.reading import Reader, batches, wanted
from independence_audit.fingerprint.sampler import Sampler

Progress = Callable[[str, int, int], None]
"""Told the tensor just read, how many are done and how many there are."""


def silent(tensor: str, done: int, total: int) -> None:
    """Report no progress."""


def build_fingerprint(
    checkpoint: Checkpoint, anatomy: Anatomy, sampler: Sampler, progress: Progress = silent
) -> Fingerprint:
    """Read a checkpoint's sampled values once, in file order.

    Bytes that cannot be read leave samples without values, and their reason.

    Raises:
        ReadError: Nothing could be read, or the source is gone.
    """
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
