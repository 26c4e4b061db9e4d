"""Checkpoints that no training made are named, each way by its own finding; honest ones are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.training.trajectory.checkpoint_scan import Scanned, scan
from independence_audit.training.trajectory.forgery import blended, combined, made_from_the_end, noise
from independence_audit.training.trajectory.geometry import geometry_of
from independence_audit.training.trajectory.start import CARRIED, Freshness
from tests.training.trajectory.simulated import Weights, seen, training


def scanned(checkpoints: Sequence[Weights]) -> Scanned:
    """What was measured at some checkpoints."""
    return scan(seen(checkpoints))


def mixed(share: float, one: Weights, other: Weights) -> Weights:
    """A blend of two checkpoints."""
    return {role: share * one[role] + (1 - share) * other[role] for role in one}


def keys(checkpoints: Sequence[Weights]) -> set[str]:
    """What is found among some checkpoints, by every way of looking."""
    steps = scanned(checkpoints).steps
    points = geometry_of([step.of("model") for step in steps])
    found = [*combined(steps, points), *blended(steps, "model", ()), *noise(steps, "model", ())]
    return {finding.message.key for finding in found}


@pytest.mark.parametrize("seed", range(4))
def test_honest_checkpoints_are_none_of_them(seed: int) -> None:
    """Nor is a training whose decay leaves little of its draw."""
    assert keys(training(seed)) == set()
    assert keys(training(seed, kept=0.8)) == set()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_a_combination_is_named_with_the_two_it_is_of(share: float) -> None:
    """One between the first and the last, put in the place of an honest one."""
    run = training(1)
    run[4] = dict(mixed(share, run[0], run[-1]))
    steps = scanned(run).steps
    (finding,) = combined(steps, geometry_of([step.of("model") for step in steps]))
    assert finding.contradicts
    assert finding.checkpoints == ("step-40", "step-0", "step-80")


def test_a_run_that_slides_into_another_model_is_blended() -> None:
    """By its clearest checkpoint; where it breaks, a blend is no question."""
    run, other = training(1), training(2)
    slide = [mixed(1 - number / 8, run[0], other[-1]) for number in range(9)]
    random = np.random.default_rng(3)
    noised = [
        {role: each + 0.02 * each.std() * random.normal(size=each.shape) for role, each in one.items()} for one in slide
    ]
    steps = scanned(noised).steps
    (finding,) = blended(steps, "model", ())
    assert finding.contradicts
    assert finding.checkpoints[0] == "step-0"
    assert blended(steps, "model", (3,)) == []


def test_a_step_that_is_noise_is_named() -> None:
    """What training adds depends on itself; noise does not."""
    run, random = training(1), np.random.default_rng(5)
    run[5] = {role: each + 0.3 * each.std() * random.normal(size=each.shape) for role, each in run[4].items()}
    steps = scanned(run).steps
    found = noise(steps, "model", ())
    assert "step-50" in {finding.checkpoints[-1] for finding in found}
    assert all(finding.contradicts for finding in found)
    assert "step-50" not in {finding.checkpoints[-1] for finding in noise(steps, "model", (5,))}


def test_a_draw_that_has_what_training_built_was_made_from_it() -> None:
    """From the limit on, and only where it passes for a draw."""
    first, *_, last = scanned(training(1)).steps
    assert made_from_the_end(first, last, Freshness.INITIAL, CARRIED)[0].contradicts
    assert made_from_the_end(first, last, Freshness.INITIAL, CARRIED - 0.01) == []
    assert made_from_the_end(first, last, Freshness.INITIAL, None) == []
    assert made_from_the_end(first, last, Freshness.TRAINED, 1.0) == []
