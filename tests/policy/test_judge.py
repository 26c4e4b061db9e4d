"""An opinion follows from the evidence by the policy's rules, one for every case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import Outcome, Reference, Severity
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin, Rights
from independence_audit.evidence.measurement import ComponentEvidence, Message, RunnerUp, SearchOutcome
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, TrainingEvidence
from independence_audit.policy.case import Known
from independence_audit.policy.judge import judge, undecided_components, worst_severity
from independence_audit.policy.policy_file import WEIGHT, load_policy, parse_policy, policy_names
from tests.policy.policy_files import CRITERION, TOP, rule


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
UNRELATED_TO_KNOWN = RunnerUp("known", None, Relation.UNRELATED, None, None, None, 0.05)


@pytest.mark.parametrize("relation", FOUND)
def test_shared_weights_are_not_met(relation: Relation) -> None:
    """Any of the four relations is a finding under evidence-only."""
    opinion = judge(load_policy("evidence-only"), [component(relation)], REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.NOT_MET
    assert worst_severity(opinion) is Severity.NOT_MET
    assert opinion.headline.key == "headline.not_met"


def test_unrelated_has_nothing_against_it() -> None:
    """Tested with power, nothing found: no proof, and nothing to object."""
    opinion = judge(load_policy("evidence-only"), [component(Relation.UNRELATED)], REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.NOTHING_AGAINST
    assert worst_severity(opinion) is Severity.NONE
    assert opinion.headline.key == "headline.clean"
    assert opinion.headline.data == {"compared": 1, "total": 1, "references": ""}


@pytest.mark.parametrize("relation", [Relation.INCONCLUSIVE, Relation.NOT_TESTED, Relation.UNINFORMATIVE])
def test_what_was_not_told_misses_material(relation: Relation) -> None:
    """Silence is neither a pass nor a finding."""
    components = [component(relation)]
    policy = load_policy("evidence-only")
    opinion = judge(policy, components, REFERENCES)
    assert opinion.criteria[0].outcome is Outcome.MATERIAL_MISSING
    assert undecided_components(policy, components) == ["model.text_decoder"]
    assert opinion.headline.key == "headline.inconclusive"


def projector(reason: str, **facts: Any) -> ComponentEvidence:
    """A connecting part that was compared with nothing, small beside its model unless told otherwise."""
    return replace(component(Relation.NOT_TESTED, "projector", reason), **{"parameters": 1, **facts})


LOOKED = {"elsewhere": SearchOutcome("done")}


@pytest.mark.parametrize("reason", ["no_such_shapes", "nothing_alike"])
def test_a_projector_may_go_untested(reason: str) -> None:
    """An adapter that was looked for in all references leaves the audit's outcome to the models it connects."""
    components = [component(Relation.UNRELATED), projector(reason, searches=LOOKED)]
    policy = load_policy("evidence-only")
    assert undecided_components(policy, components) == []
    assert judge(policy, components, REFERENCES).headline.key == "headline.clean"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"searches": {"elsewhere": SearchOutcome("not_possible", "too_large")}},
        {"searches": {"elsewhere": SearchOutcome("not_needed", "found_in_place")}},
        {"searches": LOOKED, "parameters": 10**9},
    ],
)
def test_no_projector_is_excused_unseen(facts: dict[str, Any]) -> None:
    """One that was not looked for, or that holds a considerable part of the model, decides like any other part."""
    components = [component(Relation.UNRELATED), projector("no_reference_of_kind", **facts)]
    assert undecided_components(load_policy("evidence-only"), components) == ["model.projector"]


def test_a_fingerprint_excuses_nothing() -> None:
    """Kinds are labels of its own table; nobody saw the weights."""
    components = [component(Relation.UNRELATED), projector("no_such_shapes", searches=LOOKED)]
    assert "model.projector" in undecided_components(load_policy("evidence-only"), components, verified=False)


def test_a_finding_leads_whatever_is_undecided() -> None:
    """The strongest evidence stands first."""
    components = [component(Relation.INCONCLUSIVE), component(Relation.IDENTICAL, "audio_encoder")]
    opinion = judge(load_policy("evidence-only"), components, REFERENCES)
    assert opinion.headline.key == "headline.not_met"
    assert opinion.facts[0].data["component"] == "model.audio_encoder"


def outcomes(policy: str, *components: ComponentEvidence, **known: Any) -> dict[str, tuple[Outcome, Severity]]:
    """What a policy says, by criterion."""
    opinion = judge(load_policy(policy), components, FOREIGN, Known(**known))
    return {criterion.id.partition("/")[0]: (criterion.outcome, criterion.severity) for criterion in opinion.criteria}


