"""Whitened responses to anchors are what they are in any basis of the width."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.statistics.anchors import root, unit_rows, whitened, whitened_responses
from tests.statistics.layers import layer

TALL, WIDE = (24, 64), (64, 24)
"""Fewer anchors than the width, and more, of which no more than the width are independent."""


def drawn(shape: tuple[int, int], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Anchors of a shape and thirty units of their width."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=shape), generator.normal(size=(30, shape[1]))


def test_responses_are_those_of_the_specification(oracle: ModuleType) -> None:
    """Whitening by the Gram matrix is what the specification does."""
    one = layer(1)
    expected = oracle.whitened_responses(one.anchors, one.gate)
    np.testing.assert_allclose(whitened_responses(one.anchors, one.gate), expected, atol=1e-9)


@given(seed=st.integers(0, 1000), shape=st.sampled_from([TALL, WIDE]))
@settings(max_examples=20, deadline=None)
def test_no_turn_of_the_width_changes_them(seed: int, shape: tuple[int, int]) -> None:
    """Anchors and units turned together respond as before, whether or not there are more anchors than the width."""
    anchors, units = drawn(shape, seed)
    turn = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(shape[1], shape[1])))[0]
    before, after = whitened_responses(anchors, units), whitened_responses(anchors @ turn, units @ turn)
    np.testing.assert_allclose(after, before, atol=1e-8)


def test_cosines_within_the_anchors_span_are_kept() -> None:
    """Where anchors span the width, two units are as like by their responses as by their weights."""
    anchors, units = drawn(WIDE, 3)
    seen, plain = whitened_responses(anchors, units), unit_rows(units)
    np.testing.assert_allclose(seen @ seen.T, plain @ plain.T, atol=1e-9)


def test_size_does_not_count() -> None:
    """A unit, its multiple and its opposite have one response up to its sign; a dead one has none and is no error."""
    anchors, units = drawn(TALL, 4)
    found = whitened_responses(anchors, np.stack([units[0], 7.0 * units[0], -units[0], 0.0 * units[0]]))
    np.testing.assert_allclose(found[1:], [found[0], -found[0], 0.0 * found[0]], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found[:3], axis=1), 1.0)


@pytest.mark.parametrize("shape", [TALL, WIDE])
def test_roots_undo_each_other_where_there_is_something(shape: tuple[int, int]) -> None:
    """G^(-1/2) G^(1/2) projects on what anchors span: copies of an anchor and rounding add no direction."""
    anchors, _ = drawn(shape, 5)
    anchors = np.concatenate([anchors, anchors[:4]])
    gram = anchors @ anchors.T
    projection = root(gram, -0.5) @ root(gram, 0.5)
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-9)
    np.testing.assert_allclose(root(gram, 0.5) @ root(gram, 0.5), gram, atol=1e-9)
    assert np.trace(projection) == pytest.approx(min(shape))


def test_anchors_without_values_give_zeros() -> None:
    """Nothing is divided by nothing."""
    assert not root(np.zeros((5, 5)), -0.5).any()
    assert not whitened(np.zeros((3, 5)), np.zeros((5, 5))).any()
