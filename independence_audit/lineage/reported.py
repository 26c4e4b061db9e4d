"""Rankings as evidence: what the report says of every component and tensor."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from independence_audit.evidence.measurement import (
    ComponentEvidence,
    Control,
    DisguisedTest,
    Message,
    RunnerUp,
    SearchOutcome,
    TensorEvidence,
    UnitTest,
    Value,
)
from independence_audit.evidence.relation import FOUND, NAMED, Relation
from independence_audit.fingerprint import Fingerprint, Sample, SampleKey
from independence_audit.lineage.changes import changes, layer_map_of
from independence_audit.lineage.controls import DRAWS
from independence_audit.lineage.coverage import NO_MODEL, empty_share
from independence_audit.lineage.decide import ENOUGH_POWER, SINGLE_FINDING, Verdict
from independence_audit.lineage.disguised import is_empirical_sign
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import Outcome, Reason, SearchName, Status
from independence_audit.lineage.rank import Ranking
from independence_audit.lineage.shared_training import shared_of

_NORM_COSINE = 0.9
"""Raw cosine of a norm gain from which the report explains that it says nothing."""

_DISGUISED = {
    UnitTest.UP_SIGN: "fact.disguised_up_sign",
    UnitTest.ORDER: "fact.disguised_order",
    UnitTest.DESCRIPTORS: "fact.disguised_descriptors",
    UnitTest.AGREEMENT: "fact.disguised_agreement",
    UnitTest.DESCRIPTOR_AGREEMENT: "fact.disguised_descriptor_agreement",
    UnitTest.SIGNS_TOGETHER: "fact.disguised_signs_together",
    UnitTest.GATES_ALIKE: "fact.disguised_gates_alike",
    UnitTest.DOWNS_ALIKE: "fact.disguised_downs_alike",
    UnitTest.ATTENTION_ALIKE: "fact.disguised_attention_alike",
}
"""How the report words what each test found; of signs without a p-value in words of their own."""

_EMPIRICAL = "_empirical"


def tensor_evidence(subject: Fingerprint, ranking: Ranking) -> list[TensorEvidence]:
    """Every sample of a component against its counterpart in the nearest reference, in file order."""
    best = ranking.best
    measured = dict(_measured_tensors(best)) if best else {}
    reason = "no_counterpart" if best else _unmet_reason(ranking)
    pieces = _pieces(best) if best else {}
    return [
        each
        for sample in subject.samples
        if sample.component == ranking.component.name
        for each in (
            [measured[sample.key]] if sample.key in measured else _in_pieces(sample, pieces.get(sample.key, ()), reason)
        )
    ]


def component_evidence(
    ranking: Ranking,
    tensors: Sequence[TensorEvidence],
    ancestors: Mapping[str, Sequence[str]],
    repeated: Sequence[Message] = (),
) -> ComponentEvidence:
    """A component's strongest relation and everything that stands behind it.

    Args:
        ranking: What every comparison of the component came to.
        tensors: The evidence of its tensors.
        ancestors: By reference, the models it descends from by its owner's account.
        repeated: What repeats inside the component itself.
    """
    component, best = ranking.component, ranking.best
    shares = relation_shares(tensors)
    relation = ranking.relation
    named = relation in NAMED
    evidence = ComponentEvidence(
        name=component.name,
        kind=component.kind.value,
        family=component.family,
        parameters=component.parameters,
        relation=relation,
        relations=shares,
        reference=best.compared.reference if best and named else None,
        reference_component=best.compared.pair.reference.name if best and named else None,
        reference_kind=best.compared.pair.reference.kind.value if best and named else None,
        p_value=best.p_value if best else None,
        r=best.r if best else None,
        joint_z=best.compared.weakest.z if best and best.compared.weakest else None,
        detection_bound=best.detection_bound if best else None,
        layers=best.layers if best else (),
        layer_map={str(layer): there for layer, there in layer_map_of(best).items()}
        if best and relation in FOUND
        else {},
        runners_up=tuple(_comparison(verdict) for verdict in ranking.verdicts[1 if named else 0 :]),
        searches=_searches(ranking),
        changes=changes(ranking.verdicts),
        repeated=tuple(repeated),
        disguised=best.disguised if best else (),
        shared=next(filter(None, map(shared_of, best.messages)), None) if best else None,
        reason=ranking.reason if best else _unmet_reason(ranking),
    )
    explanation = (
        *_explain(evidence, tensors),
        *_beside(evidence, tensors),
        *_uncleared(ranking),
        *_no_model(ranking),
        *_shared_ancestry(evidence, ancestors),
        *(best.messages if best else ()),
    )
    return replace(evidence, explanation=explanation)


def _unmet_reason(ranking: Ranking) -> str:
    """Why a component that met no reference's was not compared: whether it was looked for by shape and value."""
    searches = ranking.elsewhere.values()
    if not searches or any(search.unread for search in searches):
        return "no_reference_of_kind"
    return "nothing_alike" if any(search.shaped for search in searches) else "no_such_shapes"