FOREIGN = (Reference("known", "compared", owner="Alibaba Cloud", country="CN", licence="apache-2.0"),)
NOT_MET = (Outcome.NOT_MET, Severity.NOT_MET)
REVIEW = (Outcome.REVIEW, Severity.REVIEW)
REMARK = (Outcome.REVIEW, Severity.REMARK)
MET = (Outcome.MET, Severity.NONE)
CLEAN = (Outcome.NOTHING_AGAINST, Severity.NONE)
MISSING = (Outcome.MATERIAL_MISSING, Severity.NONE)
DOCUMENTS = (Outcome.ON_DOCUMENTS, Severity.NONE)
ENCODER = "no_unchanged_external_encoder"


@pytest.mark.parametrize("kind", ["vision_encoder", "audio_encoder"])
@pytest.mark.parametrize(
    ("relation", "outcome"),
    [
        (Relation.IDENTICAL, NOT_MET),
        (Relation.ROUNDED, NOT_MET),
        (Relation.RELATED, REVIEW),
        (Relation.TRANSFORMED, REVIEW),
        (Relation.TOKEN_TABLES, REVIEW),
        (Relation.UNRELATED, CLEAN),
        (Relation.INCONCLUSIVE, MISSING),
    ],
)
def test_stage_one_encoders(kind: str, relation: Relation, outcome: tuple[Outcome, Severity]) -> None:
    """Unchanged external encoders were not accepted; changed ones are for people to weigh."""
    assert outcomes("kai-stage1", component(relation, kind))[ENCODER] == outcome


@pytest.mark.parametrize("relation", FOUND)
def test_stage_one_decoders(relation: Relation) -> None:
    """Any shared weights with somebody else's model."""
    assert outcomes("kai-stage1", component(relation))["no_external_decoder"] == NOT_MET


@pytest.mark.parametrize("relation", FOUND)
def test_own_earlier_models_are_not_foreign(relation: Relation) -> None:
    """The team that the evaluation names is met; a team that only the declaration names is for review."""
    assert outcomes("kai-stage1", component(relation), team="alibaba-cloud")["no_external_decoder"] == MET
    declared = DeclarationEvidence("independence.toml", (), team="Alibaba Cloud")
    assert outcomes("kai-stage1", component(relation), declaration=declared)["no_external_decoder"] == REVIEW


def test_the_innocent_need_exhibits() -> None:
    """Finding nothing is not training from an initial draw: the missing exhibit is named, and nothing is held back."""
    opinion = judge(load_policy("kai-stage1"), [component(Relation.UNRELATED)], FOREIGN)
    by_id = {criterion.id.partition("/")[0]: criterion for criterion in opinion.criteria}
    trained = by_id["initialised_then_trained"]
    assert trained.outcome is Outcome.MATERIAL_MISSING
    assert "change.step0" in [change.key for change in trained.would_change]
    assert worst_severity(opinion) is Severity.NONE
    for never in ("own_data", "own_design", "policy_and_ethics"):
        assert by_id[never].outcome is Outcome.ON_DOCUMENTS
    assert opinion.headline.key == "headline.clean"


@pytest.mark.parametrize(
    ("conclusion", "outcome"),
    [
        (Conclusion.INITIALISED_AND_TRAINED, MET),
        (Conclusion.CONSISTENT_WITH_SCRATCH, REVIEW),
        (Conclusion.NO_EVIDENCE, MISSING),
        (Conclusion.FROZEN_DURING_TRAINING, REVIEW),
        (Conclusion.UNTRAINED, REVIEW),
        (Conclusion.STARTS_FROM_TRAINED_WEIGHTS, NOT_MET),
    ],
)
def test_training_conclusions(conclusion: Conclusion, outcome: tuple[Outcome, Severity]) -> None:
    """Only a verified initial draw meets the criterion."""
    training = TrainingEvidence((ComponentTraining("model.text_decoder", conclusion),))
    found = outcomes("kai-stage1", component(Relation.UNRELATED), training=training)
    assert found["initialised_then_trained"] == outcome


def test_a_shared_architecture_is_a_remark_at_most() -> None:
    """An open-source reference that nobody names: a remark, which neither leads nor fails the audit."""
    fitting = replace(component(Relation.UNRELATED), runners_up=(UNRELATED_TO_KNOWN,))
    opinion = judge(load_policy("kai-stage1"), [fitting], FOREIGN)
    criterion = next(each for each in opinion.criteria if each.id.startswith("architecture_attribution"))
    assert (criterion.outcome, criterion.severity) == REMARK
    assert criterion.message.data["structure"] == "known"
    assert worst_severity(opinion) is Severity.REMARK
    assert opinion.headline.key == "headline.clean"
    declared = Declared(fitting.name, Origin.ARCHITECTURE_FROM, "Known", "", "", Agreement.AGREED)
    named = outcomes("kai-stage1", fitting, declaration=DeclarationEvidence("independence.toml", (declared,)))
    assert named["architecture_attribution"] == MET


