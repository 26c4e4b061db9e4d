"""What the evidence of a training says of itself: whether it says anything, and what only a seed explains."""

from __future__ import annotations

import pytest

from independence_audit.evidence.training_evidence import (
    ComponentTraining,
    Conclusion,
    ReplayEvidence,
    TrainingEvidence,
    TrajectoryEvidence,
)

QUIET = ComponentTraining("model", Conclusion.NO_EVIDENCE)


def test_one_checkpoint_that_shows_nothing_does_not_speak() -> None:
    """Nor does a training of no components."""
    assert not TrainingEvidence((QUIET, QUIET)).speaks
    assert not TrainingEvidence(()).speaks


@pytest.mark.parametrize("conclusion", [each for each in Conclusion if each is not Conclusion.NO_EVIDENCE])
def test_one_component_with_a_conclusion_is_enough(conclusion: Conclusion) -> None:
    """Whichever it is, beside others without any."""
    assert TrainingEvidence((QUIET, ComponentTraining("tower", conclusion), QUIET)).speaks


def test_a_trajectory_speaks_even_where_nothing_follows_from_it() -> None:
    """What was handed in is told."""
    assert TrainingEvidence((QUIET,), TrajectoryEvidence((), (), "any")).speaks


@pytest.mark.parametrize(("identical", "constant", "drawn"), [(20, 8, 12), (8, 8, 0), (20, 0, 20)])
def test_tensors_that_any_seed_gives_are_not_drawn(identical: int, constant: int, drawn: int) -> None:
    """Gains and biases are equal without any replay: they count for nothing."""
    replay = ReplayEvidence("Llama", 1, "torch 2", "step-0", tensors=20, identical=identical, constant=constant)
    assert replay.drawn == drawn