def relation_shares(tensors: Iterable[TensorEvidence]) -> dict[Relation, float]:
    """Share of the parameters under each relation, the strongest first; sums to 1."""
    parameters: Counter[Relation] = Counter()
    for tensor in tensors:
        parameters[tensor.relation] += tensor.parameters
    total = sum(parameters.values())
    return {relation: parameters[relation] / total for relation in Relation if parameters[relation]}


def _pieces(verdict: Verdict) -> Mapping[SampleKey, list[TensorEvidence]]:
    """What was found inside of tensors, by the samples that stand for these."""
    found: dict[SampleKey, list[TensorEvidence]] = defaultdict(list)
    for measured, relation, bound in zip(verdict.compared.measured, verdict.tensors, verdict.bounds, strict=True):
        if measured.piece_of is not None:
            found[measured.piece_of.key].append(_tensor(verdict.compared.reference, measured, relation, bound))
    return found


def _in_pieces(sample: Sample, pieces: Sequence[TensorEvidence], reason: str) -> list[TensorEvidence]:
    """A tensor that was compared in pieces, and what is left of it."""
    rest = sample.parameters - sum(piece.parameters for piece in pieces)
    bare = _bare(sample, Relation.NOT_TESTED, reason)
    return [*pieces, *([replace(bare, parameters=rest)] if rest > 0 or not pieces else [])]


def _measured_tensors(verdict: Verdict) -> Iterator[tuple[SampleKey, TensorEvidence]]:
    for measured, relation, bound in zip(verdict.compared.measured, verdict.tensors, verdict.bounds, strict=True):
        yield measured.subject.key, _tensor(verdict.compared.reference, measured, relation, bound)


def _bare(sample: Sample, relation: Relation, reason: str | None) -> TensorEvidence:
    return TensorEvidence(
        name=sample.name,
        members=sample.members,
        component=sample.component,
        layer=sample.layer,
        role=sample.role,
        axis=sample.axis.value,
        shape=sample.shape,
        parameters=sample.parameters,
        relation=relation,
        reason=reason,
    )


def _tensor(reference: str, measured: Measured, relation: Relation, bound: float | None) -> TensorEvidence:
    numbers = measured.numbers
    test = None if relation == Relation.UNINFORMATIVE else measured.test  # under a doubtful null z means nothing
    return replace(
        _bare(measured.subject, relation, _reason(measured, relation, bound)),
        reference=reference,
        reference_tensor=measured.reference.name,
        cosine=numbers.cosine,
        pearson=numbers.pearson,
        r=test.r if test else None,
        z=test.z if test else None,
        p_value=test.p_value if test else None,
        detection_bound=bound,
        effective_rows=test.effective_rows if test else None,
        jump=test.jump if test else None,
        identical_fraction=numbers.identical_fraction,
        max_abs_diff=numbers.max_abs_diff,
        compared_values=numbers.compared_values,
        non_finite=numbers.non_finite,
        rounding=measured.rounding if relation == Relation.ROUNDED else None,
    )


def _reason(measured: Measured, relation: Relation, bound: float | None) -> str | None:
    if measured.reason:
        return measured.reason
    if relation == Relation.UNINFORMATIVE and measured.caveat:
        return measured.caveat
    if relation == Relation.INCONCLUSIVE:
        powerful = bound is not None and bound <= ENOUGH_POWER
        return measured.undone or (SINGLE_FINDING if powerful else "low_power")
    if relation in (Relation.TRANSFORMED, Relation.TOKEN_TABLES):
        return measured.undone or None
    only_there = relation == Relation.RELATED and measured.numbers.identical_fraction == 1.0
    return "equal_in_sample" if only_there and measured.differs_elsewhere else None


def _searches(ranking: Ranking) -> Mapping[str, SearchOutcome]:
    """By name, what became of each search: done where it was made beside every reference that has to clear."""
    elsewhere: dict[str, SearchOutcome] = {SearchName.ELSEWHERE: _elsewhere_search(ranking)}
    if not ranking.verdicts:
        none = SearchOutcome(Status.NOT_POSSIBLE, Reason.NO_REFERENCE_OF_KIND)
        return {SearchName.MOVED: none, SearchName.DISGUISED: none, **elsewhere}
    tried = [verdict.compared.tried for verdict in ranking.asked or ranking.verdicts]
    made = [one for one in tried if SearchName.DISGUISED in one]
    if not made:
        found = SearchOutcome(Status.NOT_NEEDED, Reason.FOUND_IN_PLACE)
        return {SearchName.MOVED: _moved(ranking), SearchName.DISGUISED: found, **elsewhere}
    in_place = (name for name in SearchName if name != SearchName.ELSEWHERE)
    return {name: _worst([one[name].outcome for one in made if name in one]) for name in in_place} | elsewhere


