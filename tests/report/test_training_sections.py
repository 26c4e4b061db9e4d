"""A training's report as sections: what was handed in decides which there are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import Run, Tool, TrainingReport
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training_evidence import (
    CheckpointSummary,
    ComponentTraining,
    Conclusion,
    Finding,
    LogEvidence,
    Order,
    ReferencePoint,
    TrainingEvidence,
    TrajectoryEvidence,
    TrajectoryPoint,
)
from independence_audit.report.blocks import Chart, Drawing, Paragraph, Points, Section, Table
from independence_audit.report.languages import ENGLISH, LANGUAGES
from independence_audit.report.training_sections import component_section, training_document

QUIET = ComponentTraining("encoder", Conclusion.NO_EVIDENCE)
REPORT = TrainingReport(
    Tool("independence-audit", "1"),
    Run("2026-01-15", "host", "audit scratch a"),
    "a",
    "rows16",
    TrainingEvidence((QUIET,)),
)
POINT = TrajectoryPoint("step-0", 0, "encoder", 1.0, None, None, None, None)
REFERENCE = ReferencePoint("Tiny", 0.01, 0.4, None, None, related=False)
CHECKPOINTS = (CheckpointSummary("step-0", 0, "read"),)
DUPLICATE = Message("finding.duplicate", {"first": "step-1", "second": "step-2"})


def sections_of(report: TrainingReport) -> dict[str, Section]:
    """The sections in English, by their keys."""
    return {section.key: section for section in training_document(report, ENGLISH).sections}


def through(*points: TrajectoryPoint, order: Order | None = None) -> TrainingReport:
    """The report with a trajectory."""
    trajectory = TrajectoryEvidence(CHECKPOINTS, points, "any", order)
    return replace(REPORT, training=replace(REPORT.training, trajectory=trajectory))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_checkpoint_has_conclusions_and_components(lang: str) -> None:
    """Nothing is said of logs, trajectories or notices that there are none of."""
    document = training_document(replace(REPORT, subject="a\nb"), lang)
    assert [section.key for section in document.sections] == ["conclusions", "training_component"]
    (subject,) = document.preface
    assert isinstance(subject, Paragraph)
    assert subject.text.endswith("a\\u000ab")


def test_a_conclusion_that_several_components_share_is_explained_once() -> None:
    """Each component has its row; the meanings follow in a sentence."""
    frozen = ComponentTraining("head", Conclusion.FROZEN_DURING_TRAINING)
    report = replace(REPORT, training=TrainingEvidence((QUIET, frozen, replace(QUIET, component="tower"))))
    table, meanings = sections_of(report)["conclusions"].blocks
    assert isinstance(table, Table)
    assert isinstance(meanings, Paragraph)
    assert [row[0] for row in table.rows] == ["encoder", "head", "tower"]
    assert meanings.text.count("no evidence either way: ") == meanings.text.count("frozen during training: ") == 1


def test_a_component_lists_what_there_is_and_no_empty_list() -> None:
    """Grounds, findings and limits, in this order."""
    assert component_section(QUIET, ENGLISH, 3).blocks == ()
    whole = ComponentTraining(
        "encoder",
        Conclusion.UNTRAINED,
        (Message("grounds.untrained", {"share": 1.0}),),
        (Message("limit.sampled"),),
        (Finding(DUPLICATE, contradicts=True, tensors=("a", "b"), alternatives=(Message("alternative.averaged"),)),),
    )
    section = component_section(whole, ENGLISH, 3)
    assert (section.title, section.level) == ("encoder: untrained", 3)
    lists = [block for block in section.blocks if isinstance(block, Points)]
    assert [each.title for each in lists] == ["It rests on", "Findings, and what else could explain them", "Limits"]
    (finding,) = lists[1].items
    assert finding.text.startswith("[contradicts] step-1 and step-2 have identical values")
    assert finding.text.endswith(" (a, b)")
    assert finding.below == ("could also be: an average of checkpoints, handed in as one of them",)


def test_a_trajectory_has_its_checkpoints_a_chart_and_every_component() -> None:
    """References are a table where there are any; whoever gave the order is named where it is known."""
    sections = training_document(through(POINT, replace(POINT, component="head", references=(REFERENCE,))), ENGLISH)
    (checkpoints, encoder, head) = sections.sections[2:]
    assert [type(block) for block in checkpoints.blocks] == [Table, Chart]
    assert checkpoints.blocks[-1] == Chart(Drawing.TRAJECTORY)
    assert (encoder.title, len(encoder.blocks), head.title, len(head.blocks)) == ("encoder", 1, "head", 2)
    first, *_ = sections_of(through(POINT, order=Order.NAMES))["checkpoints"].blocks
    assert isinstance(first, Paragraph)
    assert "which is a guess" in first.text


def test_logs_and_notices_have_sections_of_their_own() -> None:
    """A log says what it is on one line, even where nothing was found in it."""
    log = LogEvidence("lo\ng.csv", 1200, 0, 9000, ("step", "loss"))
    notice = Message("notice.hostile_name", {"tensor": "../x"})
    sections = sections_of(replace(REPORT, training=replace(REPORT.training, logs=(log,)), notices=(notice,)))
    assert sections["training_log"].title == "Log lo\\u000ag.csv: 1,200 rows, steps 0 to 9,000 (step, loss)"
    assert sections["training_log"].blocks == ()
    (points,) = sections["notices"].blocks
    assert isinstance(points, Points)
    assert "../x" in points.items[0].text


def test_a_message_without_words_stops_the_report() -> None:
    """A report that says what this version cannot word is refused whole."""
    future = replace(QUIET, evidence=(Message("grounds.from_the_future"),))
    with pytest.raises(MalformedError, match=r"grounds\.from_the_future"):
        training_document(replace(REPORT, training=TrainingEvidence((future,))), ENGLISH)
