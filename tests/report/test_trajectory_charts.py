"""Trajectory charts: one for each component that was seen twice, by step where steps are known."""

from __future__ import annotations

from dataclasses import replace

from independence_audit.evidence.training_evidence import TrainingEvidence
from independence_audit.report.charts import FRAME
from independence_audit.report.trajectory_charts import trajectory_charts
from tests.report.sample_reports import training


def evidence() -> TrainingEvidence:
    """The sample's training."""
    found = training().training
    assert found is not None
    return found


def test_a_chart_for_each_component() -> None:
    """First, previous, identical and the references are lines; what is missing at a point has no mark there."""
    encoder, head = trajectory_charts(evidence(), FRAME)
    assert (encoder.component, head.component) == ("encoder", "head")
    assert [line.key for line in encoder.series] == ["first_r", "previous_r", "identical_values", "reference"]
    assert [len(line.points) for line in encoder.series] == [4, 3, 3, 4]
    assert encoder.series[-1].name == "Tiny"


def test_places_follow_the_steps() -> None:
    """Steps 0, 1000, 4000 and 10000 are as far apart as they are; without steps checkpoints are evenly apart."""
    encoder, head = trajectory_charts(evidence(), FRAME)
    xs = [x for x, _ in encoder.series[0].points]
    assert abs((xs[1] - xs[0]) * 10 - (xs[3] - xs[0])) < 0.2
    even = [x for x, _ in head.series[0].points]
    assert abs((even[1] - even[0]) - (even[3] - even[2])) < 0.1
    assert [tick.text for tick in encoder.steps] == ["0", "1,000", "4,000", "10,000"]
    assert [tick.text for tick in head.steps] == ["step-0", "step-1000", "step-4000", "step-10000"]


def test_what_is_left_out() -> None:
    """Without a trajectory, or with a component that was seen once only, nothing is drawn."""
    assert trajectory_charts(replace(evidence(), trajectory=None), FRAME) == ()
    trajectory = evidence().trajectory
    assert trajectory is not None
    once = replace(trajectory, points=trajectory.points[:1])
    assert trajectory_charts(replace(evidence(), trajectory=once), FRAME) == ()
