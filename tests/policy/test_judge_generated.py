"""Policies made at random from the whole vocabulary: each is refused with one sentence, or judges every case."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from independence_audit.errors import UsageError
from independence_audit.evidence.audit_report import Outcome, Reference, Severity
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin, Rights
from independence_audit.evidence.measurement import ComponentEvidence, RunnerUp, Shared
from independence_audit.evidence.relation import NAMED, Relation
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, TrainingEvidence
from independence_audit.policy.case import OF_SUBMISSION, VOCABULARY, Known
from independence_audit.policy.criteria import Policy
from independence_audit.policy.judge import judge
from independence_audit.policy.messages import CRITERIA
from independence_audit.policy.policy_file import MOST_RULES, WEIGHT, parse_policy
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.wording import say

TOP = 'name = "x"\nversion = "1"\ndate = "2026-01-01"\n'
COUNTRIES = ["CN", "KR", "US", "other", "none"]
WORDS = {name: sorted(words) if words else COUNTRIES for name, words in VOCABULARY.items()}
PAIRS = [(outcome, severity) for outcome, severities in WEIGHT.items() for severity in severities]


@st.composite
def rules(draw: st.DrawFn, scope: str) -> str:
    """The rules of a criterion: a partition of one condition's words, or anything at all."""
    names = list(OF_SUBMISSION) if scope == "submission" else list(VOCABULARY)
    name = draw(st.sampled_from(names))
    words = draw(st.permutations(WORDS[name]))
    cut = draw(st.integers(0, len(words)))
    groups = [list(words[:cut]), list(words[cut:])]
    if draw(st.booleans()):
        groups.append(draw(st.lists(st.sampled_from(WORDS[name]), max_size=2)))
    return "".join(one_rule(draw, {name: group}) for group in groups if group) + (
        one_rule(draw, {}) if draw(st.booleans()) else ""
    )


