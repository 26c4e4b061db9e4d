"""Sketches: linear, length-keeping, the same for the same shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.training.trajectory.updates import BUCKETS, sketch


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 3000), share=st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_a_combination_of_tensors_is_one_of_their_sketches(seed: int, size: int, share: float) -> None:
    """Exactly, up to rounding."""
    x, y = np.random.default_rng(seed).normal(size=(2, size))
    expected = sketch(x) + share * sketch(y)
    assert sketch(x + share * y) == pytest.approx(expected, abs=1e-9 * size)


def test_lengths_are_kept() -> None:
    """Within the error of its buckets, on average exactly."""
    random = np.random.default_rng(0)
    ratios = [float((sketch(x) ** 2).sum() / (x**2).sum()) for x in random.normal(size=(200, 4096))]
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * (2 / BUCKETS / 200) ** 0.5)
    assert np.std(ratios) == pytest.approx((2 / BUCKETS) ** 0.5, rel=0.25)
