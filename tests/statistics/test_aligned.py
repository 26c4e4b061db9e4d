"""The aligned test of one tensor."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from independence_audit.statistics.aligned import AlignedTest, aligned_test, two_sided
from tests.statistics import specification
from tests.statistics.pairs_of_tensors import KINDS, SHAPES, relatives, strangers

FEWER = settings(max_examples=40)
INTEGERS = st.integers(-6, 6)
PAIRS = st.tuples(st.integers(1, 4), st.integers(2, 30)).flatmap(
    lambda shape: st.tuples(*(arrays(np.float64, shape, elements=INTEGERS, fill=st.nothing()) for _ in range(2)))
)


def result_of(first: Any, second: Any) -> AlignedTest | None:
    """The test without the cross-product."""
    found = aligned_test(first, second)
    return found[0] if found else None


def check_same(one: AlignedTest | None, other: AlignedTest | None, sign: float = 1.0) -> None:
    """Two tests agree but for the order of their sums, and perhaps the sign."""
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert one.z == pytest.approx(sign * other.z, rel=1e-9, abs=1e-9)
    assert one.r == pytest.approx(sign * other.r, rel=1e-9, abs=1e-12)
    assert one.effective_rows == pytest.approx(other.effective_rows, rel=1e-9)
    assert one.jump == pytest.approx(other.jump, rel=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_executable_specification(oracle: ModuleType, kind: str, shape: tuple[int, int]) -> None:
    """The method's own code gives the same figures, related or not."""
    for pair in (strangers(kind, shape), relatives(kind, shape)):
        found, expected = result_of(*pair), oracle.aligned_test(*pair)
        assert found is not None
        assert found.z == pytest.approx(expected["z"], rel=1e-9, abs=1e-9)
        assert found.p_value == pytest.approx(max(expected["p"], 1e-300), rel=1e-6)
        assert found.r == pytest.approx(expected["r"], rel=1e-9, abs=1e-12)
        assert found.effective_rows == pytest.approx(expected["r_eff"], rel=1e-9)
        assert found.jump == pytest.approx(expected["jump"], rel=1e-9)
        assert found.columns == expected["n"]


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_the_dense_computation(kind: str) -> None:
    """The same from the formulas as the method words them."""
    first, second = relatives(kind, (16, 200))
    found = result_of(first, second)
    one, other = specification.scores(first), specification.scores(second)
    product = one.T @ other
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    expected = specification.statistic(product)
    assert found is not None
    assert found.z == pytest.approx(expected.z, rel=1e-9)
    assert found.p_value == pytest.approx(2.0 * norm.sf(abs(expected.z)), rel=1e-6)
    assert found.r == pytest.approx(np.trace(product) / size, rel=1e-9)
    assert found.effective_rows == pytest.approx(size**2 / (product**2).sum(), rel=1e-9)
    assert found.jump == pytest.approx(expected.jump, rel=1e-9)


def test_cross_product_is_that_of_the_scores() -> None:
    """What the joint test is given is XᵀY of the normal scores."""
    first, second = strangers("tied", (3, 50))
    found = aligned_test(first, second)
    assert found is not None
    rows, columns = np.divmod(np.arange(2500), 50)
    expected = specification.scores(first).T @ specification.scores(second)
    np.testing.assert_allclose(found[1].values(rows, columns), expected.ravel(), atol=1e-12)


@FEWER
@given(PAIRS, st.randoms(use_true_random=False))
def test_invariant_under_a_joint_permutation_of_the_columns(pair: Any, random: Any) -> None:
    """Which column is called the first says nothing."""
    first, second = pair
    order = random.sample(range(first.shape[1]), first.shape[1])
    check_same(result_of(first[:, order], second[:, order]), result_of(first, second))


@FEWER
@given(PAIRS, st.randoms(use_true_random=False))
def test_invariant_under_a_joint_permutation_of_the_rows(pair: Any, random: Any) -> None:
    """Nor does which row."""
    first, second = pair
    order = random.sample(range(first.shape[0]), first.shape[0])
    check_same(result_of(first[order], second[order]), result_of(first, second))


@FEWER
@given(PAIRS)
def test_symmetric_in_its_two_sides(pair: Any) -> None:
    """Who is the subject and who the reference changes nothing."""
    first, second = pair
    check_same(result_of(second, first), result_of(first, second))


