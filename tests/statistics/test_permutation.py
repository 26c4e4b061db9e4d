"""The permutation statistic of a cross-product."""

from __future__ import annotations

import math
import tracemalloc
from itertools import permutations

import numpy as np
import pytest

from independence_audit.statistics.permutation import (
    DenseProduct,
    OuterProduct,
    Statistic,
    ThinProduct,
    cross_product,
    permutation_statistic,
)
from independence_audit.statistics.scores import normal_scores
from tests.statistics import specification
from tests.statistics.pairs_of_tensors import KINDS, SHAPES, Pair, relatives, strangers


def check(pair: Pair) -> None:
    """Compare the statistic of a pair with the dense one, figure by figure."""
    first, second = (specification.scores(each) for each in pair)
    found = permutation_statistic(cross_product(first, second))
    expected = specification.statistic(first.T @ second)
    assert found is not None
    for name in Statistic.__slots__:
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_the_dense_computation(kind: str, shape: tuple[int, int]) -> None:
    """Looking only at the entries that clipping can touch changes no figure, related or not."""
    check(strangers(kind, shape))
    check(relatives(kind, shape))


@pytest.mark.parametrize("columns", [2, 3, 5, 9])
def test_agrees_on_few_columns(columns: int) -> None:
    """The smallest matrices as well."""
    generator = np.random.default_rng(columns)
    for _ in range(20):
        pair = generator.normal(size=(2, 1, columns))
        check((pair[0], pair[1]))


def test_wide_vector_agrees() -> None:
    """A vector of some thousand values, whose matrix the statistic never forms."""
    check(strangers("normal", (1, 3000)))


@pytest.mark.parametrize("kind", ["normal", "near_constant"])
def test_vector_needs_no_square_memory(kind: str) -> None:
    """The cross-product of two vectors is never formed, nor anything of its size, whatever the values."""
    first, second = (normal_scores(each) for each in strangers(kind, (1, 2100)))
    tracemalloc.start()
    permutation_statistic(cross_product(first, second))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2100 * 2100 * 8


