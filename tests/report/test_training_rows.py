"""Rows of a training: a conclusion for each component, every finding, and the figures of each checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
from independence_audit.report.languages import ENGLISH, LANGUAGES
from independence_audit.report.training_rows import (
    CHECKPOINT_COLUMNS,
    POINT_COLUMNS,
    REFERENCE_COLUMNS,
    SHOWN_TENSORS,
    TrainingRows,
    checkpoint_rows,
    finding_row,
    order_of,
    point_cells,
    reference_rows,
    training_rows,
)

FROZEN = Message("finding.duplicate", {"first": "step-1", "second": "step-2"})
POINT = TrajectoryPoint("step-4", 4, "encoder", 0.42, 0.97, 0.061, None, 0.0)


def through(*checkpoints: CheckpointSummary, order: Order | None = None) -> TrajectoryEvidence:
    """A trajectory of these checkpoints."""
    return TrajectoryEvidence(checkpoints, (), "any", order)


def test_a_training_that_nobody_looked_at_has_no_rows() -> None:
    """Nor has one of no components."""
    assert training_rows(None, ENGLISH) == training_rows(TrainingEvidence(()), ENGLISH) == TrainingRows()


def test_findings_of_logs_follow_those_of_components() -> None:
    """Each under the name of what it was seen in, made visible."""
    component = ComponentTraining("enc\u202eoder", Conclusion.UNTRAINED, findings=(Finding(FROZEN),))
    log = LogEvidence("log.csv", 9, 0, 8, ("step",), (Finding(FROZEN, contradicts=True),))
    rows = training_rows(TrainingEvidence((component,), logs=(log,)), ENGLISH)
    assert [(row.component, row.kind) for row in rows.findings] == [
        ("enc\\u202eoder", "remark"),
        ("log.csv", "contradicts"),
    ]
    (conclusion,) = rows.components
    assert (conclusion.name, conclusion.conclusion) == ("enc\\u202eoder", "untrained")
    assert conclusion.meaning == "its values are still those of an initial draw"


def test_a_conclusion_has_its_grounds_and_limits_in_words() -> None:
    """In the order in which they were found."""
    grounds = (Message("grounds.untrained", {"share": 1.0}), Message("grounds.partly_untrained", {"share": 0.1}))
    component = ComponentTraining("encoder", Conclusion.UNTRAINED, grounds, (Message("limit.sampled"),))
    (row,) = training_rows(TrainingEvidence((component,)), ENGLISH).components
    assert [sentence.partition("%")[0] for sentence in row.grounds] == ["100", "10.0"]
    assert [sentence.partition(" of")[0] for sentence in row.limits] == ["A sample"]


@pytest.mark.parametrize(("number", "marked"), [(0, False), (SHOWN_TENSORS, False), (SHOWN_TENSORS + 1, True)])
def test_a_few_tensors_stand_beside_a_finding(number: int, marked: bool) -> None:  # noqa: FBT001
    """The first ones, long names cut; that there are more is marked."""
    finding = Finding(FROZEN, tensors=tuple(f"{place}.{'x' * 200}" for place in range(number)))
    tensors = finding_row(finding, "encoder", ENGLISH).tensors
    assert tensors.count("xxx…xxx") == min(number, SHOWN_TENSORS)
    assert tensors.endswith(" …") == marked


def test_what_else_could_explain_a_finding_is_one_clause() -> None:
    """Empty where nothing is known."""
    others = (Message("alternative.averaged"), Message("alternative.saved_twice"))
    assert finding_row(Finding(FROZEN, alternatives=others), "encoder", ENGLISH).alternatives == (
        "could also be: an average of checkpoints, handed in as one of them; one checkpoint saved under two names"
    )
    assert finding_row(Finding(FROZEN), "encoder", ENGLISH).alternatives == ""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whoever_says_the_order_is_named(lang: str) -> None:
    """Each in a sentence of its own; reports of before do not say."""
    assert len({order_of(through(order=order), lang) for order in Order}) == len(Order)
    assert order_of(through(), lang) == ""


def test_a_guessed_step_is_told_from_a_known_one() -> None:
    """And from none; a checkpoint that was skipped says why."""
    rows = checkpoint_rows(
        through(
            CheckpointSummary("a", 0, "read"),
            CheckpointSummary("b", 7, "read", guessed=True),
            CheckpointSummary("c", None, "skipped", Message("limit.other_shapes", {"share": 0.5})),
        ),
        ENGLISH,
    )
    assert [row[:3] for row in rows] == [
        ("a", "0", "read"),
        ("b", "7 (from the name)", "read"),
        ("c", "unknown", "skipped"),
    ]
    assert [row[3] for row in rows][:2] == ["", ""]
    assert rows[2][3].startswith("another model: only 50.0%")
    assert {len(row) for row in rows} == {len(CHECKPOINT_COLUMNS)}


def test_a_point_has_its_figures_and_dashes_where_there_are_none() -> None:
    """It is called by its step, or by its name where it has none."""
    assert point_cells(POINT) == ("4", "0.420", "0.9700", "0.061", "–", "0%")
    assert point_cells(replace(POINT, step=None))[0] == "step-4"
    assert len(POINT_COLUMNS) == len(point_cells(POINT))


def test_every_reference_is_a_row_of_the_point() -> None:
    """With the weights as they are, and the update."""
    seen = (
        ReferencePoint("Tiny", 0.01, 0.4, None, None, related=False),
        ReferencePoint("Other\n", 0.5, 33.0, 0.4, 20.0, related=True),
    )
    rows = list(reference_rows(replace(POINT, references=seen)))
    assert rows == [("4", "Tiny", "0.010", "0.4", "–", "–"), ("4", "Other\\u000a", "0.500", "33.0", "0.400", "20.0")]
    assert {len(row) for row in rows} == {len(REFERENCE_COLUMNS)}
    assert list(reference_rows(POINT)) == []
