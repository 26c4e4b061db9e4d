"""Normal scores of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from independence_audit.statistics.scores import normal_scores
from tests.statistics import specification
from tests.statistics.pairs_of_tensors import KINDS, SHAPES, strangers

TIED_ROWS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-3, 3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_ranks_and_quantiles(kind: str, shape: tuple[int, int]) -> None:
    """Scores are the normal quantiles of the midranks, centred, ties included."""
    rows, _ = strangers(kind, shape)
    np.testing.assert_allclose(normal_scores(rows), specification.scores(rows), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_worked_example(dtype: Any) -> None:
    """Four values with one tie: midranks 1, 2.5, 2.5, 4, so quantiles at 1/8, 1/2, 1/2, 7/8."""
    scores = normal_scores(np.array([[5.0, -1.0, 5.0, 100.0]], dtype))
    outer = 1.1503493803760079
    np.testing.assert_allclose(scores, [[0.0, -outer, 0.0, outer]], atol=1e-15)
    assert scores.dtype == np.float64


@given(TIED_ROWS)
def test_rows_are_centred_and_ties_share_a_score(rows: Any) -> None:
    """Every row of scores sums to zero and is ordered as its values are."""
    scores = normal_scores(rows)
    np.testing.assert_allclose(scores.sum(axis=1), 0.0, atol=1e-12)
    for row, own in zip(rows, scores, strict=True):
        ordered = np.argsort(row, kind="stable")
        assert np.array_equal(np.diff(own[ordered]) > 0.0, np.diff(row[ordered]) > 0.0)


@given(TIED_ROWS)
def test_rows_do_not_see_each_other(rows: Any) -> None:
    """The scores of a row are the same alone and among others."""
    assert np.array_equal(normal_scores(rows), np.concatenate([normal_scores(row[None]) for row in rows]))


@pytest.mark.parametrize("value", [0.0, -3.7, 1e-300, 1e30])
@pytest.mark.parametrize("columns", [1, 2, 3, 7, 1000])
def test_constant_rows_are_exactly_zero(value: float, columns: int) -> None:
    """A constant row has no order; not even a rounding error may be left of it."""
    assert not normal_scores(np.full((2, columns), value)).any()


def test_positive_and_negative_zero_are_tied() -> None:
    """The sign of zero is no order."""
    assert not normal_scores(np.array([[0.0, -0.0, 0.0, -0.0]])).any()


def test_values_that_are_not_finite_score_zero() -> None:
    """NaN and infinities are left out of the ranking; the rest is scored as if they were not there."""
    rows = np.array([[3.0, np.nan, 1.0, np.inf, 2.0, -np.inf, 2.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    scores = normal_scores(rows)
    assert not scores[0, [1, 3, 5]].any()
    np.testing.assert_array_equal(scores[0, [0, 2, 4, 6]], normal_scores(np.array([[3.0, 1.0, 2.0, 2.0]]))[0])
    np.testing.assert_array_equal(scores[1], normal_scores(rows[1:])[0])


def test_row_without_a_finite_value_is_zero() -> None:
    """Nothing is made of nothing."""
    assert not normal_scores(np.array([[np.nan, np.inf, -np.inf]])).any()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_empty_matrices_stay_empty(shape: tuple[int, int]) -> None:
    """No rows or no columns give no scores."""
    assert normal_scores(np.zeros(shape)).shape == shape


def test_the_input_is_left_alone() -> None:
    """Scoring does not write to the values it scores."""
    rows = np.array([[3.0, np.nan, 1.0], [2.0, 2.0, 0.0]])
    before = rows.copy()
    normal_scores(rows)
    np.testing.assert_array_equal(rows, before)
