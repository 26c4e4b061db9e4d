"""Logs against checkpoints: an honest pair is silent; gaps, restarts and contradictions are named."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from independence_audit.evidence.training_evidence import LogEvidence, TrajectoryPoint
from independence_audit.training.log_check import Weights, log_evidence
from independence_audit.training.logs import Log, Row

COLUMNS = ("step", "loss", "learning_rate")
STEPS = 800
EVERY = 100


def rate(step: int) -> float:
    """Warm-up, then a cosine."""
    return 1e-3 * (step / 40 if step < 40 else 0.55 + 0.45 * math.cos(math.pi * step / STEPS))


def log(
    loss: Callable[[int], float] = lambda step: 2.0 + 3.5 * math.exp(-step / 100),
    rates: Callable[[int], float] = rate,
    keep: Callable[[int], bool] = lambda step: True,
) -> Log:
    """A log with a row every 5 steps."""
    rows = tuple(Row(step, loss(step), rates(step), None) for step in range(1, STEPS + 1, 5) if keep(step))
    return Log("log.csv", rows, COLUMNS)


def weights(
    size: Callable[[int], float] = lambda step: 300 * rate(step), identical: Callable[[int], float] = lambda step: 0.0
) -> Weights:
    """Checkpoints whose updates follow the rate."""
    points = [TrajectoryPoint("step-0", 0, "model", 1.0, None, None, None, None)]
    points += [
        TrajectoryPoint(f"step-{step}", step, "model", 0.8, 0.9, size(step - EVERY // 2), 0.3, identical(step))
        for step in range(EVERY, STEPS + 1, EVERY)
    ]
    return Weights(points, initial=True, vocabulary=256)


def keys(evidence: LogEvidence) -> list[str]:
    """What was found."""
    return [finding.message.key.partition(".")[2] for finding in evidence.findings]


def contradictions(evidence: LogEvidence) -> list[str]:
    """What contradicts the weights."""
    return [finding.message.key.partition(".")[2] for finding in evidence.findings if finding.contradicts]


def test_an_honest_log_is_silent() -> None:
    """Steps, columns, and nothing found."""
    evidence = log_evidence(log(), weights())
    assert not evidence.findings
    assert (evidence.first_step, evidence.last_step, evidence.rows) == (1, 796, 160)


def test_a_gap_and_a_restart_are_remarks() -> None:
    """A hole, and steps that go back."""
    assert keys(log_evidence(log(keep=lambda step: not 300 < step < 500), weights())) == ["log_gap"]
    rows = log().rows
    again = Log("log.csv", (*rows[:100], *rows[60:]), COLUMNS)
    evidence = log_evidence(again, weights())
    assert keys(evidence) == ["log_restart"]
    assert not contradictions(evidence)


def test_checkpoints_behind_the_log() -> None:
    """It ends before they do."""
    evidence = log_evidence(log(keep=lambda step: step < 500), weights())
    assert keys(evidence) == ["log_ends_early"]
    assert evidence.findings[0].checkpoints == ("step-600", "step-700", "step-800")


def test_a_loss_of_trained_weights_contradicts_an_initial_draw() -> None:
    """A first loss of 2 nats among 256 tokens; without a verified draw nothing is said."""
    late = log(loss=lambda step: 2.0 - step / 2000)
    assert contradictions(log_evidence(late, weights())) == ["log_starts_trained"]
    known = weights()
    assert not contradictions(log_evidence(late, Weights(known.points, initial=False, vocabulary=256)))
    assert not contradictions(log_evidence(late, Weights(known.points, initial=True, vocabulary=None)))


def test_a_log_that_begins_late_is_no_contradiction() -> None:
    """Its first loss says nothing of the draw."""
    assert not contradictions(log_evidence(log(keep=lambda step: step > 200), weights()))


def test_a_loss_that_stays_is_a_remark() -> None:
    """Nothing was learned."""
    assert "log_loss_stays" in keys(log_evidence(log(loss=lambda step: 5.5), weights()))


def test_guessed_steps_contradict_no_log() -> None:
    """Epochs 0 to 8 are no steps of the warm-up in which the log's rate is zero."""
    known = weights()
    still = log(rates=lambda step: 0.0 if 300 < step <= 400 else rate(step))
    assert contradictions(log_evidence(still, known)) == ["log_changed_at_zero_rate"]
    guessed = log_evidence(still, replace(known, guessed=True))
    assert keys(guessed) == ["log_changed_at_zero_rate"]
    assert not contradictions(guessed)
    assert guessed.findings[0].alternatives[0].key == "alternative.guessed_step"


@pytest.mark.parametrize(
    ("rates", "identical", "key"),
    [
        (lambda step: 0.0 if 300 < step <= 400 else rate(step), lambda step: 0.0, "log_changed_at_zero_rate"),
        (rate, lambda step: 1.0 if step == 400 else 0.0, "log_unchanged_at_rate"),
    ],
)
def test_a_rate_that_the_weights_contradict(
    rates: Callable[[int], float], identical: Callable[[int], float], key: str
) -> None:
    """Changed without a rate, or unchanged with one."""
    evidence = log_evidence(log(rates=rates), weights(identical=identical))
    assert key in contradictions(evidence)
    [finding] = [each for each in evidence.findings if each.contradicts]
    assert finding.checkpoints == ("step-300", "step-400")


def test_updates_that_do_not_follow_the_rate_are_a_remark() -> None:
    """Equal steps, as an interpolation makes them, or growing ones beside a falling rate."""
    assert keys(log_evidence(log(), weights(size=lambda step: 0.01 + step / 1e5))) == ["log_rate_against_updates"]
    assert not keys(log_evidence(log(rates=lambda step: 1e-3), weights(size=lambda step: step / 1e5)))
