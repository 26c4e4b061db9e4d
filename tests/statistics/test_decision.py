"""Corrections for many tests, and what a test could have found."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from independence_audit.statistics.aligned import aligned_test
from independence_audit.statistics.decision import bonferroni, critical_z, detection_bound, linear_bound, simes

P_VALUES = st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=20)
ALPHA = 1e-6


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([], 1.0),
        ([0.3], 0.3),
        ([0.04, 0.01], 0.02),  # min(0.01 * 2/1, 0.04 * 2/2)
        ([0.03, 0.02], 0.03),  # min(0.02 * 2/1, 0.03 * 2/2)
        ([0.5, 0.001, 0.2, 0.03], 0.004),  # min(0.004, 0.06, 0.267, 0.5)
        ([0.5, 0.02, 0.02, 0.02], 0.08 / 3),  # the third of four ranks decides
        ([0.9, 0.95, 1.0], 1.0),
    ],
)
def test_simes_by_hand(p_values: list[float], expected: float) -> None:
    """The smallest of p·m/rank over the ordered p-values."""
    assert simes(p_values) == pytest.approx(expected, rel=1e-12)


@given(P_VALUES)
def test_simes_lies_between_the_smallest_and_bonferroni(p_values: list[float]) -> None:
    """Never below the best p-value nor above its Bonferroni correction, in whatever order they come."""
    combined = simes(p_values)
    assert min(p_values) * (1 - 1e-12) <= combined <= bonferroni(min(p_values), len(p_values)) * (1 + 1e-12)
    assert simes(p_values[::-1]) == combined


@given(P_VALUES, st.data())
def test_simes_is_monotone(p_values: list[float], data: st.DataObject) -> None:
    """Stronger evidence in one test never weakens the whole."""
    place = data.draw(st.integers(0, len(p_values) - 1))
    stronger = [*p_values]
    stronger[place] *= data.draw(st.floats(0.0, 1.0))
    assert simes(stronger) <= simes(p_values)


def test_simes_holds_its_level_under_dependence() -> None:
    """Positively dependent tests without an effect are below 5% in no more than 5% of cases, but for chance."""
    generator = np.random.default_rng(13)
    z = generator.normal(size=(4000, 1)) + generator.normal(size=(4000, 12))
    rejected = np.mean([simes(row) <= 0.05 for row in 2.0 * norm.sf(np.abs(z) / math.sqrt(2.0))])
    assert rejected < 0.05 + 5.0 * math.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize(("p_value", "tests", "expected"), [(0.01, 1, 0.01), (0.01, 5, 0.05), (0.3, 4, 1.0)])
def test_bonferroni_by_hand(p_value: float, tests: int, expected: float) -> None:
    """p times the number of tests, at most 1."""
    assert bonferroni(p_value, tests) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("alpha", "tests", "expected"), [(0.05, 1, 1.959964), (0.05, 10, 2.807034), (1e-6, 1, 4.891638)]
)
def test_critical_z_by_tables(alpha: float, tests: int, expected: float) -> None:
    """The two-sided normal quantile of the level that is each test's share."""
    assert critical_z(alpha, tests) == pytest.approx(expected, abs=1e-6)


@given(st.floats(1e-12, 0.1), st.integers(1, 100_000))
def test_critical_z_is_where_bonferroni_reaches_the_level(alpha: float, tests: int) -> None:
    """A z just there has a corrected p-value of alpha."""
    assert bonferroni(2.0 * norm.sf(critical_z(alpha, tests)), tests) == pytest.approx(alpha, rel=1e-6)


def test_linear_bound_of_the_method() -> None:
    """16 x 4096 independent rows: 0.026 for one test, 0.030 for a thousand."""
    assert linear_bound(4096, 16.0, ALPHA, 1) == pytest.approx(0.026, abs=5e-4)
    assert linear_bound(4096, 16.0, ALPHA, 1000) == pytest.approx(0.030, abs=5e-4)


