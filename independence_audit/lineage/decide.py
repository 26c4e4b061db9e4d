"""From numbers to relations, by one rule: for a tensor, a layer and a component.

A component is *found* to share weights when its Simes p-value over {joint test, tensor tests}, corrected for all
components and references, is at most alpha, and the evidence does not hang on one weak tensor: the joint test holds
with any one role left out, or two roles are significant, or one tensor reaches |z| of at least 8. Equality of weights
beyond chance is found without a test. Where all of this holds with tables and vectors only, the relation is
``token_tables``. Nothing is ``unrelated`` of which a considerable part was not tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from independence_audit.anatomy import Axis, is_router
from independence_audit.evidence.measurement import DisguisedTest, LayerEvidence, Message
from independence_audit.evidence.relation import FOUND, STRENGTH, Relation
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.coverage import untested
from independence_audit.lineage.measure import SHAPE_DIFFERS, Measured
from independence_audit.lineage.pairing import is_surface
from independence_audit.statistics.decision import bonferroni, critical_z, detection_bound, simes
from independence_audit.statistics.joint import JointResult

SINGLE_Z = 8.0
"""|z| at which one tensor alone carries a finding. Measured on real networks: unrelated models reach 3.6 at most."""

ENOUGH_POWER = 0.5
"""A detection bound above this leaves real copies unseen: continued for 1.5 times its training a copy still has
r = 0.75, after 400 steps from its own initialisation 0.67."""

EXACT_VALUES = 1024
"""Equal values of one tensor that are a finding by themselves: no training from another start ends on them."""


LEAN = 0.5
"""r of a weight from which it is alike for more than a common lean of its rows: units of gpt-oss designs lean together
by 0.28, the most of any design measured. Gates of two students of one teacher, both trained, came to z = 7.4 (r = 0.2)
with rows that agree no better than any others."""

ENOUGH_ROWS = 2.0
"""How many times the critical z rows could reach, from which their silence says that no unit is alike. A copy that any
test finds has rows alike by about as much as its joint test, half of which would do."""

SINGLE_FINDING, SHARED_BASIS = "single_finding", "shared_basis"
"""Why something that stands out is no finding, as message keys."""

_UNINFORMATIVE = (Relation.UNINFORMATIVE, Relation.NOT_TESTED)


@dataclass(frozen=True, slots=True)
class Level:
    """The family-wise level and what it is spread over."""

    alpha: float
    tests: int
    """Tests of the whole audit."""
    comparisons: int
    """Component pairs of the whole audit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one component comparison comes to."""

    compared: Comparison
    relation: Relation
    tensors: tuple[Relation, ...]
    """In the order of ``compared.measured``."""
    bounds: tuple[float | None, ...]
    layers: tuple[LayerEvidence, ...]
    p_value: float | None
    """Corrected for all components and references."""
    r: float | None
    detection_bound: float | None
    reason: str | None
    disguised: tuple[DisguisedTest, ...] = ()
    """The tests that found it, where it is a disguised copy."""
    messages: tuple[Message, ...] = ()
    """What else was found of it."""
    control_bound: float | None = None
    """Smallest r at which a planted copy is found, in whatever basis; None where none is, or none was planted."""
    any_basis: bool = False
    """Whether ``detection_bound`` is that one: nothing was to be compared in place."""


def decide(compared: Comparison, level: Level) -> Verdict:
    """Judge one component comparison."""
    level = replace(level, tests=level.tests + compared.looked)
    p_value = _component_p(compared, level)
    found = _found(compared, p_value, level)
    surface = _surface(compared)
    bounds = tuple(_tensor_bound(measured, level) for measured in compared.measured)
    tensors = tuple(
        tensor_relation(measured, bound, level, found=found if table or found != Relation.TOKEN_TABLES else None)
        for measured, bound, table in zip(compared.measured, bounds, surface, strict=True)
    )
    layers = tuple(_layers(compared.measured, tensors))
    bound = _component_bound(compared, bounds, level)
    relation, reason = _relation(compared, found, (layers, tensors), p_value, bound, level)
    return Verdict(
        compared=compared,
        relation=relation,
        tensors=tensors,
        bounds=bounds,
        layers=layers,
        p_value=p_value,
        r=_median(measured.test.r for measured in compared.measured if measured.test and measured.is_matrix),
        detection_bound=bound,
        reason=reason,
    )


def tensor_relation(measured: Measured, bound: float | None, level: Level, *, found: Relation | None) -> Relation:
    """Judge one tensor; ``found`` says what its component was found to share: weights, or tables and vectors alone."""
    if measured.incomparable:
        return Relation.NOT_TESTED
    if measured.reason or measured.test is None:
        return Relation.UNINFORMATIVE
    exact = measured.numbers.identical_fraction == 1.0 or measured.rounding is not None
    if exact and not measured.undone and not measured.differs_elsewhere:
        return Relation.ROUNDED if measured.rounding else Relation.IDENTICAL
    significant = bonferroni(measured.test.p_value, level.tests) <= level.alpha
    if found and (significant or exact):
        return Relation.TRANSFORMED if measured.undone and found == Relation.RELATED else found
    if measured.caveat:
        return Relation.UNINFORMATIVE
    powerful = bound is not None and bound <= ENOUGH_POWER
    return Relation.UNRELATED if powerful and not significant else Relation.INCONCLUSIVE


def _component_p(compared: Comparison, level: Level) -> float | None:
    return _p_of(compared.measured, compared.weakest, compared, level)


def _p_of(measured: Sequence[Measured], joint: JointResult | None, compared: Comparison, level: Level) -> float | None:
    """Simes over tensors and their joint test, corrected for comparisons and choices."""
    p_values = [one.evidence.p_value for one in measured if one.evidence]
    if joint:
        p_values.append(joint.p_value)
    if not p_values:
        return None
    return bonferroni(simes(p_values), level.comparisons * (1 + compared.pair.candidates + compared.looked))


def _surface(compared: Comparison) -> list[bool]:
    """For every tensor whether it may be alike in models that share no weight."""
    layered = compared.layered
    return [is_surface(measured.reference, layered=layered) for measured in compared.measured]


def _weights(compared: Comparison) -> list[Measured]:
    return [one for one, table in zip(compared.measured, _surface(compared), strict=True) if not table]


def _weights_p(compared: Comparison, level: Level) -> float | None:
    """As the component's p-value, over weights alone."""
    return _p_of(_weights(compared), compared.weights, compared, level)


