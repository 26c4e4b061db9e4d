"""Every example and sample under every policy and owner: the first screen says what its evidence supports, and all."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from independence_audit.evidence.audit_report import AuditReport, Outcome, Severity, badge_of
from independence_audit.evidence.declared_origin import DeclarationEvidence, Rights
from independence_audit.evidence.measurement import Message, Shared, Value
from independence_audit.evidence.relation import NAMED, Relation
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, TrainingEvidence
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.policy.case import Known
from independence_audit.policy.criteria import Lead
from independence_audit.policy.judge import judge
from independence_audit.policy.messages import HEADLINES
from independence_audit.policy.policy_file import load_policy, policy_names
from independence_audit.report.formats import ALL
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.page import MOST_FOUND, page_of
from independence_audit.report.plain import shortened, visible
from independence_audit.report.wording import label, word
from tests.report.sample_reports import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
PAIRS: list[dict[str, Any]] = json.loads((ROOT / "examples" / "truth.json").read_text(encoding="utf-8"))["pairs"]
OWNERS = ("foreign", "own", "claimed")
CLEAN = {"headline.met", *HEADLINES[Lead.CLEAN]}
FEW = 12
SCREENS = ("text", "markdown", "html", "summary")
NAMES = [f"{pair['subject']}~{'~'.join(pair['references'])}" for pair in PAIRS]


@cache
def evidence(name: str) -> AuditReport:
    """An example's audit, or a sample, without most of its tensors, which stand on no first screen."""
    if name in SAMPLES:
        return replace(SAMPLES[name](), tensors=SAMPLES[name]().tensors[:FEW])
    pair = PAIRS[NAMES.index(name)]
    folder = ROOT / "examples"
    report = audit(str(folder / pair["subject"]), [str(folder / each) for each in pair["references"]])
    return replace(report, tensors=report.tensors[:FEW])


rules_of = cache(load_policy)


def judged(report: AuditReport, policy: str, owner: str = "foreign", **known: Any) -> AuditReport:
    """The same evidence under another policy, with its references owned by somebody."""
    rules = rules_of(policy)
    references = tuple(
        replace(each, owner="Somebody", country="FR", licence=each.licence or "mit") for each in report.references
    )
    declared = DeclarationEvidence("independence.toml", (), team="Somebody") if owner == "claimed" else None
    beside = Known(
        verified=report.subject.verified,
        team="somebody" if owner == "own" else "",
        declaration=known.pop("declaration", declared),
        training=known.pop("training", report.training),
        incomplete=report.summary.incomplete,
    )
    return replace(report, references=references, opinion=judge(rules, report.components, references, beside))


def screen(report: AuditReport, form: str, lang: str) -> str:
    """What a reader meets first, with line breaks and markup taken out: up to the table of components, inclusive."""
    text = ALL[form].render(report, lang)
    criteria = label("criteria", lang)
    if form == "html":
        body = text.split("<body>")[1].split('id="cannot-title"')[0]
        return plain(html.unescape(re.sub(r"<[^>]+>", " ", body)))
    if form == "text":
        return plain(text.split(f"\n{criteria}\n")[0].translate({ord(mark): " " for mark in "│╭╮╰╯─"}))
    if form == "summary":
        return plain(html.unescape(text.replace("\\", "")))
    return plain(html.unescape(text.split(f"## {criteria}\n")[0].replace("\\", "")))


def plain(text: str) -> str:
    """Text without spaces, which lines of any width break elsewhere."""
    return "".join(text.split())


