"""Which parts share one sample: the experts of a layer and role; everything else stands alone."""

from __future__ import annotations

from collections import defaultdict

from independence_audit.anatomy import Anatomy, Part

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
