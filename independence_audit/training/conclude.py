"""From what was measured along a trajectory to one graded conclusion for each component."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import (
    ComponentTraining,
    Conclusion,
    Finding,
    Order,
    ReferencePoint,
    ReplayEvidence,
    TrainingEvidence,
    TrajectoryEvidence,
    TrajectoryPoint,
)
from independence_audit.training.initialisers import ANY
from independence_audit.training.trajectory.checkpoint_scan import Scanned, Step, components
from independence_audit.training.trajectory.forgery import blended, combined, made_from_the_end, noise
from independence_audit.training.trajectory.frozen import MOSTLY, Frozen, frozen_parts
from independence_audit.training.trajectory.geometry import geometry_of
from independence_audit.training.trajectory.out_of_order import (
    ORDER_FINDINGS,
    as_far_as_ordered,
    breaks,
    duplicates,
    reordered,
    reversed_way,
)
from independence_audit.training.trajectory.start import FEWEST_VALUES, Freshness, Start
from independence_audit.training.trajectory.steps import wide_gaps
from independence_audit.training.trajectory.updates import LINKED, is_broken, median_r
from independence_audit.training.untouched import SHOWN

FEWEST = 3
"""Checkpoints from which a way can look like training at all."""
UNKNOWN = Start(Freshness.UNCLEAR, 0.0, 0.0)
STARTS_ELSEWHERE = frozenset({"finding.swapped", "finding.step0_trained", "finding.shares_training"})
"""Contradictions that say where the weights come from; the others say that the checkpoints are not what they seem."""

SHARED_TRAINING = 0.4
"""Correlation of an update with a reference, relative to that of the weights as they are, from which a reference that
shares the initial draw shares training as well. Same-seed pairs of real networks 0.06 to 0.15, copies near 1."""

Points = Mapping[tuple[str, str], Sequence[ReferencePoint]]
"""By checkpoint and component."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that was found in one component."""

    findings: list[Finding] = field(default_factory=list)
    limits: list[Message] = field(default_factory=list)
    evidence: list[Message] = field(default_factory=list)
    redrawn: bool = False
    """Whether the first checkpoint is another initial draw than the declared one, which stands before it."""

    @property
    def contradictions(self) -> set[str]:
        """Keys of the findings that contradict training from an initial draw."""
        return {finding.message.key for finding in self.findings if finding.contradicts}

    @property
    def order_in_question(self) -> bool:
        """Whether the weights stand in another order where nobody says for sure in which they should."""
        return any(finding.message.key in ORDER_FINDINGS and not finding.contradicts for finding in self.findings)


def trajectory_evidence(
    scanned: Scanned,
    initialiser: str = ANY,
    references: Points | None = None,
    replay: ReplayEvidence | None = None,
    order: Order | None = None,
) -> TrainingEvidence:
    """One conclusion for each component of a trajectory, with the tables that it rests on.

    Args:
        scanned: What was measured at each checkpoint.
        initialiser: What step 0 was held against, by name.
        references: What every checkpoint and component came to against the references.
        replay: What a declared draw came to against step 0, or nothing where it stands before the first checkpoint.
        order: Who says in which order the checkpoints stand.
    """
    references = references or {}
    frozen = frozen_parts(scanned.steps)
    doubled = duplicates(scanned.steps)
    skipped = sum(seen.status != "read" for seen in scanned.seen)
    redrawn = _drawn_otherwise(scanned) if replay is not None and not replay.checkpoint else set[str]()
    trainings = []
    for component in components(scanned.steps):
        judged = Judged(limits=_limits(scanned, skipped), redrawn=component in redrawn)
        judged.findings.extend(doubled)
        if replay is not None and judged.redrawn:
            judged.findings.append(_other_draw(replay, scanned.steps[1], component))
        elif replay is not None:
            judged.evidence.extend(_replay_grounds(replay))
            judged.findings.extend(_replay_findings(replay))
        trainings.append(_component(scanned, component, frozen.get(component, Frozen((), 0.0)), judged, references))
    points = tuple(_points(scanned.steps, references))
    return TrainingEvidence(tuple(trainings), TrajectoryEvidence(scanned.seen, points, initialiser, order), replay)