def supported(report: AuditReport) -> None:
    """Fail where headline, badge or exit status say what the evidence does not."""
    opinion, badge = report.opinion, badge_of(report)
    named = [component for component in report.components if component.relation in NAMED]
    open_ = bool(opinion.undecided or report.summary.incomplete)
    assert not (named and opinion.headline.key in CLEAN)
    assert not (open_ and badge in (Outcome.MET, Outcome.NOTHING_AGAINST))
    assert not (open_ and opinion.headline.key in CLEAN)
    assert (badge == Outcome.NOT_MET) == (exit_code(report, Severity.NOT_MET) == 1)
    assert not (badge == Outcome.MET and not open_ and exit_code(report, Severity.NOT_MET))
    failed = {c.component for c in opinion.criteria if c.outcome in (Outcome.NOT_MET, Outcome.REVIEW)}
    headed = str(opinion.headline.data.get("components", ""))
    if badge in (Outcome.NOT_MET, Outcome.REVIEW) and len(report.components) == 1:
        assert headed == report.components[0].name or None in failed
    outcomes = {criterion.outcome for criterion in opinion.criteria}
    if outcomes <= {Outcome.MET, Outcome.ON_DOCUMENTS} and Outcome.MET in outcomes and not open_:
        assert badge == Outcome.MET


def says_all(report: AuditReport, form: str, lang: str) -> None:
    """Fail where the first screen leaves out what was found, or what was not compared or searched."""
    page, shown = page_of(report, lang), screen(report, form, lang)
    assert plain(page.opinion) in shown
    named = [component for component in report.components if component.relation in NAMED]
    assert bool(page.found) == bool(named)
    assert plain(page.found) in shown
    for component in named if len(named) <= MOST_FOUND else ():
        assert plain(word("relation", component.relation, lang)) in plain(page.found)
        name = shortened(visible(component.reference or ""), 200)
        assert plain(name) in plain(page.found)
    for sentence in page.open:
        assert plain(sentence) in shown, sentence
    reasons = report.summary.incomplete or report.opinion.undecided or report.summary.not_searched
    assert page.open or not reasons


@pytest.mark.parametrize("policy", policy_names())
@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("name", [*NAMES, *SAMPLES])
def test_the_opinion_is_supported_by_its_evidence(name: str, owner: str, policy: str) -> None:
    """Headline, badge and exit status follow from what the same report says was found."""
    supported(judged(evidence(name), policy, owner))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("policy", policy_names())
@pytest.mark.parametrize("name", [*NAMES, *(name for name in SAMPLES if name != "hostile")])
def test_the_first_screen_says_all(name: str, policy: str, lang: str) -> None:
    """Relations with their references, what is undecided, incomplete or was not searched: text, Markdown and HTML."""
    forms = dict(zip(OWNERS, (("text", "html"), ("markdown",), ("summary",)), strict=True))
    for owner, shown in forms.items():
        for form in shown:
            says_all(judged(evidence(name), policy, owner), form, lang)


def worked(relation: Relation, **facts: Any) -> AuditReport:
    """A report of one decoder with a relation, however it came about."""
    base = evidence("clean")
    data: Mapping[str, Value] = {"component": base.components[0].name, "reference": "GLM-4.5-Air", "r": 0.9, "p": 0.0}
    found = relation in NAMED
    component = replace(
        base.components[0],
        relation=relation,
        relations={relation: 1.0},
        reference="GLM-4.5-Air" if found else None,
        explanation=(Message("fact.related", data),) if found else (),
        reason=None if found or relation == Relation.UNRELATED else "low_power",
        **facts,
    )
    return replace(base, components=(component,))


WAYS: list[tuple[Relation, Shared | None]] = [
    *((relation, None) for relation in Relation),
    *((Relation.RELATED, shared) for shared in Shared),
]
"""Every relation, and what can be told of shared training."""
ALL_RIGHTS = Rights(modify=True, operate=True, redistribute=True)
INCOMPLETE = Message("incomplete.references", {"missing": 1, "total": 3})


@pytest.mark.parametrize("policy", policy_names())
@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize(("relation", "shared"), WAYS)
def test_every_case_is_supported(relation: Relation, shared: Shared | None, owner: str, policy: str) -> None:
    """With and without exhibits, complete or not, under every policy: nothing found is hidden, nothing is made up."""
    report = worked(relation, shared=shared)
    rights = DeclarationEvidence("d", (), team="Somebody" if owner == "claimed" else "", rights=ALL_RIGHTS)
    for conclusion in (None, *Conclusion):
        seen = TrainingEvidence((ComponentTraining(report.components[0].name, conclusion),)) if conclusion else None
        for incomplete in ((), (INCOMPLETE,)):
            beside = replace(report, summary=replace(report.summary, incomplete=incomplete))
            whole = judged(beside, policy, owner, training=seen, declaration=rights)
            supported(whole)
    if owner == "foreign":
        says_all(judged(report, policy, owner, declaration=rights), "markdown", "ko")