def _found(compared: Comparison, p_value: float | None, level: Level) -> Relation | None:
    """What speaks of the component: ``related`` for its weights, ``token_tables`` for tables and vectors alone.

    A component that is nothing but tables is its tables: equal values are shared weights; alike they may have become.
    """
    if not _is_informative(compared.measured, compared.weakest, p_value, level):
        return None
    weights = _weights(compared)
    if _weights_inform(compared, weights, level) and not _is_basis_alone(compared, weights, level):
        return Relation.RELATED
    if not _tables_inform(compared, level):
        return None
    told = [one for one in compared.measured if one.is_matrix and one.test]
    bare = not any(one.is_matrix for one in weights) and not compared.layered
    return Relation.RELATED if bare and told and all(map(_is_exact, told)) else Relation.TOKEN_TABLES


def _weights_inform(compared: Comparison, weights: Sequence[Measured], level: Level) -> bool:
    """Whether weights are a finding: by themselves, or one of them with tables and vectors for witnesses."""
    p_value = _weights_p(compared, level)
    if _is_informative(weights, compared.weights, p_value, level):
        return True
    return p_value is not None and p_value <= level.alpha and any(_is_significant(one, level) for one in weights)


def _is_basis_alone(compared: Comparison, weights: Sequence[Measured], level: Level) -> bool:
    """Whether weights are alike for no more than a basis that both models have, as students of one teacher do.

    Their rows then lean one way together, but no row is more like its counterpart than like any other; what stands
    along a model's own units (down, fc2, o) is not alike at all. A router's few rows are choices that a student learns:
    one of four experts came to r = 0.73. Said only where rows are enough to have shown a copy.
    """
    rows, critical = compared.rows, critical_z(level.alpha, level.comparisons)
    if rows is None or rows.most < ENOUGH_ROWS * critical or any(map(_is_exact, weights)):
        return False
    alike = [one for one in weights if _is_significant(one, level)]
    own = any(one.reference.axis not in {Axis.RESIDUAL, Axis.HIDDEN} for one in alike)
    drawn = [one for one in alike if not is_router(one.reference.role)]
    return not own and not any(one.test and abs(one.test.r) >= LEAN for one in drawn) and rows.z < critical / 2


def _tables_inform(compared: Comparison, level: Level) -> bool:
    """Whether any table or vector is alike by itself."""
    pairs = zip(compared.measured, _surface(compared), strict=True)
    return any(table and (_is_exact(one) or _is_significant(one, level)) for one, table in pairs)


def _is_informative(
    measured: Sequence[Measured], joint: JointResult | None, p_value: float | None, level: Level
) -> bool:
    """Whether tensors, with their joint test, are a finding."""
    if any(_is_exact(one) for one in measured):
        return True
    if p_value is None or p_value > level.alpha:
        return False
    tested = [one.evidence for one in measured if one.evidence]
    roles = {one.subject.role for one in measured if _is_significant(one, level)}
    together = joint is not None and bonferroni(joint.p_value, level.tests) <= level.alpha
    return together or len(roles) > 1 or any(abs(test.z) >= SINGLE_Z for test in tested)


def _is_significant(measured: Measured, level: Level) -> bool:
    return measured.evidence is not None and bonferroni(measured.evidence.p_value, level.tests) <= level.alpha


def _is_exact(measured: Measured) -> bool:
    if measured.reason or measured.numbers.compared_values < EXACT_VALUES:
        return False
    return measured.numbers.identical_fraction == 1.0 or measured.rounding is not None


def _tensor_bound(measured: Measured, level: Level) -> float | None:
    if measured.evidence is None:
        return None
    return detection_bound(measured.evidence.columns, measured.evidence.effective_rows, level.alpha, level.tests)


