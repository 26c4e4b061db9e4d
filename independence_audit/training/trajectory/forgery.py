"""Checkpoints that no training made: combinations of two others, blends of two models, a finished model with noise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from statistics import median

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import Finding
from independence_audit.statistics.laws import Dependence
from independence_audit.training.trajectory.checkpoint_scan import Step
from independence_audit.training.trajectory.ends import Between
from independence_audit.training.trajectory.geometry import Geometry, off_the_plane
from independence_audit.training.trajectory.start import CARRIED, Freshness
from independence_audit.training.trajectory.updates import ENOUGH, NOISE, TensorStep, pooled

COMBINED = 0.05
"""Distance from the plane of two others, relative to the nearer of them, below which a checkpoint is a combination of
them. Honest runs: 0.39 and more for weights, 0.158 and more for moving averages; rounding of a combination in
bfloat16 leaves less than 0.02 where the two are far enough apart."""
APART = 20.0
"""Times the rounding error that two checkpoints must be apart for this."""
ENOUGH_PAIRS = 200
"""Pairs of rows from which the dependence is known: its deviation is then 0.1 at most."""
MOST = 0.5
"""Share of the component's inner matrices that must show a measurable change."""

HOLDS = 0.3
"""Correlation with the first checkpoint from which a checkpoint holds enough of it."""
UNEVEN = 0.5
"""Share of what is kept of the rest, below which the first checkpoint's part is forgotten unevenly, ..."""
KEPT = 0.4
"""... where the rest is kept at least so much, ..."""
EXCESS = 0.27
"""... and correlations are so far above those of independent changes. Of a stationary walk whose draw decays, whose
noise is renewed and a share s of which is settled for good, the checkpoint at which the draw is halved has
(s/4) / (1/4 + s/4 + 3/4 (1 - s)): 0.17 for s = 0.5, 0.27 for s = 0.7. In 25 honest runs, seven with a decay that leaves
next to nothing of the draw, no checkpoint has all three; where two hold, the excess is 0.14 at most. Blends that end
with another model reach 0.30 to 0.43 (``python -m benchmarks.trajectory``)."""


def combined(steps: Sequence[Step], geometry: Geometry | None) -> list[Finding]:
    """Checkpoints that are combinations of one before and one after them."""
    if geometry is None:
        return []
    found = []
    for number in range(1, len(steps) - 1):
        for pair in _pairs(number, len(steps)):
            near = min(geometry.distances[number, other] for other in pair)
            if near <= APART * geometry.rounding:
                continue
            off = off_the_plane(geometry.points, number, pair) / near
            if off <= COMBINED:
                found.append(_combination(steps, number, pair, off))
                break
    return found


def _pairs(number: int, count: int) -> Iterator[tuple[int, int]]:
    yield from dict.fromkeys(((0, count - 1), (number - 1, number + 1), (0, number + 1), (number - 1, count - 1)))


def _combination(steps: Sequence[Step], number: int, pair: tuple[int, int], off: float) -> Finding:
    names = [steps[each].name for each in (number, *pair)]
    return Finding(
        Message("finding.combination", {"checkpoint": names[0], "first": names[1], "second": names[2], "off": off}),
        contradicts=True,
        effect=off,
        tolerance=COMBINED,
        checkpoints=tuple(names),
        alternatives=(Message("alternative.averaged"),),
    )