def one_rule(draw: st.DrawFn, conditions: dict[str, list[str]]) -> str:
    """A rule of a policy file."""
    outcome, severity = draw(st.sampled_from(PAIRS))
    message = draw(st.sampled_from(sorted(CRITERIA)))
    lines = [f'outcome = "{outcome}"', f'severity = "{severity}"', f'message = "{message}"']
    lines += [f"{name} = {words}".replace("'", '"') for name, words in conditions.items()]
    return "[[criterion.rule]]\n" + "\n".join(lines) + "\n"


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A policy file."""
    text = TOP
    for number in range(draw(st.integers(1, 3))):
        scope = draw(st.sampled_from(["component", "submission"]))
        text += f'[[criterion]]\nid = "c{number}"\nscope = "{scope}"\n' + draw(rules(scope))
    return text


def component(kind: str, relation: Relation, shared: Shared | None) -> ComponentEvidence:
    """Evidence of one component; a kind may be one that nobody knows."""
    return ComponentEvidence(
        name="m",
        kind=kind,
        family="f",
        parameters=1,
        relation=relation,
        relations={relation: 1.0},
        reference="known" if relation in NAMED else None,
        reference_component=None,
        p_value=None,
        r=None,
        joint_z=None,
        detection_bound=None,
        runners_up=(RunnerUp("known", None, Relation.UNRELATED, None, None, None, None),),
        shared=shared,
    )


def usable(text: str) -> Policy | None:
    """The policy, unless it is refused in the one way that a policy may be."""
    try:
        return parse_policy(text.encode())
    except UsageError:
        return None


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    text=policies(),
    kind=st.sampled_from([*WORDS["kinds"], "mystery", ""]),
    relation=st.sampled_from(Relation),
    shared=st.sampled_from([None, *Shared]),
    country=st.sampled_from([None, "", "CN", "KR", "JP", "cn", "none", "other", "\u202e"]),
    listed=st.booleans(),
    agreement=st.sampled_from([None, *Agreement]),
    conclusion=st.sampled_from([None, *Conclusion]),
    verified=st.booleans(),
)
def test_every_policy_is_refused_or_judges_every_case(  # noqa: PLR0917
    text: str,
    kind: str,
    relation: Relation,
    shared: Shared | None,
    country: str | None,
    listed: bool,  # noqa: FBT001
    agreement: Agreement | None,
    conclusion: Conclusion | None,
    verified: bool,  # noqa: FBT001
) -> None:
    """No word, however it is combined, ends in anything but an opinion that both languages can word."""
    policy = usable(text)
    if policy is None:
        return
    declared = (Declared("m", Origin.FROM_SCRATCH, "s", "mit", "", agreement),) if agreement else ()
    references = (Reference("known", "compared", owner="O", country=country),) if listed else ()
    beside = Known(
        verified=verified,
        declaration=DeclarationEvidence("d", declared, rights=Rights(modify=True)),
        training=TrainingEvidence((ComponentTraining("m", conclusion),)) if conclusion else None,
    )
    opinion = judge(policy, [component(kind, relation, shared)], references, beside)
    assert len(opinion.criteria) == text.count("[[criterion]]")
    for lang in LANGUAGES:
        for message in (opinion.headline, *(criterion.message for criterion in opinion.criteria)):
            assert say(message, lang)


@pytest.mark.parametrize(
    ("country", "outcome"), [("CN", "not_met"), ("KR", "review"), (None, "review"), ("cn", "review")]
)
def test_countries_need_no_last_rule(country: str | None, outcome: str) -> None:
    """A policy may tell one country from every other and from no match; one that it does not name is another."""
    text = TOP + '[[criterion]]\nid = "c"\n'
    for words, result, severity in (
        (["CN"], "not_met", "not_met"),
        (["other"], "review", "review"),
        (["none"], "met", "none"),
    ):
        text += f'[[criterion.rule]]\ncountries = {words}\noutcome = "{result}"\n'.replace("'", '"')
        text += f'severity = "{severity}"\nmessage = "criterion.shared"\n'
    policy, references = parse_policy(text.encode()), (Reference("known", "compared", country=country),)
    found = component("text_decoder", Relation.RELATED, None)
    assert judge(policy, [found], references).criteria[0].outcome == outcome
    assert judge(policy, [replace(found, relation=Relation.UNRELATED)], references).criteria[0].outcome == "met"


def test_a_gap_of_countries_is_refused() -> None:
    """Where nothing is found there is no country: a policy has to say what that comes to."""
    text = TOP + '[[criterion]]\nid = "c"\n[[criterion.rule]]\ncountries = ["CN", "other"]\noutcome = "met"\n'
    with pytest.raises(UsageError, match="no rule for countries 'none'"):
        parse_policy((text + 'severity = "none"\nmessage = "criterion.shared"\n').encode())


def test_large_policies_are_refused_at_once() -> None:
    """A file of thousands of rules is one sentence, not minutes."""
    rule = '[[criterion.rule]]\nkinds = ["other"]\noutcome = "met"\nseverity = "none"\nmessage = "criterion.shared"\n'
    with pytest.raises(UsageError, match="over"):
        parse_policy((TOP + '[[criterion]]\nid = "c"\n' + rule * (MOST_RULES + 1)).encode())


def test_the_old_word_for_grey_is_refused_with_the_new_ones() -> None:
    """A policy has to say which of the three it means."""
    text = '[[criterion]]\nid = "c"\n[[criterion.rule]]\noutcome = "not_assessed"\nseverity = "none"\n'
    with pytest.raises(UsageError, match="nothing_against, material_missing or on_documents"):
        parse_policy((TOP + text + 'message = "criterion.shared"\n').encode())


def test_only_a_component_can_be_undecided() -> None:
    """A rule leaves the audit inconclusive only where material could decide it."""
    for outcome, scope in product(("met", "material_missing"), ("component", "submission")):
        text = f'[[criterion]]\nid = "c"\nscope = "{scope}"\n[[criterion.rule]]\noutcome = "{outcome}"\n'
        content = (TOP + text + 'severity = "none"\n' + 'message = "criterion.shared"\nundecided = true\n').encode()
        if (outcome, scope) == ("material_missing", "component"):
            opinion = judge(parse_policy(content), [component("other", Relation.UNRELATED, None)], ())
            assert opinion.undecided == ("m",)
        else:
            with pytest.raises(UsageError, match="undecided"):
                parse_policy(content)


def test_severities_of_undecided_outcomes_are_light() -> None:
    """None of the three grey outcomes fails an audit."""
    grey = (Outcome.NOTHING_AGAINST, Outcome.MATERIAL_MISSING, Outcome.ON_DOCUMENTS)
    assert {severity for outcome in grey for severity in WEIGHT[outcome]} <= {Severity.NONE, Severity.REMARK}