def _component_bound(compared: Comparison, bounds: Sequence[float | None], level: Level) -> float | None:
    """The smallest r that any test of the component finds."""
    joint = compared.weakest
    if joint and joint.effective_rows > 0.0:
        bounds = [*bounds, detection_bound(joint.columns, joint.effective_rows, level.alpha, level.tests)]
    return min((bound for bound in bounds if bound is not None), default=None)


def _layers(measured: Sequence[Measured], relations: Sequence[Relation]) -> Iterable[LayerEvidence]:
    by_layer: dict[int | None, list[tuple[Measured, Relation]]] = {}
    for one, relation in zip(measured, relations, strict=True):
        by_layer.setdefault(one.subject.layer, []).append((one, relation))
    for layer, members in sorted(by_layer.items(), key=lambda item: (item[0] is None, item[0] or 0)):
        judged = _deciding(members)
        equal = [one.numbers for one, _ in judged if one.numbers.identical_fraction is not None]
        values = sum(numbers.compared_values for numbers in equal)
        yield LayerEvidence(
            layer=layer,
            relation=_layer_relation(members, judged),
            reference_layer=members[0][0].reference.layer,
            r=_median(one.test.r for one, _ in judged if one.test),
            identical_fraction=sum((n.identical_fraction or 0.0) * n.compared_values for n in equal) / values
            if values
            else None,
        )


def _layer_relation(
    members: Sequence[tuple[Measured, Relation]], judged: Sequence[tuple[Measured, Relation]]
) -> Relation:
    """The weakest relation among those that decide; not equality where an inconclusive matrix has other values."""
    weakest = min((relation for _, relation in judged), key=STRENGTH.__getitem__)
    differs = any(one.is_matrix and relation == Relation.INCONCLUSIVE for one, relation in members)
    return Relation.RELATED if differs and weakest in (Relation.IDENTICAL, Relation.ROUNDED) else weakest


def _deciding(members: Sequence[tuple[Measured, Relation]]) -> Sequence[tuple[Measured, Relation]]:
    """Whose relations decide a layer's: its matrices, else its vectors, the inconclusive ones last."""
    conclusive = [one for one in members if one[1] not in _UNINFORMATIVE and one[1] != Relation.INCONCLUSIVE]
    informative = [one for one in members if one[1] not in _UNINFORMATIVE]
    for choice in (conclusive, informative):
        matrices = [one for one in choice if one[0].is_matrix]
        if matrices or choice:
            return matrices or choice
    return members


def _relation(  # noqa: PLR0913, PLR0917  everything that it rests on
    compared: Comparison,
    found: Relation | None,
    told: tuple[Sequence[LayerEvidence], Sequence[Relation]],
    p_value: float | None,
    bound: float | None,
    level: Level,
) -> tuple[Relation, str | None]:
    """The component's relation, and what keeps it from being told, or the rest of it from being cleared."""
    if found == Relation.RELATED:
        return _strongest(*told), None
    basis = _is_basis_alone(compared, _weights(compared), level)
    if found == Relation.TOKEN_TABLES:  # which explain a lean of weights
        of_weights = None if basis else _weights_p(compared, level)
        return found, _open_relation(compared, of_weights, bound, level)[1]
    relation, reason = _open_relation(compared, p_value, bound, level)
    return relation, SHARED_BASIS if basis and reason == SINGLE_FINDING else reason


def _strongest(layers: Sequence[LayerEvidence], tensors: Sequence[Relation]) -> Relation:
    """The strongest relation that covers at least one whole layer.

    Where only scattered tensors share weights, ``related``, or ``transformed`` where every one of them was moved.
    """
    whole = [layer.relation for layer in layers if layer.layer is not None] or [layer.relation for layer in layers]
    strongest = max(whole, key=STRENGTH.__getitem__)
    if strongest in FOUND:
        return strongest
    shared = {relation for relation in tensors if relation in FOUND}
    return Relation.TRANSFORMED if shared == {Relation.TRANSFORMED} else Relation.RELATED


def _open_relation(
    compared: Comparison, p_value: float | None, bound: float | None, level: Level
) -> tuple[Relation, str | None]:
    """The relation of a component in which nothing was found, and why it is not ``unrelated``."""
    if all(measured.incomparable for measured in compared.measured):
        reasons = {measured.reason for measured in compared.measured} or {"no_counterpart"}
        return Relation.NOT_TESTED, SHAPE_DIFFERS if SHAPE_DIFFERS in reasons else min(reasons)
    if p_value is not None and p_value <= level.alpha:
        return Relation.INCONCLUSIVE, SINGLE_FINDING
    if any(measured.reason == "unreadable" for measured in compared.measured):
        return Relation.INCONCLUSIVE, "unreadable"
    left = untested(compared)
    if left.is_hole:
        return Relation.INCONCLUSIVE, left.reason
    if bound is None or bound > ENOUGH_POWER:
        return Relation.INCONCLUSIVE, "low_power"
    return Relation.UNRELATED, None


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return median(known) if known else None