def _component(
    scanned: Scanned, component: str, frozen: Frozen, judged: Judged, references: Points
) -> ComponentTraining:
    steps = [step for step in scanned.steps if step.of(component)]
    geometry = geometry_of([step.of(component) for step in steps])
    start = steps[0].starts.get(component, UNKNOWN)
    broken = breaks(steps, component)
    combinations = combined(steps, geometry)
    judged.findings.extend(frozen.findings)
    moved = reordered(steps, geometry, start) or reversed_way(steps, start, scanned.ends.get(component))
    doubts = [finding for finding in moved if not finding.contradicts]
    by_order = [
        *(finding for number, finding in broken if not (judged.redrawn and number == 1)),
        *combinations,
        *blended(steps, component, {number for number, _ in broken}),
        *noise(steps, component, {number for number, _ in broken}),
        *made_from_the_end(steps[0], steps[-1], start.freshness, scanned.carried.get(component)),
    ]
    judged.findings.extend(as_far_as_ordered(by_order, steps, component, geometry) if doubts else by_order)
    if doubts or not (combinations or broken):
        judged.findings.extend(moved)
    judged.findings.extend(_start_findings(steps[0], start))
    judged.findings.extend(_reference_findings(steps, component, start, references))
    renewed = [number for number, finding in broken if not finding.contradicts]
    if renewed:
        start = steps[renewed[-1]].starts.get(component, UNKNOWN)
    chain = steps[renewed[-1] :] if renewed else steps
    conclusion = _conclusion(chain, component, start, frozen, judged)
    if conclusion == Conclusion.NO_EVIDENCE and judged.order_in_question and not judged.contradictions:
        judged.limits.append(Message("limit.order_doubted"))
    if conclusion == Conclusion.INITIALISED_AND_TRAINED and any(seen.status != "read" for seen in scanned.seen):
        conclusion = Conclusion.CONSISTENT_WITH_SCRATCH
        judged.limits.append(Message("limit.lowered"))
    judged.evidence.extend(_grounds(chain, component, start))
    return ComponentTraining(
        component, conclusion, tuple(judged.evidence), tuple(judged.limits), tuple(judged.findings)
    )


def _conclusion(chain: Sequence[Step], component: str, start: Start, frozen: Frozen, judged: Judged) -> Conclusion:
    contradictions = judged.contradictions
    if frozen.share >= MOSTLY:
        return Conclusion.UNTRAINED if start.freshness == Freshness.INITIAL else Conclusion.FROZEN_DURING_TRAINING
    elsewhere = contradictions & STARTS_ELSEWHERE
    if elsewhere and not (elsewhere == {"finding.shares_training"} and start.freshness == Freshness.INITIAL):
        return Conclusion.STARTS_FROM_TRAINED_WEIGHTS
    if contradictions or judged.order_in_question or not _changed(chain, component) or not _tells(chain[0], component):
        return Conclusion.NO_EVIDENCE
    if start.freshness == Freshness.INITIAL and not start.undeclared:
        return Conclusion.INITIALISED_AND_TRAINED
    return Conclusion.CONSISTENT_WITH_SCRATCH if len(chain) >= FEWEST else Conclusion.NO_EVIDENCE


def _tells(first: Step, component: str) -> bool:
    """Whether a component has matrices enough for its way to say anything."""
    return sum(tensor.values for tensor in first.of(component) if tensor.is_matrix) >= FEWEST_VALUES


def _changed(chain: Sequence[Step], component: str) -> bool:
    """Whether training changed most of a component's matrices at all."""
    last = [tensor for step in chain[1:] for tensor in step.of(component) if tensor.identical is not None]
    return any(tensor.identical != 1.0 for tensor in last)


def _start_findings(first: Step, start: Start) -> list[Finding]:
    found = [_undeclared(first, start)] if start.undeclared else []
    if start.freshness == Freshness.TRAINED and first.step == 0:
        found.append(_step0_trained(first, start))
    return found


