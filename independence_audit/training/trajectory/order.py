"""Checkpoints that stand in another order than their weights, and checkpoints that are there twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training import Finding
from independence_audit.statistics.laws import Floats
from independence_audit.training.trajectory.geometry import Geometry
from independence_audit.training.trajectory.walk import Step

SHORTER = 0.03
"""Share of the way through all checkpoints that another order must save. Training moves on: in the honest runs no other
order is shorter at all; two neighbours exchanged among nine cost 4% to 12%."""
FEWEST = 4
"""Checkpoints from which an order can be told."""


def reordered(steps: Sequence[Step], geometry: Geometry | None) -> list[Finding]:
    """The one checkpoint whose removal to another place shortens the way most, where that is more than chance."""
    if geometry is None or len(steps) < FEWEST:
        return []
    order = list(range(len(steps)))
    length = _length(geometry.distances, order)
    if length <= geometry.rounding * len(steps):
        return []
    saved, moved, place = max(_moves(geometry.distances, order, length))
    if saved / length <= SHORTER:
        return []
    others = [number for number in order if number != moved]
    before = steps[others[place - 1]].name if place else ""
    data: dict[str, Value] = {"checkpoint": steps[moved].name, "after": before or "-", "saved": saved / length}
    return [
        Finding(
            Message("finding.other_order", data),
            contradicts=True,
            effect=saved / length,
            tolerance=SHORTER,
            checkpoints=(steps[moved].name,),
            alternatives=(Message("alternative.wrong_step_names"), Message("alternative.rolled_back")),
        )
    ]


def _moves(distances: Floats, order: Sequence[int], length: float) -> Iterator[tuple[float, int, int]]:
    """What moving each checkpoint to each other place saves."""
    for moved in order:
        rest = [number for number in order if number != moved]
        for place in range(len(order)):
            if place != moved:
                yield length - _length(distances, [*rest[:place], moved, *rest[place:]]), moved, place


def _length(distances: Floats, order: Sequence[int]) -> float:
    return float(sum(distances[a, b] for a, b in pairwise(order)))


def duplicates(steps: Sequence[Step]) -> list[Finding]:
    """Checkpoints of all components whose sampled values are identical throughout.

    Two that follow each other at the end, or of one step, are usual: a last checkpoint is often saved twice.
    """
    digests = [tuple((tensor.place, tensor.digest) for tensor in step.tensors) for step in steps]
    found = []
    for first, second in combinations(range(len(steps)), 2):
        if digests[first] != digests[second] or not digests[first]:
            continue
        one, other = steps[first], steps[second]
        saved_twice = one.step == other.step or None in {one.step, other.step} or second == first + 1 == len(steps) - 1
        data: dict[str, Value] = {"first": one.name, "second": other.name}
        found.append(
            Finding(
                Message("finding.duplicate", data),
                contradicts=not saved_twice,
                effect=1.0,
                tolerance=1.0,
                checkpoints=(one.name, other.name),
                alternatives=(Message("alternative.saved_twice"), Message("alternative.no_learning_rate")),
            )
        )
    return found
