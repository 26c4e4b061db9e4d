"""A checkpoint's values by place, the plane of two of them, and what one added to another."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.training.trajectory.checkpoint_state import (
    LARGEST,
    added,
    common,
    place_of,
    plane_of,
    rounding_of,
    state_of,
)
from tests.training.hand_made import drawn, fingerprint_of, sample_of

PLACE = ("model", 0, "up", "layers.0.up")


def test_what_is_no_weight_is_zero() -> None:
    """Infinite values, no numbers, and sizes that no weight has."""
    values = drawn(1, 16, 16)
    values[0, :3] = np.inf, np.nan, 10 * LARGEST
    held = state_of(fingerprint_of([sample_of(values, "up")])).values[PLACE]
    assert not held[0, :3].any()
    assert np.array_equal(held[1:], values[1:].astype(np.float32))


def test_rows_that_both_hold_are_common() -> None:
    """A vocabulary that grew keeps its rows; other columns have nothing in common."""
    table, more = drawn(1, 32, 64), drawn(2, 8, 64)
    first = state_of(fingerprint_of([sample_of(table, "up")]))
    grown = state_of(fingerprint_of([sample_of(np.vstack([table, more]), "up")]))
    both = common(first, grown, PLACE)
    assert both is not None
    assert np.array_equal(*both)
    assert both[0].shape == (32, 64)
    assert common(first, state_of(fingerprint_of([sample_of(drawn(1, 32, 48), "up")])), PLACE) is None
    assert common(first, grown, ("model", 1, "up", "layers.1.up")) is None


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.7), (-2.0, 1.0), (1.0, 0.0)])
def test_a_combination_lies_in_the_plane(a: float, b: float) -> None:
    """Nothing of it is beyond; of another matrix all but chance is."""
    x, y, z = (drawn(seed, 64, 64) for seed in (1, 2, 3))
    first, last = (state_of(fingerprint_of([sample_of(one, "up")])) for one in (x, y))
    plane = plane_of(first, last)
    inside, outside = plane.beyond(PLACE, (a * x + b * y).astype(np.float32)), plane.beyond(PLACE, z.astype(np.float32))
    assert inside is not None
    assert outside is not None
    assert np.abs(inside).max() < 1e-6
    assert np.linalg.norm(outside) > 0.95 * np.linalg.norm(z)


def test_one_line_is_no_plane() -> None:
    """A checkpoint and a multiple of it, and nothing at all."""
    x = drawn(1, 32, 32)
    first = state_of(fingerprint_of([sample_of(x, "up")]))
    for other in (x, 2.0 * x, np.zeros_like(x)):
        assert plane_of(first, state_of(fingerprint_of([sample_of(other, "up")]))).directions == {}


def test_what_was_added_is_orthogonal_to_the_draw() -> None:
    """Whatever of the draw is left, half of it or all; without an addition nothing is left."""
    draw, update = drawn(1, 64, 64), drawn(2, 64, 64)
    first = state_of(fingerprint_of([sample_of(draw, "up")]))
    (sample,) = added(first, fingerprint_of([sample_of(0.5 * draw + update, "up")])).samples
    rest = sample.values()
    assert abs(np.corrcoef(rest.ravel(), draw.ravel())[0, 1]) < 1e-4
    assert np.corrcoef(rest.ravel(), update.ravel())[0, 1] > 0.99
    assert added(first, fingerprint_of([sample_of(0.5 * draw, "up")])).samples == ()
    assert added(first, fingerprint_of([sample_of(update, "down")])).samples == ()


def test_a_place_is_that_of_every_checkpoint() -> None:
    """Component, layer, role and name; how it is stored is no part of it."""
    exact, half = sample_of(drawn(1), "up"), sample_of(drawn(1), "up", dtype="BF16")
    assert place_of(exact) == place_of(half) == PLACE
    assert rounding_of(half) > rounding_of(exact)
