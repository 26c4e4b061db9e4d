"""Samples from parts: the experts of a layer and role share one; everything else stands alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part
from independence_audit.checkpoint import decode
from independence_audit.fingerprint.sampler import Plan, Sampler
from independence_audit.fingerprint.samples import Sample, SampleKey
from independence_audit.fingerprint.whole_tensor import Whole

PoolKey = tuple[str, int | None, str, tuple[int, int], str]


def pool_key(part: Part) -> PoolKey:
    """What parts of one sample have in common."""
    alone = f"{part.tensor}@{part.view.offset}" if part.expert is None else ""
    return part.component, part.layer, part.role, part.view.shape, alone


def pool_parts(anatomy: Anatomy) -> dict[PoolKey, list[Part]]:
    """Parts by sample, in the order of a fingerprint's samples; experts by number."""
    pools: dict[PoolKey, list[Part]] = defaultdict(list)
    for part in anatomy.parts:
        pools[pool_key(part)].append(part)
    for parts in pools.values():
        parts.sort(key=lambda part: part.expert or 0)
    return dict(pools)


def parts_by_sample(anatomy: Anatomy) -> dict[SampleKey, list[Part]]:
    """Parts by the key of the sample that a fingerprint has of them."""
    return {_sample_key(parts): parts for parts in pool_parts(anatomy).values()}


def _sample_key(parts: Sequence[Part]) -> SampleKey:
    part = parts[0]
    name = _pool_name([one.tensor for one in parts])
    return SampleKey(part.component, part.layer, part.role, part.view.shape, name)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one part gives to its sample."""

    part: Part
    plan: Plan
    raw: NDArray[np.uint8] | None
    dtype: str
    reason: str = ""
    """Why there are no values, as a message key."""
    packing: str = ""
    """How the values are packed in the checkpoint; empty where they are stored as they are."""


def pool(parts: Sequence[Part], pieces: Sequence[Piece], sampler: Sampler, whole: Whole | None = None) -> Sample:
    """One sample of all parts of a pool, from the pieces that were read; experts in the order of their numbers."""
    ordered = sorted(pieces, key=lambda piece: piece.part.expert or 0)
    first = ordered[0]
    part = first.part
    raw, dtype = _stack(ordered)
    return Sample(
        component=part.component,
        layer=part.layer,
        role=part.role,
        axis=part.axis,
        name=_pool_name([part.tensor for part in parts]),
        members=len(parts),
        shape=part.view.shape,
        dtype=dtype,
        rows=np.concatenate([piece.plan.rows for piece in ordered]),
        experts=np.concatenate([np.full(len(piece.plan.rows), piece.part.expert or 0) for piece in ordered]),
        start=first.plan.start,
        stop=first.plan.stop,
        window=sampler.window(part.view.columns),
        raw=raw,
        reason=next((piece.reason for piece in ordered if piece.reason), part.reason),
        packing=first.packing,
        whole=whole,
    )


def _stack(pieces: Sequence[Piece]) -> tuple[NDArray[np.uint8] | None, str]:
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
