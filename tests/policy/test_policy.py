"""Policies are data: read strictly, one rule a relation, and an opinion that follows from the evidence alone."""

from __future__ import annotations

import pytest

from independence_audit.errors import UsageError
from independence_audit.evidence.measurement import ComponentEvidence, Message
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.evidence.report import Outcome, Reference, Severity
from independence_audit.policy.judge import judge, undecided_components, worst_severity
from independence_audit.policy.model import load_policy, parse_policy, policy_names

RULE = '[[rule]]\nrelations = {relations}\noutcome = "met"\nseverity = "none"\nmessage = "criterion.none_found"\n'
EVERY = str([relation.value for relation in Relation])


def component(relation: Relation, kind: str = "text_decoder", reason: str | None = None) -> ComponentEvidence:
    """Evidence of one component, as far as a policy looks at it."""
    return ComponentEvidence(
        name=f"model.{kind}",
        kind=kind,
        family="llama",
        parameters=1000,
        relation=relation,
        relations={relation: 1.0},
        reference="known" if relation in FOUND else None,
        reference_component=None,
        p_value=1e-20,
        r=0.5,
        joint_z=None,
        detection_bound=0.05,
        explanation=(Message("fact.related", {"component": f"model.{kind}"}),),
        reason=reason,
    )


REFERENCES = (Reference("known", "compared"),)


@pytest.mark.parametrize("relation", FOUND)
def test_shared_weights_are_not_met(relation: Relation) -> None:
    """Any of the four relations is a finding under evidence-only."""
    opinion = judge(load_policy("evidence-only"), [component(relation)], REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.NOT_MET
    assert worst_severity(opinion) is Severity.NOT_MET
    assert opinion.headline.key == "headline.not_met"


def test_unrelated_is_met() -> None:
    """Tested with power, nothing found."""
    opinion = judge(load_policy("evidence-only"), [component(Relation.UNRELATED)], REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.MET
    assert worst_severity(opinion) is Severity.NONE
    assert opinion.headline.data == {"compared": 1, "total": 1}


@pytest.mark.parametrize("relation", [Relation.INCONCLUSIVE, Relation.NOT_TESTED, Relation.UNINFORMATIVE])
def test_what_was_not_told_is_not_assessed(relation: Relation) -> None:
    """Silence is neither a pass nor a finding."""
    components = [component(relation)]
    policy = load_policy("evidence-only")
    opinion = judge(policy, components, REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.NOT_ASSESSED
    assert undecided_components(policy, components) == ["model.text_decoder"]
    assert opinion.headline.key == "headline.inconclusive"


def test_a_projector_may_go_untested() -> None:
    """An adapter that no reference has leaves the audit's outcome to the models it connects."""
    components = [component(Relation.UNRELATED), component(Relation.NOT_TESTED, "projector", "no_reference_of_kind")]
    policy = load_policy("evidence-only")
    assert undecided_components(policy, components) == []
    assert judge(policy, components, REFERENCES).headline.key == "headline.met"


def test_a_finding_leads_whatever_is_undecided() -> None:
    """The strongest evidence stands first."""
    components = [component(Relation.INCONCLUSIVE), component(Relation.IDENTICAL, "audio_encoder")]
    opinion = judge(load_policy("evidence-only"), components, REFERENCES)
    assert opinion.headline.key == "headline.not_met"
    assert opinion.facts[0].data["component"] == "model.audio_encoder"


def test_shipped_policies_can_be_read() -> None:
    """Every shipped policy gives every relation one rule."""
    assert "evidence-only" in policy_names()
    for name in policy_names():
        assert load_policy(name).name == name


def test_unknown_policy_names_the_known() -> None:
    """The way out stands in the hint."""
    with pytest.raises(UsageError) as caught:
        load_policy("strictest")
    assert "evidence-only" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        "not toml = = =",
        'name = "x"\nversion = "1"\n',
        'name = "x"\nversion = "1"\nunheard = 1\n' + RULE.format(relations=EVERY),
        'name = "x"\nversion = "1"\n' + RULE.format(relations='["identical"]'),
        'name = "x"\nversion = "1"\n' + RULE.format(relations='["cloned"]'),
        'name = "x"\nversion = "1"\n' + RULE.format(relations=EVERY) + 'colour = "red"\n',
        'name = "x"\nversion = "1"\n' + RULE.format(relations=EVERY) * 2,
        'name = "x"\nversion = "1"\noptional_kinds = ["engine"]\n' + RULE.format(relations=EVERY),
    ],
)
def test_contradictory_policies_are_refused(content: str) -> None:
    """Unknown keys and relations, gaps and overlaps never pass silently."""
    with pytest.raises(UsageError):
        parse_policy(content.encode())
