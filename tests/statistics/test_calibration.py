"""Between strangers the aligned test is standard normal, or quieter; thousands of cases with a fixed seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from independence_audit.statistics.aligned import aligned_test
from tests.statistics.pairs_of_tensors import KINDS
from tests.statistics.specification import plain_z

CHANCE = 1e-5
"""How likely a bound of these tests would fail under the law it states, if the seed were not fixed."""


def z_of_strangers(kind: str, shape: tuple[int, int], cases: int) -> NDArray[np.float64]:
    """z of matrices that have nothing to do with each other."""
    generator = np.random.default_rng(21)
    tests = (aligned_test(KINDS[kind](generator, shape), KINDS[kind](generator, shape)) for _ in range(cases))
    return np.array([found[0].z for found in tests if found])


@pytest.mark.parametrize(
    ("kind", "shape", "cases"),
    [("normal", (8, 64), 2000), ("normal", (1, 192), 1500), ("tied", (4, 64), 1000), ("low_rank", (16, 64), 1000)],
)
def test_p_values_are_uniform_or_larger(kind: str, shape: tuple[int, int], cases: int) -> None:
    """Mean 0, sd near 1 and never above; tail counts at most binomial, and not far below where they can be seen."""
    z = z_of_strangers(kind, shape, cases)
    assert len(z) == cases
    error = 4.5 / math.sqrt(cases)
    assert abs(z.mean()) < error
    assert 0.88 < z.std() < 1.0 + error / math.sqrt(2.0)
    p_values = 2.0 * norm.sf(np.abs(z))
    for level in (0.5, 0.1, 0.05, 0.01, 1e-3):
        count = int((p_values <= level).sum())
        assert count <= binom.isf(CHANCE, cases, level)
        if level >= 0.05:
            assert count >= binom.ppf(CHANCE, cases, 0.65 * level)
    assert np.abs(z).max() < norm.isf(CHANCE / cases)


@pytest.mark.parametrize(("rows", "columns", "outliers"), [(64, 256, 5), (128, 192, 6), (64, 192, 8)])
def test_shared_outlier_columns_do_not_accuse(rows: int, columns: int, outliers: int) -> None:
    """Strangers whose outlier dimensions coincide: the plain trace would call every pair a copy, the test none."""
    generator = np.random.default_rng(22)
    plain, found = [], []
    for _ in range(25):
        pair = generator.normal(size=(2, rows, columns))
        pair[:, :, :outliers] += 30.0
        result = aligned_test(pair[0], pair[1])
        assert result is not None
        test, _ = result
        size = test.r * math.sqrt(test.effective_rows * (columns - 1))
        plain.append(size)
        found.append(test.z)
    assert min(plain) > 8.0
    assert max(map(abs, found)) < 4.5


def test_one_shared_outlier_column_in_every_row() -> None:
    """The strongest single column there can be: the jump tells of it, z does not rest on it."""
    generator = np.random.default_rng(23)
    for _ in range(12):
        pair = generator.normal(size=(2, 1024, 64))
        pair[:, :, 5] += 30.0
        result = aligned_test(pair[0], pair[1])
        assert result is not None
        test, product = result
        rows, columns = np.divmod(np.arange(64**2), 64)
        assert plain_z(product.values(rows, columns).reshape(64, 64)) > 6.0
        assert test.jump > 6.0
        assert abs(test.z) < 3.0