def blended(steps: Sequence[Step], component: str, broken: Collection[int]) -> list[Finding]:
    """The checkpoint that shows best that one model was blended into another; none where the component breaks.

    Args:
        steps: The checkpoints.
        component: Which component is looked at.
        broken: Numbers of checkpoints that share nothing with the one before.
    """
    if broken:
        return []
    seen = [(step, between) for step in steps[1:-1] if (between := _between(step, component))]
    seen = [
        (step, each)
        for step, each in seen
        if each.draw >= HOLDS
        and each.rest_kept >= KEPT
        and each.draw_kept <= UNEVEN * each.rest_kept
        and each.excess >= EXCESS
    ]
    if not seen:
        return []
    step, clearest = max(seen, key=lambda one: one[1].excess)
    data: dict[str, Value] = {
        "checkpoint": step.name,
        "first": steps[0].name,
        "last": steps[-1].name,
        "draw": clearest.draw_kept,
        "rest": clearest.rest_kept,
        "excess": clearest.excess,
    }
    return [
        Finding(
            Message("finding.blended", data),
            contradicts=True,
            effect=clearest.excess,
            tolerance=EXCESS,
            checkpoints=(steps[0].name, step.name, steps[-1].name),
            alternatives=(
                Message("alternative.averaged"),
                Message("alternative.selective_decay"),
                Message("alternative.settled_early"),
            ),
        )
    ]


def _between(step: Step, component: str) -> Between | None:
    """Medians over a component's inner matrices; None where there is none."""
    own = [tensor for tensor in step.of(component) if tensor.between is not None]
    inner = [tensor.between for tensor in own if tensor.is_inner] or [tensor.between for tensor in own]
    known = [each for each in inner if each is not None]
    if not known or sum(tensor.values for tensor in own) < ENOUGH:
        return None
    return Between(
        draw=median(each.draw for each in known),
        draw_kept=median(each.draw_kept for each in known),
        rest_kept=median(each.rest_kept for each in known),
        excess=median(each.excess for each in known),
    )


def noise(steps: Sequence[Step], component: str, broken: Collection[int]) -> list[Finding]:
    """Checkpoints whose difference to the one before, or to all combinations of the first and the last, is noise.

    Args:
        steps: The checkpoints.
        component: Which component is looked at.
        broken: Numbers of checkpoints that share nothing with the one before: the difference of two draws is noise.
    """
    found = []
    for number, step in enumerate(steps[1:], 1):
        if number in broken:
            continue
        inner = [tensor for tensor in step.of(component) if tensor.is_inner]
        inner = inner or [tensor for tensor in step.of(component) if tensor.is_matrix]
        update = _measured([(tensor, tensor.dependence) for tensor in inner])
        rest = (
            _measured([(tensor, tensor.apart) for tensor in inner]) if number < len(steps) - 1 and not broken else None
        )
        for key, dependence in (("finding.noise_update", update), ("finding.noise_apart", rest)):
            if dependence is not None and dependence.ratio <= NOISE:
                data: dict[str, Value] = {
                    "checkpoint": step.name,
                    "before": steps[number - 1].name,
                    "ratio": dependence.ratio,
                }
                found.append(
                    Finding(
                        Message(key, data),
                        contradicts=True,
                        effect=dependence.ratio,
                        tolerance=NOISE,
                        checkpoints=(steps[number - 1].name, step.name),
                        alternatives=(Message("alternative.noise_on_purpose"),),
                    )
                )
                break
    return found


def _measured(changes: Sequence[tuple[TensorStep, Dependence]]) -> Dependence | None:
    """Dependence of a component's changes; None where too little of it is more than rounding."""
    seen = [(tensor, each) for tensor, each in changes if each.pairs]
    whole = sum(tensor.parameters for tensor, _ in changes)
    dependence = pooled(each for _, each in seen)
    if sum(tensor.parameters for tensor, _ in seen) < MOST * whole or dependence.pairs < ENOUGH_PAIRS:
        return None
    return dependence


def made_from_the_end(first: Step, last: Step, freshness: Freshness, carried: float | None) -> list[Finding]:
    """A first checkpoint that already has the directions that training built: trained weights with noise."""
    if carried is None or carried < CARRIED or freshness == Freshness.TRAINED:
        return []
    data: dict[str, Value] = {"checkpoint": first.name, "last": last.name, "share": carried}
    return [
        Finding(
            Message("finding.made_from_the_end", data),
            contradicts=True,
            effect=carried,
            tolerance=CARRIED,
            checkpoints=(first.name, last.name),
            alternatives=(Message("alternative.grown"),),
        )
    ]