@FEWER
@given(PAIRS)
def test_changes_sign_with_one_side(pair: Any) -> None:
    """A negated copy is as strong evidence, with the other sign."""
    first, second = pair
    check_same(result_of(-first, second), result_of(first, second), sign=-1.0)
    check_same(result_of(-first, -second), result_of(first, second))


@FEWER
@given(PAIRS, st.lists(st.sampled_from([lambda x: x**3, np.exp, lambda x: 1e6 * x - 5.0, np.arctan]), min_size=4))
def test_invariant_under_increasing_functions_of_a_row(pair: Any, functions: Any) -> None:
    """Only the order of a row's values counts: no outlier, scale or offset carries the test."""
    first, second = pair
    bent = np.stack([function(row) for function, row in zip(functions, second, strict=False)])
    assert result_of(first, bent) == result_of(first, second)


def test_exact_copy() -> None:
    """A copy has r = 1 and is worth as many rows as it is independent."""
    rows = np.random.default_rng(3).normal(size=(16, 400))
    found = result_of(rows, rows)
    assert found is not None
    assert found.r == pytest.approx(1.0, abs=1e-12)
    assert found.z > 15.0
    assert found.p_value < 1e-40
    assert 10.0 < found.effective_rows < 16.0


def test_repeated_rows_are_worth_one() -> None:
    """Rows that repeat each other add nothing: z is that of one row, and so are the effective rows."""
    first, second = relatives("normal", (1, 300))
    single, many = result_of(first, second), result_of(np.repeat(first, 8, axis=0), np.repeat(second, 8, axis=0))
    check_same(many, single)
    assert single is not None
    assert single.effective_rows == pytest.approx(1.0)


def test_values_that_are_not_finite_do_not_carry_it() -> None:
    """A shared pattern of NaN and infinities is no evidence between strangers, and leaves a copy to be found."""
    generator = np.random.default_rng(4)
    first, second = generator.normal(size=(2, 8, 300))
    hole = generator.random((8, 300)) < 0.3
    for each in (first, second):
        each[hole] = np.nan
        each[:, 7] = np.inf
    stranger, copy = result_of(first, second), result_of(first, first)
    assert stranger is not None
    assert copy is not None
    assert abs(stranger.z) < 5.0
    assert copy.z > 12.0


@pytest.mark.parametrize("shape", [(1, 40), (5, 40)])
def test_constant_side_is_no_test(shape: tuple[int, int]) -> None:
    """Where a side does not vary along the axis there is nothing to permute."""
    varied = np.random.default_rng(5).normal(size=shape)
    constant = np.broadcast_to(np.arange(shape[0], dtype=float)[:, None], shape)
    assert aligned_test(varied, constant) is None
    assert aligned_test(constant, varied) is None
    assert aligned_test(constant, constant) is None


def test_scores_that_never_meet_are_no_test() -> None:
    """Each side varies only in rows in which the other is constant."""
    varied = np.random.default_rng(6).normal(size=(1, 40))
    still = np.ones((1, 40))
    assert aligned_test(np.concatenate([varied, still]), np.concatenate([still, varied])) is None


@pytest.mark.parametrize("columns", [2000, 2100])
def test_nearly_constant_vectors_are_tested_or_said_not_to_be(columns: int) -> None:
    """A copy of a vector of a hundred values among zeros is found or not tested; it never reads as silence."""
    generator = np.random.default_rng(0)
    kept = generator.random((1, columns)) < 0.05
    first, noise = kept * generator.normal(size=(2, 1, columns))
    found = result_of(first, first + 0.3 * noise)
    assert found is None or found.z > 5.0


@pytest.mark.parametrize("z", [0.0, 0.5, -1.96, 4.0, -8.0, 30.0])
def test_two_sided_p_value(z: float) -> None:
    """Twice the normal tail."""
    assert two_sided(z) == pytest.approx(2.0 * norm.sf(abs(z)), rel=1e-12)


def test_p_value_never_reads_as_zero() -> None:
    """Beyond what a float holds the p-value stays positive."""
    assert two_sided(100.0) == two_sided(-math.inf) == 1e-300
