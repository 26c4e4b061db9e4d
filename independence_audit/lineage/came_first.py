"""Which of two models that share weights came first: said with its ground, or as open.

Weights carry no dates. The subject is made by whoever hands it in, who may know every reference: nothing that can be
put into a subject says that it came first. Noise below the steps of a type makes a reference look like the subject
rounded, and a subject can be calculated so that a reference is its merge with a third model. Such grounds are named,
and it is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from independence_audit.evidence.measurement import CameFirst, Direction, Ground, Message, Side, Value
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.measure import Measured, common_rows
from independence_audit.lineage.merges import merged_first
from independence_audit.statistics.quantised import quantisation
from independence_audit.statistics.rounding import full_one

MOST = 0.9
"""Share of the matrices that differ which must be one side's, rounded. Of a model that was trained on from dequantised
weights some matrices change by less than half a level, and look rounded: 205 of 272 of one."""

MOST_MATRICES = 96
"""Matrices that are looked at, from all over a component."""


def came_first(verdicts: Sequence[Verdict], *, verified_training: bool) -> CameFirst | None:
    """State which of a component and its nearest reference came first; None where they share no weights.

    Args:
        verdicts: Every comparison of the component, the nearest reference first.
        verified_training: Whether submitted checkpoints lead from a verified initial draw to the component.
    """
    if not verdicts or verdicts[0].relation not in FOUND:
        return None
    nearest = verdicts[0]
    grounds = [] if nearest.relation == Relation.IDENTICAL else list(_of_weights(verdicts))
    if verified_training:
        grounds.append(Direction(Ground.TRAJECTORY, Side.SUBJECT))
    sides = {each.first for each in grounds}
    first = Side.REFERENCE if sides == {Side.REFERENCE} else None
    return CameFirst(first, tuple(grounds), Message(_key(nearest, grounds), _data(nearest, grounds)))


def _of_weights(verdicts: Sequence[Verdict]) -> Iterator[Direction]:
    """What the weights themselves point to."""
    side = _rounded(verdicts[0])
    if side is not None:
        yield Direction(Ground.ROUNDING, side)
    for merged in merged_first(verdicts):
        yield Direction(Ground.MERGE, merged)


_OPEN = {
    Ground.ROUNDING: "came_first.open_rounding",
    Ground.MERGE: "came_first.open_merge",
    Ground.TRAJECTORY: "came_first.open_trajectory",
}
_STATED = {Ground.ROUNDING: "came_first.rounding", Ground.MERGE: "came_first.merge"}


def _key(nearest: Verdict, grounds: Sequence[Direction]) -> str:
    """The sentence that states it: with the first ground, which is the strongest."""
    if not grounds:
        return "came_first.open_equal" if nearest.relation == Relation.IDENTICAL else "came_first.open"
    if len({each.first for each in grounds}) > 1:
        return "came_first.conflict"
    ground, first = grounds[0].ground, grounds[0].first
    return _STATED[ground] if first == Side.REFERENCE else _OPEN[ground]


def _data(nearest: Verdict, grounds: Sequence[Direction]) -> dict[str, Value]:
    """What the sentence names; of a conflict the first ground on either side."""
    key = nearest.compared.key
    data: dict[str, Value] = {"component": key.component, "reference": key.reference}
    by_side = {each.first: each.ground.value for each in reversed(grounds)}
    if len(by_side) > 1:
        data |= {"for_reference": by_side[Side.REFERENCE], "for_subject": by_side[Side.SUBJECT]}
    return data


def _rounded(verdict: Verdict) -> Side | None:
    """The side whose values are the full ones of a rounding that explains nearly all that differs; None without one."""
    matrices = zip(verdict.compared.measured, verdict.tensors, strict=True)
    differing = [
        one
        for one, relation in matrices
        if relation in FOUND and one.is_matrix and one.numbers.identical_fraction != 1.0
    ]
    sides = [_full_side(one) for one in differing[:: max(1, -(-len(differing) // MOST_MATRICES))]]
    told = [side for side in sides if side is not None]
    return told[0] if told and len(set(told)) == 1 and len(told) >= MOST * len(sides) else None


def _full_side(measured: Measured) -> Side | None:
    """Which side of a pair of matrices the other is a rounding of; None where both may be."""
    if measured.rounding is None or measured.piece_of is not None:  # a piece stands for the values it was measured on
        return None
    mine, theirs = common_rows(measured.subject, measured.reference)
    first, second = measured.subject.values()[mine], measured.reference.values()[theirs]
    cast = full_one(first.ravel(), second.ravel(), measured.rounding)
    if cast is not None:
        return (Side.SUBJECT, Side.REFERENCE)[cast]
    subject, reference = measured.subject, measured.reference
    return _only(
        (
            (Side.REFERENCE, quantisation(first, second, subject.start, packing=subject.packing)),
            (Side.SUBJECT, quantisation(second, first, reference.start, packing=reference.packing)),
        )
    )


def _only(ways: Iterable[tuple[Side, str | None]]) -> Side | None:
    """The one side that a quantiser's rounding leads from."""
    sides = [side for side, name in ways if name is not None]
    return sides[0] if len(sides) == 1 else None
