"""The opinion: the evidence under a policy's rules, and the sentence and facts that lead the report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from independence_audit.evidence.audit_report import Criterion, Opinion, Outcome, Reference, Severity, gravest
from independence_audit.evidence.measurement import ComponentEvidence, Message, Value
from independence_audit.evidence.relation import FOUND, NAMED, STRENGTH, Relation
from independence_audit.policy.case import Case, Known, case_of, judged_as, kind_of, rights_of
from independence_audit.policy.criteria import CriterionRules, Lead, Policy, Rule, Scope
from independence_audit.policy.messages import (
    CANNOT_JUDGE,
    INCOMPLETE,
    NO_TRAJECTORY,
    NONE_FOUND,
    NONE_FOUND_ANY_BASIS,
    UNDECIDED,
    UNUSABLE,
    UNVERIFIED,
    UNVERIFIED_FOUND,
    UNVERIFIED_SUBMISSION,
    WITHOUT_CHECKPOINTS,
)

FACTS = 3
"""Components of which the first screen says in full what was found."""
NORM_CAVEAT = "fact.norm_trap"
SHARED = ("fact.shared_training", "fact.shared_draw", "fact.shared_unresolved")
NOT_AVAILABLE = "not_available"
REFERENCE = "change.reference"
"""Where a policy asks for references: those that could not be had, or others where none could be compared."""
_PASSED = (Outcome.MET, Outcome.NOTHING_AGAINST)

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
    judged = list(_judged(policy, components, references, known))
    criteria = tuple(criterion for criterion, _ in judged)
    open_ = {criterion.component for criterion, rule in judged if rule.undecided}
    undecided = undecided_components(policy, components, verified=known.verified, open_=open_)
    changes = [change for criterion in criteria for change in criterion.would_change]
    return Opinion(
        policy=policy.name,
        policy_version=policy.version,
        headline=_headline(policy, components, criteria, undecided, references, known),
        facts=tuple(_facts(components)),
        criteria=criteria,
        cannot_judge=tuple(_cannot_judge(known)),
        would_change=tuple(change for place, change in enumerate(changes) if change not in changes[:place]),
        undecided=tuple(undecided),
    )


def undecided_components(
    policy: Policy,
    components: Iterable[ComponentEvidence],
    *,
    verified: bool = True,
    open_: Collection[str | None] = (),
) -> list[str]:
    """Names of the components that matter to the policy and could not be tested, not well enough, or not on weights.

    Args:
        policy: The rules, which say what may go untested.
        components: The evidence.
        verified: Whether it is that of weights, not of a fingerprint that was submitted.
        open_: Components that a rule calls undecided.
    """
    components = list(components)
    total = sum(component.parameters for component in components)
    return [
        component.name
        for component in components
        if component.name in open_
        or _is_open(component)
        or (
            (component.relation in _UNDECIDED or (component.relation not in FOUND and not verified))
            and not (verified and kind_of(component) in policy.optional_kinds and _may_go_untested(component, total))
        )
    ]


def _may_go_untested(component: ComponentEvidence, total: int) -> bool:
    """Whether a connecting part is small, and was looked for by shape and value in all of every reference."""
    looked = component.searches.get("elsewhere")
    return component.parameters <= CONSIDERABLE * total and looked is not None and looked.status == "done"


def _is_open(component: ComponentEvidence) -> bool:
    """Whether it remains open what a component has beside tables that are alike."""
    return component.relation == Relation.TOKEN_TABLES and component.reason is not None


def worst_severity(opinion: Opinion) -> Severity:
    """The heaviest severity among the criteria that nobody suppresses."""
    order = list(Severity)
    counting = (each for each in opinion.criteria if each.suppression is None or each.suppression.expired)
    return max((criterion.severity for criterion in counting), key=order.index, default=Severity.NONE)


def _judged(
    policy: Policy, components: Sequence[ComponentEvidence], references: Sequence[Reference], known: Known
) -> Iterator[tuple[Criterion, Rule]]:
    """Every criterion with the rule that its case meets."""
    by_name = {reference.name: reference for reference in references}
    words: Mapping[str, str] = {"rights": rights_of(known.declaration).value}
    missing = sum(reference.status == NOT_AVAILABLE for reference in references)
    for rules in policy.criteria:
        if rules.scope == Scope.SUBMISSION:
            rule = rules.rule_for(words)
            yield _of_submission(rules, rule, missing, verified=known.verified), rule
            continue
        for component in components:
            kind = judged_as(component, rules.kinds)
            if kind is not None:
                case = case_of(component, kind, by_name, known)
                rule = rules.rule_for(case.words)
                yield _of_component(rules, rule, component, case, missing, verified=known.verified), rule


def _of_submission(rules: CriterionRules, rule: Rule, missing: int, *, verified: bool) -> Criterion:
    unproven = rule.outcome in _PASSED and not verified
    return Criterion(
        id=rules.id,
        outcome=Outcome.MATERIAL_MISSING if unproven else rule.outcome,
        severity=rule.severity,
        message=Message(UNVERIFIED_SUBMISSION if unproven else rule.message),
        quote=rules.quote,
        source=rules.source,
        would_change=tuple(_changes(rule, missing, unproven=unproven)),
    )


def _of_component(  # noqa: PLR0913  what a criterion is made of
    rules: CriterionRules, rule: Rule, component: ComponentEvidence, case: Case, missing: int, *, verified: bool
) -> Criterion:
    unproven = rule.outcome in _PASSED and not verified
    without_weights = UNVERIFIED_FOUND if component.relation in NAMED else UNVERIFIED
    return Criterion(
        id=f"{rules.id}/{component.name}",
        outcome=Outcome.MATERIAL_MISSING if unproven else rule.outcome,
        severity=rule.severity,
        message=_sentence(without_weights if unproven else rule.message, component, case),
        component=component.name,
        quote=rules.quote,
        source=rules.source,
        evidence=component.explanation,
        would_change=tuple(_changes(rule, missing, unproven=unproven)),
    )


def _sentence(key: str, component: ComponentEvidence, case: Case) -> Message:
    """A criterion's sentence; that no checkpoints were submitted is said only where none were."""
    data = data_of(component, case)
    if key == NO_TRAJECTORY and case.unusable:
        return Message(UNUSABLE, data | {"unusable": case.unusable})
    weakest = component.weakest_bound
    if key == NONE_FOUND and weakest is not None and weakest.any_basis:
        return Message(NONE_FOUND_ANY_BASIS, data)
    return Message(key, data)


