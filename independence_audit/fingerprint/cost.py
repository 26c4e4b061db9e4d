"""What making a fingerprint takes, before anything but headers is read, and how many units fit beside its sample."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import DTYPES, Checkpoint
from independence_audit.checkpoint.sources.range_requests import LARGEST, plan_blocks
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.fingerprint.fingerprint_file import file_size
from independence_audit.fingerprint.pools import Piece, PoolKey, pool, pool_key, pool_parts
from independence_audit.fingerprint.sampler import SIZES, Sampler
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.units.unit_cost import UnitCost
from independence_audit.fingerprint.units.unit_reading import UnitPlan, unit_plan
from independence_audit.fingerprint.value_reading import Wanted, batches, wanted
from independence_audit.fingerprint.whole_tensor import SIDE, Whole


@dataclass(frozen=True, slots=True)
class Cost:
    """What making a fingerprint takes; headers, which have been read already, are not counted."""

    wanted_bytes: int
    """Bytes of sampled values, or of all files."""
    read_bytes: int
    """Bytes that a far source delivers for them: ranges that lie close to each other are read in one piece."""
    requests: int
    """Range requests of a far source."""
    file_size: int
    """Bytes of the fingerprint's file, to within a few hundred."""
    at_most: bool = False
    """Whether there is a vocabulary that was not read: anchors were counted at their most."""


def cost_of(  # noqa: PLR0913  one parameter a setting
    checkpoint: Checkpoint,
    anatomy: Anatomy,
    sampler: Sampler,
    *,
    everything: bool = False,
    units: UnitPlan | None = None,
    vocabulary: Mapping[str, int] | None = None,
) -> Cost:
    """What fingerprinting a checkpoint takes.

    Args:
        checkpoint: An opened one; it may be closed by now.
        anatomy: Its tensors in their places.
        sampler: What would be read.
        everything: Whether all bytes would be read, for digests and sketches beside the sample.
        units: How much is kept of its layers' units; None for nothing, the sample alone.
        vocabulary: Numbers of tokens where they have been read; without them anchors are counted at their most.
    """
    wanted_bytes = read_bytes = requests = 0
    pools = pool_parts(anatomy)
    pieces: dict[PoolKey, list[Piece]] = defaultdict(list)
    for batch in batches(wanted(checkpoint, anatomy, sampler)):
        blocks = plan_blocks((start, stop - start) for one in batch for start, stop in one.ranges)
        requests += len(blocks)
        read_bytes += sum(block.stop - block.start for block in blocks)
        wanted_bytes += sum(one.size for one in batch)
        for one in batch:
            pieces[pool_key(one.part)].append(_blank(one))
    if everything:
        wanted_bytes = read_bytes = sum(checkpoint.files.values())
        requests += sum(-(-size // LARGEST) for size in checkpoint.files.values())
    kept = UnitCost(checkpoint, anatomy, units, vocabulary) if units else None
    if kept:
        wanted_bytes += kept.wanted_bytes
        read_bytes += kept.read_bytes
        requests += kept.requests
    sketch = Whole("0" * 64, "0" * 64, 1 << 40, 0, 1.0, np.zeros((SIDE, SIDE), np.float32)) if everything else None
    blank = Fingerprint(
        name=checkpoint.name,
        sampler=sampler.name,
        components=anatomy.components,
        samples=tuple(pool(pools[key], read, sampler, sketch) for key, read in pieces.items()),
        files=tuple(FileEvidence(name, size, "0" * 64, "sample") for name, size in checkpoint.files.items()),
        parameters=sum(tensor.size for tensor in checkpoint.tensors.values()),
        read_bytes=read_bytes,
        metadata=dict(checkpoint.metadata),
        units=kept.units if kept else (),
    )
    at_most = units is not None and vocabulary is None and bool(checkpoint.vocabulary)
    return Cost(wanted_bytes, read_bytes, requests, file_size(blank), at_most)


def _blank(one: Wanted) -> Piece:
    """A piece of the right size without values."""
    if one.spans is None:
        return Piece(one.part, one.plan, None, one.tensor.dtype, "undecodable")
    item = np.zeros(1, np.uint8)
    shape = (*one.spans.places.shape, DTYPES[one.tensor.dtype].bits // 8)
    return Piece(one.part, one.plan, np.broadcast_to(item, shape), one.tensor.dtype)


MB = 10**6


@dataclass(frozen=True, slots=True)
class Budget:
    """Most that making and keeping a fingerprint takes."""

    file_size: int
    """Bytes of its file."""
    wanted_bytes: int
    """Bytes of values that are read of weights far away; what lies on this machine costs no connection."""
    requests: int
    """Range requests, likewise."""

    def allows(self, cost: Cost, *, near: bool) -> bool:
        """Whether a fingerprint stays within it."""
        within = cost.wanted_bytes <= self.wanted_bytes and cost.requests <= self.requests
        return cost.file_size <= self.file_size and (near or within)


DEFAULT = Budget(file_size=60 * MB, wanted_bytes=60 * MB, requests=5000)
SMALL = Budget(file_size=6 * MB, wanted_bytes=60 * MB, requests=5000)
"""To be shipped: dozens of them fit into a package."""


def budget_of(sampler: Sampler) -> Budget:
    """The budget of a sampler's size."""
    return SMALL if sampler.columns <= SIZES["small"].columns else DEFAULT


def plan_within(checkpoint: Checkpoint, anatomy: Anatomy, sampler: Sampler, search_layers: int | None) -> UnitPlan:
    """As many units as fit: fewer layers whole, then none and fewer of which a few units are kept.

    Told from headers alone, so that the same weights give the same fingerprint wherever they are read from far away.
    Layers that were asked for are kept whatever they take.

    Args:
        checkpoint: An opened one; it may be closed by now.
        anatomy: Its tensors in their places.
        sampler: What is sampled beside the units.
        search_layers: Layers whose units are all kept; None for as many as is usual and fits.
    """
    plan = unit_plan(checkpoint.source, sampler, search_layers)
    if search_layers is not None:
        return plan
    budget, near = budget_of(sampler), checkpoint.source.near

    def fits(candidate: UnitPlan) -> bool:
        return budget.allows(cost_of(checkpoint, anatomy, sampler, units=candidate), near=near)

    for whole in range(plan.search_layers, -1, -1):
        candidate = replace(plan, search_layers=whole)
        if fits(candidate):
            return candidate
    fewer = [replace(plan, search_layers=0, sampled_layers=count) for count in range(_layers(anatomy) + 1)]
    return fewer[_most(fits, fewer)]


def _layers(anatomy: Anatomy) -> int:
    return len({(part.component, part.layer) for part in anatomy.parts if part.layer is not None})


def _most(fits: Callable[[UnitPlan], bool], plans: list[UnitPlan]) -> int:
    """Number of the last plan that fits, each taking more than the one before; the first where none does."""
    return max(0, bisect_right(plans, 0, key=lambda plan: 0 if fits(plan) else 1) - 1)
