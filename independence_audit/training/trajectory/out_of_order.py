"""Checkpoints that do not follow from those before: in another order than their weights, there twice, or drawn anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import Finding
from independence_audit.statistics.laws import Floats
from independence_audit.training.trajectory.checkpoint_scan import Step
from independence_audit.training.trajectory.geometry import Geometry, is_one_chain
from independence_audit.training.trajectory.start import Freshness, Start
from independence_audit.training.trajectory.updates import LINKED, is_broken, median_r

SHORTER = 0.03
"""Share of the way through all checkpoints that another order must save. Training moves on: in the honest runs no other
order is shorter at all; two neighbours exchanged among nine cost 4% to 12%."""
FEWEST = 4
"""Checkpoints from which an order can be told, ..."""
FEWEST_QUESTIONED = 3
"""... and from which one that nobody claims can be doubted."""
NOISE_FOUND = frozenset({"finding.noise_update", "finding.noise_apart"})
UNKNOWN = Start(Freshness.UNCLEAR, 0.0, 0.0)
ORDER_FINDINGS = frozenset({"finding.other_order", "finding.reversed_order"})
"""Findings that say that the weights stand in another order."""


def reordered(steps: Sequence[Step], geometry: Geometry | None, start: Start) -> list[Finding]:
    """The one checkpoint whose removal to another place shortens the way most, where that is more than chance.

    It contradicts where somebody says that this checkpoint stands there. Where a guess put it there, or the names
    suggest an order that its weights follow, it is a remark. A first checkpoint that is an initial draw stays first,
    however far the others are from it.
    """
    if geometry is None:
        return []
    order, anchored = _once(steps, geometry), start.freshness == Freshness.INITIAL
    found = _shortest(geometry, order, anchored=anchored, turned=not all(step.claimed for step in steps))
    if found is None or (len(order) < FEWEST and steps[found.moved].claimed):
        return []
    data: dict[str, Value] = {
        "checkpoint": steps[found.moved].name,
        "after": "-" if found.behind is None else steps[found.behind].name,
        "saved": found.saved,
    }
    by_names = _by_names(steps, order)
    told_by_names = by_names != order and _shortest(geometry, by_names, anchored=True, turned=False) is None
    return [_finding("finding.other_order", data, steps[found.moved], found.saved, claimed=not told_by_names)]


def reversed_way(steps: Sequence[Step], start: Start, end: Start | None) -> list[Finding]:
    """A way of linked checkpoints that ends in an initial draw and begins with trained weights: the wrong way round."""
    if end is None or len(steps) < 2 or end.freshness != Freshness.INITIAL or start.freshness != Freshness.TRAINED:  # noqa: PLR2004
        return []
    names = _by_names(steps, list(range(len(steps))))
    data: dict[str, Value] = {"first": steps[0].name, "last": steps[-1].name, "ratio": end.ratio}
    claimed = names[0] != len(steps) - 1
    return [_finding("finding.reversed_order", data, steps[-1], end.share, claimed=claimed)]


def as_far_as_ordered(
    findings: Sequence[Finding], steps: Sequence[Step], component: str, geometry: Geometry | None
) -> list[Finding]:
    """Findings that depend on an order which the weights do not follow: remarks where nobody claims the places.

    Weights that no chain of links joins to the others are somebody else's in any order; and noise is what a draw adds
    to what was trained from it, so that it may be the order alone, but what trained weights add is noise in any order.
    """
    apart = geometry is None or not is_one_chain(geometry)
    order = list(range(len(steps)))
    claimed = {step.name for step in steps if step.claimed} if _by_names(steps, order) == order else set()
    draws = {step.name for step in steps if step.starts.get(component, UNKNOWN).freshness == Freshness.INITIAL}
    ends = {steps[0].name, steps[-1].name}
    kept = []
    for finding in findings:
        key, named = finding.message.key, set(finding.checkpoints)
        in_any_order = (
            apart if key == "finding.swapped" else key in NOISE_FOUND and finding.checkpoints[-1] not in draws
        )
        if in_any_order or claimed.issuperset(named | (ends if key == "finding.noise_apart" else set())):
            kept.append(finding)
            continue
        alternatives = (Message("alternative.guessed_order"), *finding.alternatives)
        kept.append(replace(finding, contradicts=False, alternatives=alternatives))
    return kept


def _finding(key: str, data: dict[str, Value], step: Step, effect: float, *, claimed: bool) -> Finding:
    """What the weights say of the place of a checkpoint; a contradiction where somebody claims that place."""
    contradicts = claimed and step.claimed
    guessed = () if contradicts else (Message("alternative.guessed_order"),)
    return Finding(
        Message(key, data),
        contradicts=contradicts,
        effect=effect,
        tolerance=SHORTER if key == "finding.other_order" else None,
        checkpoints=(step.name,),
        alternatives=(*guessed, Message("alternative.wrong_step_names"), Message("alternative.rolled_back")),
    )


def _once(steps: Sequence[Step], geometry: Geometry) -> list[int]:
    """Numbers of the checkpoints, without repeated ones: which of two equal ones moved is no question."""
    kept: list[int] = []
    for number in range(len(steps)):
        if all(geometry.distances[number, other] > geometry.rounding for other in kept):
            kept.append(number)
    return kept


def _by_names(steps: Sequence[Step], order: Sequence[int]) -> list[int]:
    """An order of checkpoints as their names suggest it; as it is where they suggest none."""
    ranks = [(steps[number].rank, number) for number in order]
    if any(rank is None for rank, _ in ranks):
        return list(order)
    return [number for _, number in sorted((rank or 0, number) for rank, number in ranks)]


@dataclass(frozen=True, slots=True)
class _Shorter:
    """A shorter way through the same checkpoints."""

    saved: float
    """Share of the way."""
    moved: int
    behind: int | None
    """The checkpoint behind which the moved one comes; None where it comes first."""


def _shortest(geometry: Geometry, order: Sequence[int], *, anchored: bool, turned: bool) -> _Shorter | None:
    """The shortest way that moving one checkpoint gives; None where it does not save enough.

    Args:
        geometry: Distances of the checkpoints.
        order: Their order.
        anchored: Leave the first one where it is.
        turned: Try as well to put the first ones as they are behind the last one.
    """
    if len(order) < FEWEST_QUESTIONED:
        return None
    length = _length(geometry.distances, order)
    if length <= geometry.rounding * len(order):
        return None
    ways = list(_moves(geometry.distances, order, length, anchored=anchored))
    if turned and not anchored:
        closing = float(geometry.distances[order[-1], order[0]])
        longest = max(float(geometry.distances[pair]) for pair in pairwise(order))
        ways.append(_Shorter((longest - closing) / length, order[0], order[-1]))
    best = max(ways, key=lambda way: way.saved)
    return best if best.saved > SHORTER else None


def _moves(distances: Floats, order: Sequence[int], length: float, *, anchored: bool) -> Iterator[_Shorter]:
    """What moving each checkpoint to each other place saves, each in a few sums."""
    for at in range(int(anchored), len(order)):
        rest = [*order[:at], *order[at + 1 :]]
        shorter = _length(distances, rest)
        for place in range(int(anchored), len(order)):
            if place == at:
                continue
            before = rest[place - 1] if place else None
            after = rest[place] if place < len(rest) else None
            longer = sum(float(distances[order[at], each]) for each in (before, after) if each is not None)
            if before is not None and after is not None:
                longer -= float(distances[before, after])
            yield _Shorter((length - shorter - longer) / length, order[at], before)


def _length(distances: Floats, order: Sequence[int]) -> float:
    return float(sum(distances[a, b] for a, b in pairwise(order)))


def duplicates(steps: Sequence[Step]) -> list[Finding]:
    """Checkpoints of all components whose sampled values are identical throughout.

    Two that follow each other at the end, or of one step, are usual: a last checkpoint is often saved twice. Whether
    two are of different steps, a guess does not tell.
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
                contradicts=not (saved_twice or one.guessed or other.guessed),
                effect=1.0,
                tolerance=1.0,
                checkpoints=(one.name, other.name),
                alternatives=(Message("alternative.saved_twice"), Message("alternative.no_learning_rate")),
            )
        )
    return found


def breaks(steps: Sequence[Step], component: str) -> list[tuple[int, Finding]]:
    """Where a component breaks with the checkpoint before, and whether it was drawn anew or swapped."""
    found = []
    for number, step in enumerate(steps[1:], 1):
        own = step.of(component)
        if not is_broken(own):
            continue
        start = step.starts.get(component, Start(Freshness.UNCLEAR, 0.0, 0.0))
        anew = start.freshness == Freshness.INITIAL
        r = median_r(own, "previous_r")
        data = {"checkpoint": step.name, "before": steps[number - 1].name, "r": r, "ratio": start.ratio}
        gap = Message("alternative.long_gap")
        finding = Finding(
            Message("finding.drawn_anew" if anew else "finding.swapped", data),
            contradicts=not anew,
            effect=r,
            tolerance=LINKED,
            checkpoints=(steps[number - 1].name, step.name),
            alternatives=(Message("alternative.new_part"),) if anew else (gap, Message("alternative.warm_start")),
        )
        found.append((number, finding))
    return found
