"""What a checkpoint keeps of the first one and of everything else: evenly where training forgets."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.training.trajectory.checkpoint_state import State, state_of
from independence_audit.training.trajectory.ends import FEWEST, Between, ends_of
from tests.training.hand_made import drawn, fingerprint_of, sample_of


def state(values: np.ndarray) -> State:
    """A checkpoint of one matrix."""
    return state_of(fingerprint_of([sample_of(values, "up")]))


def between(first: np.ndarray, middle: np.ndarray, last: np.ndarray) -> Between | None:
    """Where the matrix in the middle stands."""
    one = state(first)
    (place,) = one.samples
    return ends_of(one, state(last)).between(place, state(middle).values[place])


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_forgets_evenly(seed: int) -> None:
    """Decay shrinks the draw and what was there beside it alike; the correlations multiply."""
    first, one, two = (drawn(seed * 10 + number) for number in range(3))
    middle = 0.8 * first + one
    found = between(first, middle, 0.5 * middle + two)
    assert found is not None
    assert found.draw == pytest.approx(0.8 / np.hypot(0.8, 1.0), abs=0.03)
    assert found.draw_kept == pytest.approx(0.5, abs=0.05)
    assert found.rest_kept == pytest.approx(0.5, abs=0.05)
    assert abs(found.excess) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_a_blend_forgets_the_draw_alone(seed: int) -> None:
    """Half of the first one and half of another model, which is where it ends."""
    first, other = drawn(seed), drawn(seed + 50)
    found = between(first, 0.5 * first + 0.5 * other, other)
    assert found is not None
    assert abs(found.draw_kept) < 0.1
    assert found.rest_kept == pytest.approx(2.0, abs=0.1)
    assert found.excess > 0.4


def test_there_is_nothing_to_say_of_what_is_nothing_but_the_first() -> None:
    """The first itself, a multiple of it, another shape, and a matrix of few rows."""
    first, last = drawn(1), drawn(2)
    assert between(first, first, last) is None
    assert between(first, 3.0 * first, last) is None
    assert between(first, drawn(3, 64, 64), last) is None
    few = FEWEST - 1
    assert between(drawn(1, few, 64), drawn(2, few, 64), drawn(3, few, 64)) is None
