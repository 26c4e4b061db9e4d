"""Sums over values, added up piece by piece."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.lineage.measure import Numbers
from independence_audit.lineage.sums import Sums, sums_of

FLOATS = st.floats(-1e3, 1e3, width=32)
PAIRS = st.lists(st.tuples(FLOATS, FLOATS), min_size=1, max_size=40).map(lambda pairs: np.array(pairs, np.float64).T)


def added(pair: NDArray[np.float64], *cuts: int) -> Sums:
    """The sums over two arrays, cut into pieces."""
    total = Sums()
    for piece in np.split(pair, sorted(cuts), axis=1):
        total.add(sums_of(piece[0], piece[1]))
    return total


@given(PAIRS, st.lists(st.integers(0, 40), max_size=4))
def test_pieces_add_up_to_the_whole(pair: NDArray[np.float64], cuts: list[int]) -> None:
    """However the values are cut, empty pieces included."""
    whole, pieces = sums_of(pair[0], pair[1]), added(pair, *(min(cut, pair.shape[1]) for cut in cuts))
    assert (pieces.count, pieces.left_out, pieces.equal) == (whole.count, whole.left_out, whole.equal)
    assert pieces.largest == whole.largest
    for name in Sums.__slots__[5:]:
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-6), name


def test_figures_by_hand() -> None:
    """Four pairs: three equal, one of them off by two."""
    numbers = sums_of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 6.0])).numbers()
    assert (numbers.compared_values, numbers.identical_fraction, numbers.max_abs_diff) == (4, 0.75, 2.0)
    assert numbers.cosine == pytest.approx(38 / math.sqrt(30 * 50))
    assert numbers.pearson == pytest.approx(8 / math.sqrt(5 * 14))


def test_unexplained_differences_add_up() -> None:
    """They are counted elsewhere and kept here."""
    total = Sums(unexplained=2)
    total.add(Sums(unexplained=3))
    assert total.unexplained == 5


def test_large_means_do_not_cost_precision() -> None:
    """Spreads are summed about the mean, and means far apart are accounted for when pieces are added."""
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.normal(mean, 1.0, 1000) for mean in (1e6, 1e6, 1e6 + 50)])
    y = x + generator.normal(0, 10.0, 3000)
    numbers = added(np.stack([x, y]), 1000, 2000).numbers()
    assert numbers.pearson == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-9)


def test_values_that_are_not_finite_are_left_out() -> None:
    """In either side."""
    sums = sums_of(np.array([1.0, np.nan, 3.0, 4.0]), np.array([1.0, 2.0, np.inf, 5.0]))
    assert (sums.count, sums.left_out, sums.equal, sums.largest) == (2, 2, 1, 1.0)


@pytest.mark.parametrize("values", [np.zeros(0), np.full(3, np.nan)])
def test_nothing_finite(values: NDArray[np.float64]) -> None:
    """Numbers are absent, never 0."""
    assert sums_of(values, values).numbers() == Numbers(0, len(values), None, None, None, None)


def test_constants_and_zeros() -> None:
    """A constant has no correlation, zeros no direction either."""
    constant, zero = np.full(99, 0.1), np.zeros(99)
    numbers = sums_of(constant, np.arange(99.0)).numbers()
    assert numbers.pearson is None
    assert numbers.cosine is not None
    assert sums_of(zero, constant).numbers().cosine is None


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_any_scale(scale: float) -> None:
    """Neither tiny nor huge values lose their correlation."""
    values = scale * np.random.default_rng(1).normal(size=100)
    numbers = sums_of(values, -2.0 * values).numbers()
    assert numbers.cosine == pytest.approx(-1.0)
    assert numbers.pearson == pytest.approx(-1.0)