@pytest.mark.parametrize("policy", policy_names())
@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize("kind", list(Kind))
def test_a_fingerprint_meets_nothing(policy: str, relation: Relation, kind: Kind) -> None:
    """What a submitter made himself never yields a passed criterion, under any policy."""
    declared = DeclarationEvidence("independence.toml", (), rights=Rights(modify=True, operate=True, redistribute=True))
    found = outcomes(policy, component(relation, kind.value), verified=False, declaration=declared)
    assert not {Outcome.MET, Outcome.NOTHING_AGAINST} & {outcome for outcome, _ in found.values()}


@pytest.mark.parametrize("policy", policy_names())
@given(
    relation=st.sampled_from(Relation),
    kind=st.sampled_from(Kind),
    agreement=st.sampled_from(Agreement),
    conclusion=st.sampled_from(Conclusion),
    licence=st.sampled_from(["", "apache-2.0", "gemma", "exaone", "what"]),
    team=st.sampled_from(["", "Alibaba Cloud"]),
)
def test_every_case_has_an_outcome(  # noqa: PLR0917
    policy: str, relation: Relation, kind: Kind, agreement: Agreement, conclusion: Conclusion, licence: str, team: str
) -> None:
    """No evidence is without a rule, no outcome without a severity that fits, and no unrelated component is accused."""
    one = component(relation, kind.value)
    declared = Declared(one.name, None, "", licence, "", agreement)
    found = outcomes(
        policy,
        one,
        team=team,
        declaration=DeclarationEvidence("independence.toml", (declared,)),
        training=TrainingEvidence((ComponentTraining(one.name, conclusion),)),
    )
    assert all(severity in WEIGHT[outcome] for outcome, severity in found.values())
    if relation == Relation.UNRELATED:
        assert not {name for name, result in found.items() if result == NOT_MET} - {
            "initialised_then_trained",
            "declaration",
        }


@pytest.mark.parametrize(
    ("licence", "outcome"),
    [("apache-2.0", MET), ("gemma", REVIEW), ("CC-BY-NC-4.0", NOT_MET), ("what", REVIEW), (None, REVIEW)],
)
def test_control_goes_by_licence(licence: str | None, outcome: tuple[Outcome, Severity]) -> None:
    """Shared weights are allowed where the licence leaves the team in control."""
    references = (replace(FOREIGN[0], licence=licence),)
    opinion = judge(load_policy("control-and-licence"), [component(Relation.IDENTICAL)], references)
    found = {each.id.partition("/")[0]: (each.outcome, each.severity) for each in opinion.criteria}
    assert found["licence"] == outcome
    assert found["rights"] == MISSING
    assert bool(opinion.undecided) == (licence in {"what", None}), "who may use the weights has to be known first"


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_is_a_label(kind: Kind) -> None:
    """A decoder's weights are judged as a decoder's, whatever kind the submission gives them, and only where shared."""
    stolen = replace(component(Relation.IDENTICAL, kind), reference_kind="text_decoder")
    found = {
        each.id.partition("/")[0]: each.outcome for each in judge(load_policy("kai-stage1"), [stolen], FOREIGN).criteria
    }
    assert found["no_external_decoder"] == Outcome.NOT_MET
    own = replace(component(Relation.UNRELATED, kind), reference_kind="text_decoder")
    judged = {each.id.partition("/")[0] for each in judge(load_policy("kai-stage1"), [own], FOREIGN).criteria}
    assert ("no_external_decoder" in judged) == (kind == Kind.TEXT_DECODER)


def test_a_licence_that_is_declared_otherwise() -> None:
    """The owner's word and the team's differ: people have to look."""
    declared = Declared("model.text_decoder", Origin.INITIALISED_FROM, "known", "mit", "", Agreement.AGREED)
    evidence = DeclarationEvidence("independence.toml", (declared,), rights=Rights(modify=False))
    found = outcomes("control-and-licence", component(Relation.IDENTICAL), declaration=evidence)
    assert found["licence"] == REVIEW
    assert found["rights"] == NOT_MET


def test_countries_are_told_apart(tmp_path: Path) -> None:
    """A rule may ask where the matched model was made."""
    content = TOP + CRITERION + rule("not_met", "not_met", "criterion.shared", countries=["CN"]) + rule()
    policy = parse_policy(content.encode())
    assert judge(policy, [component(Relation.RELATED)], FOREIGN).criteria[0].outcome is Outcome.NOT_MET
    korean = (replace(FOREIGN[0], country="KR"),)
    assert judge(policy, [component(Relation.RELATED)], korean).criteria[0].outcome is Outcome.MET


def test_references_are_asked_for_as_they_are() -> None:
    """Those that could not be had are counted; where all were compared, further ones would change the opinion."""
    missing = (*FOREIGN, Reference("gone", "not_available", "pull_failed"))
    for references, key, data in (
        (FOREIGN, "change.more_references", {}),
        (missing, "change.missing_references", {"missing": 1}),
    ):
        opinion = judge(load_policy("evidence-only"), [component(Relation.UNRELATED)], references)
        [change] = [each for each in opinion.would_change if "references" in each.key]
        assert (change.key, change.data) == (key, data)
