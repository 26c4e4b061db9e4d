"""Linear sketches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.fingerprint.whole_tensor import SIDE, signs, sketch_of

PUBLISHED = [-1, 1, 1, -1, -1, -1, 1, 1]


def normal(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Normal values in single precision."""
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


@given(st.integers(0, 9000), st.integers(0, 5000), st.sampled_from(["rows", "columns"]))
def test_signs_of_a_row_depend_on_its_number_alone(start: int, count: int, side: str) -> None:
    """Whatever run is asked for, a row has the same signs: pieces can be sketched in any order."""
    whole, run = signs(side, 0, 14_000), signs(side, start, start + count)
    assert np.array_equal(run, whole[start : start + count])
    assert set(np.unique(run)) <= {-1.0, 1.0}


def test_signs_are_balanced_and_those_of_rows_are_not_those_of_columns() -> None:
    """Fair coins, independent between sides: the mean product of 262,144 is within five standard errors of 0."""
    rows, columns = signs("rows", 0, 4096), signs("columns", 0, 4096)
    for values in (rows, columns, rows * columns, rows[1:] * rows[:-1]):
        assert abs(float(values.mean())) < 5 / np.sqrt(values.size)


def test_signs_are_the_published_ones() -> None:
    """Sketches of different machines and years can be compared only while these stay."""
    assert signs("rows", 5000, 5001)[0, :8].tolist() == PUBLISHED


@pytest.mark.parametrize(("row", "column"), [(1, 1), (100, 33), (299, 199)])
def test_pieces_add_up(row: int, column: int) -> None:
    """A matrix sketched in four pieces has the sketch that it has in one."""
    matrix = normal(300, 200)
    whole = sketch_of(matrix, 0, 0)
    cut = [(slice(0, row), slice(0, column)), (slice(0, row), slice(column, 200))]
    cut += [(slice(row, 300), columns) for _, columns in cut]
    parts = sum(sketch_of(np.ascontiguousarray(matrix[r, c]), r.start, c.start) for r, c in cut)
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_sketch_is_linear() -> None:
    """The sketch of a mixture is the mixture of the sketches."""
    first, second = normal(300, 200), normal(300, 200, seed=1)
    mixed = sketch_of(0.25 * first - 3 * second, 0, 0)
    np.testing.assert_allclose(mixed, 0.25 * sketch_of(first, 0, 0) - 3 * sketch_of(second, 0, 0), atol=1e-4)


def test_squared_norm_is_kept_on_average() -> None:
    """Over 200 pieces of independent signs, the mean of ‖S‖²/‖W‖² is within four standard errors of 1."""
    matrix = normal(64, 96)
    ratios = [float((sketch_of(matrix, 64 * i, 96 * i) ** 2).sum()) / float((matrix**2).sum()) for i in range(200)]
    assert abs(np.mean(ratios) - 1) < 4 * np.std(ratios) / np.sqrt(len(ratios))
    assert sketch_of(matrix, 0, 0).shape == (SIDE, SIDE)