def test_linear_bound_agrees_with_the_executable_specification(oracle: ModuleType) -> None:
    """The method's own formula, which knows no saturation."""
    for columns, rows, tests in [(64, 1.0, 1), (4096, 67.0, 1000), (1024, 3.2, 50)]:
        expected = oracle.detection_bound(columns, rows, ALPHA, tests)
        assert linear_bound(columns, rows, ALPHA, tests) == pytest.approx(expected, rel=1e-9)


@given(st.integers(2, 20_000), st.floats(1.0, 500.0), st.integers(1, 10_000))
def test_detection_bound_knows_saturation(columns: int, rows: float, tests: int) -> None:
    """Never below the linear bound, never above 1, and near the linear one where there are many columns."""
    bound, linear = detection_bound(columns, rows, ALPHA, tests), linear_bound(columns, rows, ALPHA, tests)
    if bound is None:
        return
    assert linear <= bound <= 1.0
    if columns > 50 * critical_z(ALPHA, tests) ** 2:
        assert bound < 1.05 * linear


@given(st.integers(2, 5_000), st.floats(1.0, 500.0), st.integers(1, 1_000))
def test_more_data_or_fewer_tests_never_raise_the_bound(columns: int, rows: float, tests: int) -> None:
    """Columns and rows lower the bound, tests raise it; None counts as out of reach."""

    def reach(columns: int, rows: float, tests: int) -> float:
        bound = detection_bound(columns, rows, ALPHA, tests)
        return 2.0 if bound is None else bound

    here = reach(columns, rows, tests) * (1 + 1e-12)
    assert reach(columns + 1, rows, tests) <= here
    assert reach(columns, rows + 1.0, tests) <= here
    assert reach(columns, rows, tests + 1) >= here * (1 - 1e-9)


@pytest.mark.parametrize(("columns", "rows"), [(8, 1.0), (32, 16.0), (42, 1000.0), (85, 1.0), (128, 1.0)])
def test_too_few_columns_have_no_bound(columns: int, rows: float) -> None:
    """|z| cannot exceed sqrt(n): up to the needed 6.54² = 42.7 columns no copy is found, with one row up to thrice."""
    assert detection_bound(columns, rows, ALPHA, 1) is None


@pytest.mark.parametrize(
    ("columns", "rows", "alpha", "tests", "tries"),
    [
        (1024, 1, ALPHA, 1, 200),
        (160, 1, ALPHA, 1, 400),
        (128, 1, 1e-2, 1, 500),
        (128, 4, ALPHA, 1, 300),
        (64, 64, ALPHA, 1, 300),
        (256, 16, ALPHA, 1, 200),
        (256, 16, ALPHA, 1000, 200),
    ],
)
def test_power_at_the_bound(columns: int, rows: int, alpha: float, tests: int, tries: int) -> None:
    """Copies that correlate by the bound are found in 95 of 100 cases or more, saturated or not."""
    bound = detection_bound(columns, rows, alpha, tests)
    assert bound is not None
    generator = np.random.default_rng(columns + rows + tests)
    found = 0
    for _ in range(tries):
        first, noise = generator.normal(size=(2, rows, columns))
        tested = aligned_test(first, bound * first + math.sqrt(1.0 - bound**2) * noise)
        found += tested is not None and tested[0].z >= critical_z(alpha, tests)
    assert found / tries > 0.95 - 3.0 * math.sqrt(0.95 * 0.05 / tries)


def test_the_bound_is_not_far_too_large() -> None:
    """At two thirds of the bound most copies are missed: the bound says something."""
    bound = detection_bound(256, 16, ALPHA, 1)
    assert bound is not None
    generator = np.random.default_rng(14)
    found = 0
    for _ in range(100):
        first, noise = generator.normal(size=(2, 16, 256))
        tested = aligned_test(first, bound / 1.5 * first + noise)
        found += tested is not None and tested[0].z >= critical_z(ALPHA, 1)
    assert found < 50
