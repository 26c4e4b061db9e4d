"""The opinion: every component's relation under a policy's rules, and the sentence and facts that lead the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from independence_audit.evidence.measurement import ComponentEvidence, Message
from independence_audit.evidence.relation import FOUND, STRENGTH, Relation
from independence_audit.evidence.report import Criterion, Opinion, Outcome, Reference, Severity
from independence_audit.policy.model import Policy

FACTS = 3
"""Facts on the first screen."""

_UNDECIDED = (Relation.INCONCLUSIVE, Relation.UNINFORMATIVE, Relation.NOT_TESTED)
_CANNOT_JUDGE = ("cannot.frozen", "cannot.training", "cannot.own_data", "cannot.policy")


def judge(
    policy: Policy, components: Sequence[ComponentEvidence], references: Sequence[Reference], *, verified: bool = True
) -> Opinion:
    """What a policy says of the evidence, one criterion per component.

    Args:
        policy: The rules.
        components: The evidence.
        references: Everything that was asked for, compared or not.
        verified: False where the subject is a fingerprint that somebody handed in: no criterion is met by it.
    """
    criteria = tuple(_criterion(policy, component, verified=verified) for component in components)
    changes = _distinct(change.key for criterion in criteria for change in criterion.would_change)
    return Opinion(
        policy=policy.name,
        policy_version=policy.version,
        headline=_headline(criteria, undecided_components(policy, components, verified=verified), references),
        facts=tuple(_facts(components)),
        criteria=criteria,
        cannot_judge=tuple(Message(key) for key in _CANNOT_JUDGE),
        would_change=tuple(Message(key) for key in changes),
    )


def undecided_components(
    policy: Policy, components: Iterable[ComponentEvidence], *, verified: bool = True
) -> list[str]:
    """Names of the components that matter to the policy and could not be tested, not well enough, or not on weights."""
    return [
        component.name
        for component in components
        if (component.relation in _UNDECIDED or (component.relation not in FOUND and not verified))
        and component.kind not in policy.optional_kinds
    ]


def worst_severity(opinion: Opinion) -> Severity:
    """The heaviest severity among the criteria."""
    order = list(Severity)
    return max((criterion.severity for criterion in opinion.criteria), key=order.index, default=Severity.NONE)


def _criterion(policy: Policy, component: ComponentEvidence, *, verified: bool) -> Criterion:
    rule = policy.rule_for(component.relation)
    unproven = rule.outcome == Outcome.MET and not verified
    data = {
        "component": component.name,
        "reference": component.reference,
        "relation": component.relation.value,
        "references": len(component.runners_up),
        "bound": component.detection_bound,
        "reason": component.reason,
    }
    return Criterion(
        id=f"no_shared_weights/{component.name}",
        outcome=Outcome.NOT_ASSESSED if unproven else rule.outcome,
        severity=rule.severity,
        message=Message("criterion.unverified" if unproven else rule.message, data),
        component=component.name,
        evidence=component.explanation,
        would_change=tuple(Message(key) for key in rule.would_change),
    )


def _headline(criteria: Sequence[Criterion], undecided: Sequence[str], references: Sequence[Reference]) -> Message:
    failed = [criterion for criterion in criteria if criterion.outcome in (Outcome.NOT_MET, Outcome.REVIEW)]
    if failed:
        names = ", ".join(_distinct(str(criterion.message.data["reference"]) for criterion in failed))
        components = ", ".join(criterion.component or "" for criterion in failed)
        return Message("headline.not_met", {"components": components, "references": names})
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