def _changes(rule: Rule, missing: int, *, unproven: bool) -> Iterator[Message]:
    """What would change an outcome; references that could not be had are spoken of only where there are some."""
    if unproven:
        yield Message("change.weights")
    for key in rule.would_change:
        if key != REFERENCE:
            yield Message(key)
        elif missing:
            yield Message("change.missing_references", {"missing": missing})
        else:
            yield Message("change.more_references")


def data_of(component: ComponentEvidence, case: Case) -> dict[str, Value]:
    """What the sentence of any criterion of a component may name."""
    weakest = component.weakest_bound
    return {
        "component": component.name,
        "reference": component.reference,
        "relation": component.relation.value,
        "references": len(component.runners_up),
        "bound": weakest.detection_bound if weakest and weakest.any_basis else component.detection_bound,
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


def _headline(  # noqa: PLR0913, PLR0917  everything that a headline can speak of
    policy: Policy,
    components: Sequence[ComponentEvidence],
    criteria: Sequence[Criterion],
    undecided: Sequence[str],
    references: Sequence[Reference],
    known: Known,
) -> Message:
    compared = sum(1 for reference in references if reference.status == "compared")
    counted: dict[str, Value] = {"compared": compared, "total": len(references)}
    for outcome, lead in ((Outcome.NOT_MET, Lead.NOT_MET), (Outcome.REVIEW, Lead.REVIEW)):
        failed = [each for each in criteria if each.outcome == outcome and each.severity != Severity.REMARK]
        if failed:
            names = _distinct(
                str(each.message.data["reference"]) for each in failed if each.message.data.get("reference")
            )
            concerned = _distinct(each.component or each.id for each in failed)
            data: dict[str, Value] = {"components": ", ".join(concerned), "references": ", ".join(names)}
            return Message(policy.headlines[lead], data | counted)
    if undecided:
        return Message(UNDECIDED, {"components": ", ".join(undecided), **counted})
    if known.incomplete:
        return Message(INCOMPLETE, counted)
    named = _distinct(component.reference or "" for component in components if component.relation in NAMED)
    lead = Lead.MET if gravest(criteria) == Outcome.MET else Lead.ALLOWED if named else Lead.CLEAN
    return Message(policy.headlines[lead], {**counted, "references": ", ".join(named)})


def _facts(components: Sequence[ComponentEvidence]) -> Iterable[Message]:
    """What carries the opinion.

    The first explanation of the leading components, each with whether training is shared, and the trap of the norm
    gains where somebody could fall into it.
    """
    leading = sorted(components, key=lambda c: (c.relation not in NAMED, -STRENGTH[c.relation], -c.parameters))
    told = [component for component in leading if component.explanation][:FACTS]
    facts = [message for component in told for message in (component.explanation[0], *_shared(component))]
    caveats = [message for component in leading for message in component.explanation if message.key == NORM_CAVEAT]
    return [*facts, *(caveat for caveat in caveats[:1] if caveat not in facts)]


def _shared(component: ComponentEvidence) -> Iterator[Message]:
    """What is said of shared training, where that could be told."""
    for message in component.explanation[1:]:
        if message.key in SHARED:
            yield message


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