@pytest.mark.parametrize("shape", [(1, 200), (1, 7)])
def test_outer_product_agrees_with_the_same_matrix_held_in_memory(shape: tuple[int, int]) -> None:
    """The two ways to hold a vector's cross-product are one product."""
    first, second = (specification.scores(each)[0] for each in relatives("tied", shape))
    outer, dense = OuterProduct(first, second), DenseProduct(np.outer(first, second))
    assert outer.largest() == dense.largest()
    assert outer.square_sum == pytest.approx(dense.square_sum, rel=1e-12)
    np.testing.assert_array_equal(outer.diagonal, dense.diagonal)
    for limit in (-1.0, 0.1, 0.9, 2.0, 100.0):
        row, column = outer.above(limit)
        np.testing.assert_array_equal(outer.values(row, column), dense.matrix[row, column])
        assert set(zip(row, column, strict=True)) == set(zip(*dense.above(limit), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_thin_product_finds_the_entries_that_the_matrix_has(kind: str) -> None:
    """Single precision with a margin loses no entry above a limit and adds none."""
    first, second = (normal_scores(each) for each in strangers(kind, (5, 300)))
    thin, dense = ThinProduct(first, second), DenseProduct(first.T @ second)
    assert thin.square_sum == pytest.approx(dense.square_sum, rel=1e-12)
    assert thin.largest() == pytest.approx(dense.largest(), rel=1e-6)
    np.testing.assert_allclose(thin.diagonal, dense.diagonal, atol=1e-12)
    for limit in (-1.0, 0.5, 3.0, float(np.abs(dense.matrix[7, 9])) - 1e-12, 1e9):
        row, column = thin.above(limit)
        np.testing.assert_allclose(thin.values(row, column), dense.matrix[row, column], atol=1e-12)
        assert len(row) <= thin.count_above(limit)
        assert set(zip(row, column, strict=True)) == set(zip(*dense.above(limit), strict=True))


def test_few_rows_are_never_multiplied_out() -> None:
    """The cross-product of a vector or a thin matrix is not formed; that of a taller one is."""
    rows = np.arange(24.0).reshape(3, 8)
    assert isinstance(cross_product(rows[:1], rows[:1]), OuterProduct)
    assert isinstance(cross_product(rows[:2], rows[:2]), ThinProduct)
    assert isinstance(cross_product(rows, rows), DenseProduct)


def test_mean_and_variance_of_the_trace_are_those_of_all_permutations() -> None:
    """E[T] = 0 and Var[T] = ‖a‖²/(n-1), exactly: every permutation of six columns is tried."""
    first, second = (specification.scores(each) for each in strangers("normal", (3, 6)))
    product = cross_product(first, second)
    traces = [float((first[:, list(order)] * second).sum()) for order in permutations(range(6))]
    assert np.mean(traces) == pytest.approx(0.0, abs=1e-12)
    assert np.var(traces) == pytest.approx(product.square_sum / 5, rel=1e-12)


def test_signs_that_disagree_give_zero() -> None:
    """One outlier on the diagonal outweighs the rest before clipping, not after: no evidence either way."""
    generator = np.random.default_rng(1)
    pairs = (generator.normal(size=(2, 1, 30)) for _ in range(400))
    found = [permutation_statistic(cross_product(*map(specification.scores, pair))) for pair in pairs]
    disagreeing = [one for one in found if one is not None and one.winsorised * one.sign_flip < 0.0]
    assert disagreeing
    assert {one.z for one in disagreeing} == {0.0}


def test_the_smaller_statistic_counts() -> None:
    """Where the signs agree, z is one of the two, with their sign, and no larger than either."""
    for kind in KINDS:
        found = permutation_statistic(cross_product(*map(specification.scores, relatives(kind, (3, 50)))))
        assert found is not None
        assert abs(found.z) == min(abs(found.winsorised), abs(found.sign_flip))
        assert math.copysign(1.0, found.z) == math.copysign(1.0, found.winsorised)


@pytest.mark.parametrize("columns", [2, 16, 300])
def test_sign_flips_are_bounded_by_the_root_of_the_columns(columns: int) -> None:
    """Even an exact copy does not exceed sqrt(n): narrow tensors cannot accuse alone."""
    rows = specification.scores(np.random.default_rng(2).normal(size=(4, columns)))
    found = permutation_statistic(cross_product(rows, rows))
    assert found is not None
    assert abs(found.z) <= math.sqrt(columns) * (1 + 1e-12)


@pytest.mark.parametrize("matrix", [np.zeros((1, 5)), np.zeros((3, 5)), np.zeros((3, 1)), np.zeros((1, 1))])
def test_nothing_to_test(matrix: specification.Matrix) -> None:
    """No variation, or one column only: there is no statistic."""
    assert permutation_statistic(cross_product(matrix, matrix)) is None


def test_the_product_is_left_alone() -> None:
    """The statistic does not write to the cross-product that the joint test takes next."""
    first, second = (specification.scores(each) for each in relatives("outlier_columns", (30, 50)))
    product = cross_product(first, second)
    assert isinstance(product, DenseProduct)
    before = product.matrix.copy()
    permutation_statistic(product)
    np.testing.assert_array_equal(product.matrix, before)


def test_square_sum_survives_cancellation() -> None:
    """Rows whose products cancel leave rounding errors in the Grams; the entries' own squares do not."""
    generator = np.random.default_rng(3)
    one, other, noise = (each - each.mean() for each in generator.normal(size=(3, 40)))
    first, second = np.stack([one, one]), np.stack([other, 1e-9 * noise - other])
    exact = float(one @ one) * float(noise @ noise) * 1e-18  # XᵀY is one's product with the sum of the other's rows
    assert ThinProduct(first, second).square_sum == pytest.approx(exact, rel=1e-5)