def _moved(ranking: Ranking) -> SearchOutcome:
    """The search for moved copies where something was found: it is made beforehand."""
    tried = [verdict.compared.tried for verdict in ranking.verdicts]
    outcomes = [one[SearchName.MOVED].outcome for one in tried if SearchName.MOVED in one]
    if not outcomes:
        return SearchOutcome(Status.NOT_NEEDED, Reason.FOUND_IN_PLACE)
    done = any(outcome.status == Status.DONE for outcome in outcomes)
    return SearchOutcome(Status.DONE) if done else SearchOutcome(Status.NOT_POSSIBLE, Reason.NO_LAYERS)


def _worst(outcomes: Sequence[Outcome]) -> SearchOutcome:
    """A search beside several references: not possible beside one is not possible."""
    order = (Status.NOT_POSSIBLE, Status.DONE, Status.NOT_APPLICABLE)
    worst = min(outcomes, key=lambda one: order.index(one.status), default=Outcome(Status.NOT_APPLICABLE))
    return SearchOutcome(worst.status.value, worst.reason or None)


def _elsewhere_search(ranking: Ranking) -> SearchOutcome:
    """Whether the component was looked for in all of every reference; a reason where that left a part of it out.

    Where no reference has anything of its shapes the search is done: there is nothing to compare it with.
    """
    if not ranking.elsewhere:
        return SearchOutcome(Status.NOT_NEEDED, Reason.FOUND_IN_PLACE)
    outcomes = [search.outcome for search in ranking.elsewhere.values()]
    left_out = [one.reason for one in outcomes if one.status == Status.NOT_POSSIBLE]
    if left_out:
        return SearchOutcome(Status.NOT_POSSIBLE, left_out[0])
    partly = [one.reason for one in outcomes if one.reason]
    return SearchOutcome(Status.DONE, partly[0] if partly else None)


def _comparison(verdict: Verdict) -> RunnerUp:
    return RunnerUp(
        reference=verdict.compared.reference,
        reference_component=verdict.compared.pair.reference.name,
        relation=verdict.relation,
        p_value=verdict.p_value,
        r=verdict.r,
        joint_z=verdict.compared.weakest.z if verdict.compared.weakest else None,
        detection_bound=verdict.detection_bound,
        reason=verdict.reason,
        control=_control(verdict),
        any_basis=verdict.any_basis,
    )


def _control(verdict: Verdict) -> Control | None:
    """What the search for units would have found beside one reference, at the bound of the audit's level."""
    search = verdict.compared.tried.get(SearchName.DISGUISED)
    if search is None or search.controls is None:
        return None
    held = search.controls
    return Control(verdict.control_bound, DRAWS, held.points, held.z, held.negative_z)


def _explain(component: ComponentEvidence, tensors: Sequence[TensorEvidence]) -> Iterator[Message]:
    """What the evidence for a component's relation is, as messages."""
    data = {"component": component.name, "reference": component.reference}
    compared = [tensor for tensor in tensors if tensor.identical_fraction is not None]
    values = sum(tensor.compared_values for tensor in compared if tensor.relation == component.relation)
    match component.relation:
        case Relation.IDENTICAL:
            yield Message("fact.identical", {**data, "fraction": _unchanged(compared), "values": values})
        case Relation.ROUNDED:
            names = sorted({tensor.rounding for tensor in compared if tensor.rounding})
            yield Message("fact.rounded", {**data, "rounding": ", ".join(names), "values": values})
        case Relation.TRANSFORMED if component.disguised:
            strongest = {test.test: test for test in reversed(component.disguised)}
            for test in reversed(strongest.values()):
                key = _DISGUISED[test.test] + (_EMPIRICAL if is_empirical_sign(test) else "")
                yield Message(key, {**data, **_test_data(test)})
        case Relation.RELATED | Relation.TRANSFORMED:
            yield Message("fact.related", {**data, "r": component.r, "p": component.p_value})
        case Relation.TOKEN_TABLES:
            yield _tables(component, compared)
        case Relation.UNRELATED:
            yield from _unrelated(component)
        case Relation.INCONCLUSIVE:
            yield Message("fact.inconclusive", {**data, "reason": component.reason})
        case _:
            yield Message("fact.not_tested", {**data, "reason": component.reason})


def _unrelated(component: ComponentEvidence) -> Iterator[Message]:
    """What would have been found beside every reference: in the same basis, or, where no shapes fit, in any."""
    for any_basis in (False, True):
        told = [other for other in component.runners_up if other.any_basis == any_basis]
        bounds = [other.detection_bound for other in told if other.detection_bound is not None]
        if told:
            bound = max(bounds, default=None)
            data: dict[str, Value] = {"component": component.name, "references": len(told), "bound": bound}
            yield Message("fact.unrelated_any_basis" if any_basis else "fact.unrelated", data)