def _undeclared(first: Step, start: Start) -> Finding:
    roles = ", ".join(start.undeclared[:5])
    data: dict[str, Value] = {"checkpoint": first.name, "roles": roles, "count": len(start.undeclared)}
    return Finding(
        Message("finding.undeclared_draw", data),
        checkpoints=(first.name,),
        alternatives=(Message("alternative.wrong_declaration"),),
    )


def _step0_trained(first: Step, start: Start) -> Finding:
    data: dict[str, Value] = {"checkpoint": first.name, "share": start.share, "ratio": start.ratio}
    return Finding(
        Message("finding.step0_trained", data),
        contradicts=not first.guessed,
        effect=start.ratio,
        tolerance=1.0,
        checkpoints=(first.name,),
        alternatives=(
            *((Message("alternative.guessed_step"),) if first.guessed else ()),
            Message("alternative.warm_start"),
            Message("alternative.unknown_initialiser"),
        ),
    )


def _reference_findings(steps: Sequence[Step], component: str, start: Start, references: Points) -> list[Finding]:
    """References met on the weights as they are, and on what training added."""
    draws = {point.reference for point in references.get((steps[0].name, component), ()) if point.related}
    if start.freshness != Freshness.INITIAL:
        draws = set()
    found: dict[tuple[str, str], tuple[Step, ReferencePoint]] = {}
    for step in steps:
        for point in references.get((step.name, component), ()):
            key = _meeting(point, first=step is steps[0], shared_draw=point.reference in draws)
            if key:
                found.setdefault((point.reference, key), (step, point))
    return [
        Finding(
            Message(key, {"checkpoint": step.name, "reference": name, "r": point.r, "update_r": point.update_r}),
            contradicts=key == "finding.shares_training",
            effect=point.update_r if point.update_r is not None else point.r,
            checkpoints=(step.name,),
            alternatives=(Message("alternative.declared_ancestor"),)
            if key == "finding.shares_training"
            else (Message("alternative.popular_seed"),),
        )
        for (name, key), (step, point) in found.items()
    ]


def _replay_grounds(replay: ReplayEvidence) -> list[Message]:
    data: dict[str, Value] = {"seed": replay.seed, "generator": replay.generator, "versions": replay.versions}
    if not replay.checkpoint:
        return [Message("grounds.drawn", data)]
    if not replay.drawn:
        return []
    counts: dict[str, Value] = {"checkpoint": replay.checkpoint, "identical": replay.identical, "of": replay.tensors}
    return [Message("grounds.replayed", data | counts)]


def _replay_findings(replay: ReplayEvidence) -> list[Finding]:
    """What of step 0 the declared draw does not give: all of it is refused, a part is told."""
    if not replay.different:
        return []
    known = [each.correlation for each in replay.different if each.correlation is not None]
    refused = not known or abs(median(known)) < LINKED
    data: dict[str, Value] = {
        "checkpoint": replay.checkpoint,
        "seed": replay.seed,
        "different": len(replay.different),
        "of": replay.tensors,
        "r": median(known) if known else None,
    }
    key = "finding.replay_refused" if refused else "finding.replay_differs"
    names = [each.name for each in replay.different]
    contradicts = refused and replay.drawn < len(replay.different)
    return [_unlike(key, data, names, replay.tensors, contradicts=contradicts)]


def _unlike(key: str, data: dict[str, Value], tensors: Sequence[str], of: int, *, contradicts: bool) -> Finding:
    """What of a checkpoint the declared draw does not give."""
    return Finding(
        Message(key, data),
        contradicts=contradicts,
        effect=len(tensors) / max(1, of),
        tolerance=0.0,
        tensors=tuple(tensors[:SHOWN]),
        checkpoints=(str(data["checkpoint"]),),
        alternatives=(Message("alternative.other_versions"), Message("alternative.other_generator")),
    )


