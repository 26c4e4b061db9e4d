"""Rows that every format shows: components, comparisons, criteria, changes, files and references."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.audit_report import (
    AuditReport,
    Criterion,
    FileEvidence,
    MadeFrom,
    Outcome,
    Severity,
    Standing,
)
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.relation import Relation
from independence_audit.report.languages import ENGLISH, KOREAN
from independence_audit.report.page import Page, page_of
from independence_audit.report.page_rows import (
    LONGEST_TEXT,
    CriterionRow,
    change_rows,
    criterion_rows,
    file_row,
    joined,
    layers_title,
    uncovered_share,
    with_part,
)
from tests.report.exchange_reports import suppressed
from tests.report.sample_reports import clean, finding, inconclusive

REPORT = inconclusive()


def page(report: AuditReport) -> Page:
    """The page in English."""
    return page_of(report, ENGLISH)


def test_components_carry_their_gravest_outcome() -> None:
    """A component with several criteria shows the one that weighs most; without a criterion it shows none."""
    report = clean()
    met = report.opinion.criteria[0]
    review = replace(met, outcome=Outcome.REVIEW, severity=Severity.REVIEW)
    several = replace(report, opinion=replace(report.opinion, criteria=(met, review, met)))
    assert page(several).components[0].outcome == Outcome.REVIEW
    foreign = replace(report, opinion=replace(report.opinion, criteria=(replace(met, component="other"),)))
    assert page(foreign).components[0].outcome_word == "–"


def test_component_rows() -> None:
    """A row has relation, reference, r, the unchanged share and the shares of every relation that occurs."""
    audio, vision, text, _ = page(finding()).components
    assert (audio.kind, audio.word, audio.reference, audio.unchanged) == (
        "audio encoder",
        "identical",
        "Qwen2-Audio",
        "99.70%",
    )
    assert [share.relation for share in audio.shares] == [Relation.IDENTICAL, Relation.UNINFORMATIVE]
    assert vision.r == "0.9826"
    assert (text.reference, text.unchanged) == ("–", "0%")


def test_comparisons_begin_with_the_nearest() -> None:
    """Every reference that was compared is listed with its figures, and what met none with the reason."""
    rows = page(finding()).comparisons
    assert [(row.component, row.reference, row.word) for row in rows] == [
        ("model.audio_model", "Qwen2-Audio (audio_tower)", "identical"),
        ("model.audio_model", "Qwen2.5-Omni (thinker.audio_tower)", "related"),
        ("model.vision_model", "Qwen2.5-VL (visual)", "related"),
        ("model.language_model", "Qwen2.5-VL (model)", "unrelated"),
        ("model.video_audio_compressor", "–", "not tested"),
    ]
    assert rows[-1].note == "no reference has a component of this kind"


def test_layers_are_headed_by_what_they_were_held_beside() -> None:
    """The nearest reference is named also where nothing was found; without any the component stands alone."""
    titles = [layers_title(row, ENGLISH) for row in page(finding()).components]
    assert titles[2] == "text decoder, beside Qwen2.5-VL"
    assert titles[3] == "compressor"


def test_evidence_does_not_repeat_the_facts() -> None:
    """A criterion's evidence is said once: among the facts, or under the criterion."""
    audio, vision, *_ = page(finding()).criteria
    assert audio.evidence == ()
    assert [sentence.partition(":")[0] for sentence in vision.evidence] == ["Vision encoder"]


def test_references_that_were_not_compared_say_why() -> None:
    """The status carries its reason."""
    assert page(finding()).references[-1].status == "not available: it has no component in common with the subject"


def rows_of(*criteria: Criterion) -> tuple[CriterionRow, ...]:
    """Rows of these criteria, under the name of their one component."""
    report = replace(REPORT, opinion=replace(REPORT.opinion, criteria=criteria))
    return criterion_rows(report, {"encoder": "encoder"}, ENGLISH)


def test_what_rows_of_one_criterion_have_in_common_is_said_once() -> None:
    """The name, quote and source stand in the first of the rows that follow each other."""
    one = replace(REPORT.opinion.criteria[0], id="own_data/encoder", quote="Own data.", source="Notice")
    rows = rows_of(one, replace(one, id="own_data", component=None), replace(one, id="licence/encoder"), one)
    assert [row.name for row in rows] == ["Own data", "", "Licence", "Own data"]
    assert [row.quote for row in rows] == ["Own data.", "", "Own data.", "Own data."]
    assert [row.id for row in rows] == ["own_data/encoder", "own_data", "licence/encoder", "own_data/encoder"]