def _beside(component: ComponentEvidence, tensors: Sequence[TensorEvidence]) -> Iterator[Message]:
    """What is to be said beside a component's relation: what is unchanged in it, and the trap of the norm gains."""
    unchanged = component.relations.get(Relation.IDENTICAL, 0.0)
    if component.relation == Relation.RELATED and unchanged > 0.0:
        data = {"component": component.name, "reference": component.reference, "unchanged": unchanged}
        yield Message("fact.mixed", data)
    if component.relation not in NAMED:
        yield from _norm_caveat(component.name, tensors)


def _tables(component: ComponentEvidence, compared: Sequence[TensorEvidence]) -> Message:
    """That tables alone are alike; with how many values are equal where some tables are equal in all."""
    data: dict[str, Value] = {"component": component.name, "reference": component.reference}
    equal = [tensor for tensor in compared if tensor.relation in (Relation.IDENTICAL, Relation.ROUNDED)]
    if equal:
        values = sum(tensor.compared_values for tensor in equal)
        return Message("fact.token_tables_equal", {**data, "tensors": len(equal), "values": values})
    alike = [tensor for tensor in compared if tensor.relation == Relation.TOKEN_TABLES]
    strongest = max((abs(tensor.r) for tensor in alike if tensor.r is not None), default=None)
    return Message("fact.token_tables", {**data, "tensors": len(alike), "r": strongest, "p": component.p_value})


def _uncleared(ranking: Ranking) -> Iterator[Message]:
    """Which references leave a component open, and why: one sentence for each reason, the most frequent first."""
    open_ones = [verdict for verdict in ranking.uncleared if verdict.reason]
    if ranking.relation in FOUND or (len(ranking.verdicts) == 1 and ranking.relation != Relation.TOKEN_TABLES):
        return
    by_reason: dict[str, list[str]] = {}
    for verdict in open_ones:
        by_reason.setdefault(verdict.reason or "", []).append(verdict.compared.reference)
    for reason, references in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        data: dict[str, Value] = {
            "component": ranking.component.name,
            "reference": references[0],
            "count": len(references),
            "total": len(ranking.verdicts),
            "reason": reason,
        }
        yield Message("fact.not_cleared", data)


def _no_model(ranking: Ranking) -> Iterator[Message]:
    """That a component's weights say nothing, where most of them do not."""
    if ranking.best is None:
        return
    pair = ranking.best.compared.pair
    share = empty_share((*(mine for mine, _ in pair.pairs), *pair.unmatched), ranking.component.parameters)
    if share >= NO_MODEL:
        yield Message("fact.no_trained_model", {"component": ranking.component.name, "share": share})


def _test_data(test: DisguisedTest) -> dict[str, Value]:
    return {
        "layer": test.layer,
        "reference_layer": test.reference_layer,
        "units": test.units,
        "found": test.count,
        "z": test.z,
        "p": test.p_value,
    }


def _shared_ancestry(component: ComponentEvidence, ancestors: Mapping[str, Sequence[str]]) -> Iterator[Message]:
    """Other references that share weights as well because one descends from the other: one finding, not two."""
    nearest = component.reference
    for other in component.runners_up:
        if nearest is None or other.relation not in FOUND:
            continue
        if other.reference in ancestors.get(nearest, ()) or nearest in ancestors.get(other.reference, ()):
            data = {"component": component.name, "reference": nearest, "other": other.reference, "r": other.r}
            yield Message("fact.shared_ancestry", data)


def _unchanged(tensors: Iterable[TensorEvidence]) -> float | None:
    """Share of the compared values that are equal, over the tensors that say anything."""
    told = [tensor for tensor in tensors if tensor.relation != Relation.UNINFORMATIVE]
    values = sum(tensor.compared_values for tensor in told)
    return sum((t.identical_fraction or 0.0) * t.compared_values for t in told) / values if values else None


def _norm_caveat(component: str, tensors: Iterable[TensorEvidence]) -> Iterator[Message]:
    """The warning that norm gains are near one in every model, with the figures of this comparison."""
    alike = [
        tensor
        for tensor in tensors
        if tensor.role.endswith("norm") and tensor.cosine is not None and tensor.cosine >= _NORM_COSINE
    ]
    r_values = [abs(tensor.pearson) for tensor in alike if tensor.pearson is not None]
    if alike and r_values:
        cosines = sorted(tensor.cosine or 0.0 for tensor in alike)
        data = {"cosine": cosines[len(cosines) // 2], "r": sorted(r_values)[len(r_values) // 2], "tensors": len(alike)}
        yield Message("fact.norm_trap", {"component": component, **data})
