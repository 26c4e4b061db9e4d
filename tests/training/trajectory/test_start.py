"""Whether weights are an initial draw, and whether a draw was made from what was trained."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.training.initialisers import UNDECLARED
from independence_audit.training.trajectory.checkpoint_state import State, state_of
from independence_audit.training.trajectory.start import CARRIED, Freshness, carried, start_of
from tests.training.hand_made import drawn, fingerprint_of, sample_of, trained


def state(values: np.ndarray, role: str = "up") -> State:
    """A checkpoint of one matrix."""
    return state_of(fingerprint_of([sample_of(values, role)]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_a_draw_is_initial_whatever_its_law(seed: int, law: str) -> None:
    """Its rows depend on each other no more than chance makes them."""
    random = np.random.default_rng(seed)
    values = random.normal(0, 0.02, (128, 128)) if law == "normal" else random.uniform(-0.03, 0.03, (128, 128))
    found = start_of([sample_of(values, "up"), sample_of(np.ones(128), "attn_norm")], UNDECLARED)
    assert found.freshness == Freshness.INITIAL
    assert found.ratio == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_a_trained_matrix_is_none(seed: int) -> None:
    """A few strong directions are enough, whatever the gains say."""
    found = start_of([sample_of(trained(seed), "up"), sample_of(np.ones(128), "attn_norm")], UNDECLARED)
    assert found.freshness == Freshness.TRAINED
    assert found.ratio > 1.5


def test_nothing_to_tell_by_is_unclear() -> None:
    """No matrix, one that is too small, and values that are no numbers."""
    small = sample_of(drawn(1, 8, 8), "up")
    broken = sample_of(np.full((64, 64), np.nan), "up")
    for samples in ([], [small], [broken], [sample_of(np.ones(4), "up.bias")]):
        assert start_of(samples, UNDECLARED).freshness == Freshness.UNCLEAR


def test_an_output_that_starts_at_zero_is_initial() -> None:
    """As some designs have it."""
    zeros = sample_of(np.zeros((64, 64)), "down")
    assert start_of([zeros, sample_of(drawn(1), "up")], UNDECLARED).freshness == Freshness.INITIAL


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_draw_lacks_what_training_built(seed: int) -> None:
    """The strong directions of the last checkpoint are not in the first one."""
    found = carried(state(drawn(seed)), state(trained(seed)), "model")
    assert found is not None
    assert found < CARRIED / 2


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_trained_weights_with_noise_have_it(noise: float) -> None:
    """However loud the noise is that makes a draw of them."""
    last = trained(1)
    first = last + noise * last.std() * np.random.default_rng(9).normal(size=last.shape)
    found = carried(state(first), state(last), "model")
    assert found is not None
    assert found > CARRIED


def test_without_a_draw_or_directions_nothing_is_compared() -> None:
    """Two draws, another component, other shapes."""
    first, last = state(drawn(1)), state(trained(1))
    assert carried(first, state(drawn(2)), "model") is None
    assert carried(first, last, "tower") is None
    assert carried(state(drawn(1, 64, 64)), last, "model") is None