def test_a_remark_is_called_so() -> None:
    """It is worth a line, never more, although its outcome is a review."""
    review = replace(REPORT.opinion.criteria[0], outcome=Outcome.REVIEW)
    rows = rows_of(review, replace(review, severity=Severity.REMARK))
    assert [row.outcome_word for row in rows] == ["review", "remark"]


def test_whose_file_a_reference_is_stands_beside_every_comparison() -> None:
    """And beside its source, in the reader's language."""
    report = finding()
    packaged = MadeFrom(Standing.REPACKAGED, "audio 1.0", "audio.gguf", "ab" * 32)
    named = {one.name for component in page(report).components for one in report.references}
    references = tuple(replace(one, made_from=packaged) for one in report.references)
    for lang, said in ((ENGLISH, "repackaged"), (KOREAN, "재배포본")):
        shown = page_of(replace(report, references=references), lang)
        beside = [row.reference for row in shown.comparisons if row.reference.split(" (")[0].split(",")[0] in named]
        assert beside
        assert all(text.endswith(f", {said}") for text in beside)
        assert all(said in row.source for row in shown.references)


@pytest.mark.parametrize(
    ("expired", "words"),
    [
        (False, "[suppressed until 2026-01-31 by a@example.org: agreed with the committee]"),
        (True, "[a suppression by a@example.org expired on 2026-01-31: agreed with the committee]"),
    ],
)
def test_a_suppression_stands_behind_the_finding(expired: bool, words: str) -> None:  # noqa: FBT001
    """The outcome stays as it is."""
    first, *others = page(suppressed(expired=expired)).criteria
    assert first.finding.endswith(words)
    assert first.outcome == Outcome.NOT_MET
    assert not any("suppress" in row.finding for row in others)


def test_a_long_quote_is_cut() -> None:
    """The JSON report has all of it."""
    (row,) = rows_of(replace(REPORT.opinion.criteria[0], quote="q" * 5000, source="s" * 5000))
    assert len(row.quote) == len(row.source) == LONGEST_TEXT


def test_changes_are_those_of_components_that_have_any() -> None:
    """What was done to shared weights stands before what repeats in the component itself."""
    unchanged = Message("changed.unchanged", {"component": "encoder", "reference": "Tiny", "count": 2, "total": 9})
    repeated = Message("repeated.experts", {"component": "encoder", "layers": "0", "count": 2, "experts": 8, "r": 0.9})
    changed = replace(REPORT.components[0], changes=(unchanged,), repeated=(repeated,))
    (row,) = change_rows(replace(REPORT, components=(changed,)), {"encoder": "encoder"}, ENGLISH)
    assert row.label == "encoder"
    assert ["are unchanged" in row.sentences[0], "copies of each other" in row.sentences[1]] == [True, True]
    assert change_rows(REPORT, {"encoder": "encoder"}, ENGLISH) == ()


def test_a_file_says_what_its_digest_covers() -> None:
    """Or that it has none, with its name on one line."""
    known = file_row(FileEvidence("model.safetensors", 2048, "a" * 64, "claimed"), ENGLISH)
    assert (known.size, known.digest) == ("2.00 KiB", "a" * 64)
    assert known.scope == "as the fingerprint says; not checked"
    unknown = file_row(FileEvidence("a\nb", 0, None, None), ENGLISH)
    assert (unknown.name, unknown.digest, unknown.scope) == ("a\\u000ab", "–", "–")


def test_what_is_named_is_visible_and_what_is_not_has_a_dash() -> None:
    """A reference with its part, and facts in one cell."""
    assert with_part("Qwen\u202e", "visual\n") == "Qwen\\u202e (visual\\u000a)"
    assert with_part("Qwen", None) == "Qwen"
    assert with_part("", "visual") == "–"
    assert with_part("Qwen", "visual", "repackaged") == "Qwen (visual), repackaged"
    assert joined("Qwen", None, "", "C\u202eN") == "Qwen, C\\u202eN"
    assert joined() == joined(None, "") == "–"


@pytest.mark.parametrize(
    ("relation", "share", "told"),
    [
        (Relation.IDENTICAL, 0.25, 0.25),
        (Relation.UNRELATED, 0.031, 0.031),
        (Relation.IDENTICAL, 0.02, 0.0),
        (Relation.IDENTICAL, 0.0, 0.0),
        (Relation.NOT_TESTED, 1.0, 0.0),
    ],
)
def test_a_considerable_part_that_was_not_compared_is_told(relation: Relation, share: float, told: float) -> None:
    """Buffers are not, nor is a component of which nothing was compared: its relation says that."""
    component = replace(REPORT.components[0], relation=relation, relations={Relation.NOT_TESTED: share})
    assert uncovered_share(component) == told