def _drawn_otherwise(scanned: Scanned) -> set[str]:
    """Components of which the first checkpoint holds another initial draw than the one that was put before it.

    A name says nothing here: weights that no training has touched, and that share nothing with the declared draw, did
    not grow from it, whatever their step. Empty where most matrices are linked: a part may be drawn on its own.
    """
    if len(scanned.steps) < 2 or scanned.seen[0].status != "read":  # noqa: PLR2004  the draw and a checkpoint
        return set()
    draw, first = scanned.steps[:2]
    other = {
        name
        for name in components([draw])
        if is_broken(first.of(name)) and first.starts.get(name, UNKNOWN).freshness == Freshness.INITIAL
    }
    matrices = [tensor.place[0] in other for tensor in first.tensors if tensor.is_matrix]
    return other if 2 * sum(matrices) > len(matrices) else set()


def _other_draw(replay: ReplayEvidence, first: Step, component: str) -> Finding:
    """The declared draw is refused by an initial draw that shares nothing with it."""
    own = [tensor for tensor in first.of(component) if tensor.identical is not None]
    different = [tensor.place[3] for tensor in own if tensor.identical != 1.0]
    data: dict[str, Value] = {
        "checkpoint": first.name,
        "seed": replay.seed,
        "different": len(different),
        "of": len(own),
        "r": median_r(own, "previous_r"),
    }
    return _unlike("finding.replay_refused", data, different, len(own), contradicts=True)


def _meeting(point: ReferencePoint, *, first: bool, shared_draw: bool) -> str:
    """The key of what meeting a reference comes to; empty where it comes to nothing."""
    if not shared_draw:
        return "finding.shares_training" if point.related or point.related_update else ""
    if first:
        return "finding.shares_draw"
    mostly = (point.update_r or 0.0) >= SHARED_TRAINING * abs(point.r or 1.0)
    return "finding.shares_training" if point.related_update and mostly else ""


def _grounds(chain: Sequence[Step], component: str, start: Start) -> list[Message]:
    links = [r for step in chain[1:] if (r := median_r(step.of(component), "previous_r")) is not None]
    grounds = []
    if start.freshness == Freshness.INITIAL:
        data: dict[str, Value] = {"checkpoint": chain[0].name, "share": start.share, "ratio": start.ratio}
        grounds.append(Message("grounds.initial", data))
    if links and min(links) >= LINKED:
        last = median_r(chain[-1].of(component), "first_r")
        grounds.append(Message("grounds.linked", {"weakest": min(links), "checkpoints": len(chain), "last": last}))
    return grounds


def _limits(scanned: Scanned, skipped: int) -> list[Message]:
    limits = [Message("limit.sampled"), Message("limit.handed_in")]
    if skipped:
        limits.append(Message("limit.skipped", {"count": skipped, "of": len(scanned.seen)}))
    steps = [step.step for step in scanned.steps if step.step is not None]
    limits += [Message("limit.gap", {"first": first, "last": last}) for first, last in wide_gaps(steps)]
    return limits


def _points(steps: Sequence[Step], references: Points) -> list[TrajectoryPoint]:
    return [
        _point(step, component, tuple(references.get((step.name, component), ())))
        for component in components(steps)
        for step in steps
        if step.of(component)
    ]


def _point(step: Step, component: str, references: tuple[ReferencePoint, ...]) -> TrajectoryPoint:
    own = step.of(component)
    inner = [tensor for tensor in own if tensor.is_inner] or [tensor for tensor in own if tensor.is_matrix]
    changes = [tensor.change / tensor.weight for tensor in inner if tensor.change is not None and tensor.weight > 0.0]
    products = [tensor.cosine for tensor in inner if tensor.cosine is not None]
    lengths = math.fsum(length for _, length in products)
    known = [tensor for tensor in own if tensor.identical is not None]
    values = sum(tensor.values for tensor in known)
    return TrajectoryPoint(
        checkpoint=step.name,
        step=step.step,
        component=component,
        first_r=median_r(own, "first_r"),
        previous_r=median_r(own, "previous_r"),
        relative_update=median(changes) if changes else None,
        update_cosine=math.fsum(product for product, _ in products) / lengths if lengths > 0.0 else None,
        identical_fraction=sum((t.identical or 0.0) * t.values for t in known) / values if values else None,
        references=references,
    )
