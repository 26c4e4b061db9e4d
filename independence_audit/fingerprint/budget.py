"""What a fingerprint may take, and how many units fit beside its sample."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.cost import Cost, cost_of
from independence_audit.fingerprint.sampler import SIZES, Sampler
from independence_audit.fingerprint.units.read import UnitPlan, unit_plan

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