def test_token_tables_are_never_accused() -> None:
    """They may come from imitation or from a public table: review at most, under every policy and owner."""
    report = worked(Relation.TOKEN_TABLES)
    for policy in policy_names():
        for owner in OWNERS:
            opinion = judged(report, policy, owner).opinion
            assert not {each.outcome for each in opinion.criteria} & {Outcome.NOT_MET}
            assert any(each.message.data.get("reference") == "GLM-4.5-Air" for each in opinion.criteria)


def test_a_verified_run_comes_out_as_met() -> None:
    """Nothing found, step 0 verified: met, and said so, in both languages."""
    report = replace(
        worked(Relation.UNRELATED),
        training=TrainingEvidence((ComponentTraining("model", Conclusion.INITIALISED_AND_TRAINED),)),
    )
    rights = DeclarationEvidence("d", (), rights=ALL_RIGHTS)
    for policy in policy_names():
        shown = judged(report, policy, declaration=rights)
        assert badge_of(shown) == Outcome.MET, policy
        assert page_of(shown, "ko").outcome_word == "충족"


def test_an_equal_seed_is_no_accusation() -> None:
    """Two models of one popular seed: no criterion is not met, step 0 is asked for, and the audit is inconclusive."""
    for policy, shared in (
        ("kai-stage1", Shared.DRAW),
        ("kai-stage1", Shared.UNRESOLVED),
        ("strict-from-scratch", "draw"),
    ):
        report = judged(worked(Relation.RELATED, shared=Shared(shared)), policy)
        assert badge_of(report) == Outcome.MATERIAL_MISSING
        assert exit_code(report, Severity.NOT_MET) == 3
        assert "change.step0" in {change.key for change in report.opinion.would_change}


@pytest.mark.parametrize("policy", ["kai-stage1", "strict-from-scratch"])
def test_what_is_unchanged_was_not_trained_here(policy: str) -> None:
    """Equal values of a foreign reference contradict training from an initial draw; shared training is weighed."""
    key = "initialised_then_trained"

    def outcome(relation: Relation, shared: Shared | None = None) -> Outcome:
        report = judged(worked(relation, shared=shared), policy)
        return next(each.outcome for each in report.opinion.criteria if each.id.startswith(key))

    assert outcome(Relation.IDENTICAL) == outcome(Relation.ROUNDED) == Outcome.NOT_MET
    weighed = Outcome.REVIEW if policy == "kai-stage1" else Outcome.NOT_MET
    assert outcome(Relation.RELATED, Shared.TRAINING) == weighed
    for shared in (Shared.DRAW, Shared.UNRESOLVED, None):
        assert outcome(Relation.RELATED, shared) == Outcome.MATERIAL_MISSING


def test_own_models_are_named() -> None:
    """A headline that allows them says so, and which they are."""
    report = judged(worked(Relation.IDENTICAL), "kai-stage1", "own")
    assert report.opinion.headline.key == "headline.no_conflict"
    for lang in LANGUAGES:
        page = page_of(report, lang)
        assert "GLM-4.5-Air" in page.found
        assert word("relation", "identical", lang) in page.found


def test_what_was_not_compared_stands_beside_the_relation() -> None:
    """A considerable share that nobody compared is on every first screen; a buffer's is not."""
    base = worked(Relation.UNRELATED)
    for share, shown in ((0.456, True), (0.02, False)):
        relations = {Relation.UNRELATED: 1.0 - share, Relation.NOT_TESTED: share}
        report = replace(base, components=(replace(base.components[0], relations=relations),))
        page = page_of(report, "en")
        assert ("45.6%" in page.components[0].uncovered) is shown
        for form in SCREENS:
            assert ("45.6%" in screen(report, form, "en")) is shown, form
