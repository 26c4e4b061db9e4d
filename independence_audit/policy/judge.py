"""The opinion: the evidence under a policy's rules, and the sentence and facts that lead the report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from independence_audit.evidence.measurement import ComponentEvidence, Message, Value
from independence_audit.evidence.relation import FOUND, STRENGTH, Relation
from independence_audit.evidence.report import Criterion, Opinion, Outcome, Reference, Severity
from independence_audit.policy.case import Case, Known, case_of, rights_of
from independence_audit.policy.messages import (
    CANNOT_JUDGE,
    NO_TRAJECTORY,
    UNUSABLE,
    UNVERIFIED,
    UNVERIFIED_SUBMISSION,
    WITHOUT_CHECKPOINTS,
)
from independence_audit.policy.model import CriterionRules, Policy, Rule, Scope

FACTS = 3
"""Facts on the first screen."""

CONSIDERABLE = 0.05
"""Share of the parameters above which no component goes untested, whatever it is called. Projectors of published models
hold up to 3.2% (nanoVLM 3.2, SmolVLM-256M 2.8, BLIP-2 2.8, moondream 1.2, LLaVA-1.5 0.3)."""

_UNDECIDED = (Relation.INCONCLUSIVE, Relation.UNINFORMATIVE, Relation.NOT_TESTED)


def judge(
    policy: Policy,
    components: Sequence[ComponentEvidence],
    references: Sequence[Reference],
    known: Known | None = None,
) -> Opinion:
    """What a policy says of the evidence, criterion by criterion.

    Args:
        policy: The rules.
        components: The evidence.
        references: Everything that was asked for, compared or not.
        known: What is known beside the comparison: the declaration, the training, who submitted.
    """
    known = known or Known()
    criteria = tuple(_criteria(policy, components, references, known))
    undecided = undecided_components(policy, components, verified=known.verified)
    changes = _distinct(change.key for criterion in criteria for change in criterion.would_change)
    return Opinion(
        policy=policy.name,
        policy_version=policy.version,
        headline=_headline(policy, criteria, undecided, references),
        facts=tuple(_facts(components)),
        criteria=criteria,
        cannot_judge=tuple(_cannot_judge(known)),
        would_change=tuple(Message(key) for key in changes),
        undecided=tuple(undecided),
    )


def undecided_components(
    policy: Policy, components: Iterable[ComponentEvidence], *, verified: bool = True
) -> list[str]:
    """Names of the components that matter to the policy and could not be tested, not well enough, or not on weights."""
    components = list(components)
    total = sum(component.parameters for component in components)
    return [
        component.name
        for component in components
        if (component.relation in _UNDECIDED or (component.relation not in FOUND and not verified))
        and not (verified and component.kind in policy.optional_kinds and _may_go_untested(component, total))
    ]


def _may_go_untested(component: ComponentEvidence, total: int) -> bool:
    """Whether a connecting part is small, and was looked for by shape and value in all of every reference."""
    looked = component.searches.get("elsewhere")
    return component.parameters <= CONSIDERABLE * total and looked is not None and looked.status == "done"


def worst_severity(opinion: Opinion) -> Severity:
    """The heaviest severity among the criteria that nobody suppresses."""
    order = list(Severity)
    counting = (each for each in opinion.criteria if each.suppression is None or each.suppression.expired)
    return max((criterion.severity for criterion in counting), key=order.index, default=Severity.NONE)


def _criteria(
    policy: Policy, components: Sequence[ComponentEvidence], references: Sequence[Reference], known: Known
) -> Iterator[Criterion]:
    by_name = {reference.name: reference for reference in references}
    words: Mapping[str, str] = {"rights": rights_of(known.declaration).value}
    for rules in policy.criteria:
        if rules.scope == Scope.SUBMISSION:
            yield _of_submission(rules, rules.rule_for(words), verified=known.verified)
            continue
        for component in components:
            if component.kind in rules.kinds:
                case = case_of(component, by_name, known)
                yield _of_component(rules, rules.rule_for(case.words), component, case, verified=known.verified)


def _of_submission(rules: CriterionRules, rule: Rule, *, verified: bool) -> Criterion:
    unproven = rule.outcome == Outcome.MET and not verified
    return Criterion(
        id=rules.id,
        outcome=Outcome.NOT_ASSESSED if unproven else rule.outcome,
        severity=rule.severity,
        message=Message(UNVERIFIED_SUBMISSION if unproven else rule.message),
        quote=rules.quote,
        source=rules.source,
        would_change=tuple(Message(key) for key in _changes(rule, unproven=unproven)),
    )


def _of_component(
    rules: CriterionRules, rule: Rule, component: ComponentEvidence, case: Case, *, verified: bool
) -> Criterion:
    unproven = rule.outcome == Outcome.MET and not verified
    return Criterion(
        id=f"{rules.id}/{component.name}",
        outcome=Outcome.NOT_ASSESSED if unproven else rule.outcome,
        severity=rule.severity,
        message=_sentence(UNVERIFIED if unproven else rule.message, component, case),
        component=component.name,
        quote=rules.quote,
        source=rules.source,
        evidence=component.explanation,
        would_change=tuple(Message(key) for key in _changes(rule, unproven=unproven)),
    )


def _sentence(key: str, component: ComponentEvidence, case: Case) -> Message:
    """A criterion's sentence; that no checkpoints were handed in is said only where none were."""
    data = data_of(component, case)
    if key == NO_TRAJECTORY and case.unusable:
        return Message(UNUSABLE, data | {"unusable": case.unusable})
    return Message(key, data)


