"""Training conclusions beside what was found of the weights: neither denies the other."""

from __future__ import annotations

import pytest

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, Finding, TrainingEvidence
from independence_audit.training.exhibit import held_against
from tests.declaration.evidence import component

OWN, LATER = Conclusion.INITIALISED_AND_TRAINED, Conclusion.CONSISTENT_WITH_SCRATCH
NOTHING = Conclusion.NO_EVIDENCE
DRAW = Finding(Message("finding.shares_draw", {"reference": "qwen2.5-vl-7b"}))
ANOTHERS_DRAW = Finding(Message("finding.shares_draw", {"reference": "llama-3-8b"}))
TRAINING = Finding(Message("finding.shares_training", {"reference": "qwen2.5-vl-7b"}), contradicts=True)


@pytest.mark.parametrize(
    ("conclusion", "findings", "relation", "comes_to", "limited"),
    [
        (LATER, (), Relation.IDENTICAL, NOTHING, True),
        (LATER, (), Relation.TRANSFORMED, NOTHING, True),
        (LATER, (), Relation.UNRELATED, LATER, False),
        (LATER, (), Relation.TOKEN_TABLES, LATER, False),
        (LATER, (DRAW,), Relation.RELATED, LATER, False),
        (LATER, (ANOTHERS_DRAW,), Relation.RELATED, NOTHING, True),
        (LATER, (DRAW, TRAINING), Relation.RELATED, NOTHING, True),
        (LATER, (DRAW,), Relation.IDENTICAL, NOTHING, True),
        (OWN, (), Relation.IDENTICAL, OWN, True),
        (OWN, (), Relation.TRANSFORMED, OWN, True),
        (OWN, (DRAW,), Relation.RELATED, OWN, False),
        (OWN, (), Relation.UNRELATED, OWN, False),
        (Conclusion.UNTRAINED, (), Relation.IDENTICAL, Conclusion.UNTRAINED, False),
    ],
)
def test_shared_weights_limit_what_checkpoints_say(
    conclusion: Conclusion, findings: tuple[Finding, ...], relation: Relation, comes_to: Conclusion, *, limited: bool
) -> None:
    """Unless they show that no more than a draw is shared."""
    own = ComponentTraining("visual", conclusion, findings=findings)
    [found] = held_against(TrainingEvidence((own,)), [component(relation)]).components
    assert found.conclusion == comes_to
    assert ("limit.shared" in {limit.key for limit in found.limits}) == limited