def _changes(rule: Rule, *, unproven: bool) -> tuple[str, ...]:
    return ("change.weights", *rule.would_change) if unproven else rule.would_change


def data_of(component: ComponentEvidence, case: Case) -> dict[str, Value]:
    """What the sentence of any criterion of a component may name."""
    return {
        "component": component.name,
        "reference": component.reference,
        "relation": component.relation.value,
        "references": len(component.runners_up),
        "bound": component.detection_bound,
        "reason": component.reason,
        "owner": case.owner or "",
        "licence": case.licence or "",
        "source": (case.declared.source if case.declared else "") or "",
        "structure": case.structure_of or "",
    }


def _cannot_judge(known: Known) -> Iterator[Message]:
    """What is beyond this evidence; whether weights were frozen shows in checkpoints only."""
    if known.training is None or known.training.trajectory is None:
        yield Message(WITHOUT_CHECKPOINTS)
    yield from map(Message, CANNOT_JUDGE)


def _headline(
    policy: Policy, criteria: Sequence[Criterion], undecided: Sequence[str], references: Sequence[Reference]
) -> Message:
    for outcome, severity in ((Outcome.NOT_MET, Severity.NOT_MET), (Outcome.REVIEW, Severity.REVIEW)):
        failed = [each for each in criteria if (each.outcome, each.severity) == (outcome, severity)]
        if failed:
            names = _distinct(
                str(each.message.data["reference"]) for each in failed if each.message.data.get("reference")
            )
            components = _distinct(each.component or each.id for each in failed)
            data = {"components": ", ".join(components), "references": ", ".join(names)}
            return Message(policy.headlines[outcome], data)
    if undecided:
        return Message("headline.inconclusive", {"components": ", ".join(undecided)})
    compared = sum(1 for reference in references if reference.status == "compared")
    return Message("headline.met", {"compared": compared, "total": len(references)})


def _facts(components: Sequence[ComponentEvidence]) -> Iterable[Message]:
    """The first explanation of the components that carry the opinion, and the trap of the norm gains if met."""
    leading = sorted(components, key=lambda c: (c.relation not in FOUND, -STRENGTH[c.relation], -c.parameters))
    facts = [component.explanation[0] for component in leading if component.explanation]
    traps = [message for component in leading for message in component.explanation if message.key == "fact.norm_trap"]
    return [*facts[:FACTS], *traps[:1]][: FACTS + 1] if facts else traps[:1]


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
