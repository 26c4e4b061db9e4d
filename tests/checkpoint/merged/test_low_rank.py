"""A merged weight asks for no more bytes than a run of its values needs, and is none where shapes do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.checkpoint.merged.low_rank import LowRank
from tests.checkpoint.packed.stored_arrays import Arrays, all_of, info, info_of, worked_out

ARRAYS: Arrays = {
    "w": np.zeros((3, 4), np.float32),
    "a": np.array([[1, 2, 3, 4], [0, 0, 0, 1]], np.float32),
    "b": np.array([[1, 0], [10, 0], [0, 100]], np.float32),
    "m": np.array([5, 50, 0.5], np.float32),
}
"""W [3, 4] of nothing, A and B of rank 2, and a magnitude for every row."""
CHANGE = np.array([[1, 2, 3, 4], [10, 20, 30, 40], [0, 0, 0, 100]])


def low_rank(*, magnitude: bool = False, scaling: float = 2.0) -> LowRank:
    """The merged weight."""
    weight, inner, outer, length = (info_of(ARRAYS, name) for name in "wabm")
    found = LowRank.of(weight, inner, outer, length if magnitude else None, scaling, turned=False)
    assert found is not None
    return found


def test_values() -> None:
    """The scaled product; with magnitudes every row has the length that its magnitude says."""
    np.testing.assert_array_equal(all_of(low_rank(), ARRAYS), 2 * CHANGE)
    np.testing.assert_array_equal(worked_out(low_rank(), ARRAYS, 5, 7), [40, 60])
    lengths = np.linalg.norm(all_of(low_rank(magnitude=True), ARRAYS), axis=1)
    np.testing.assert_allclose(lengths, ARRAYS["m"], rtol=1e-6)


def test_one_value_needs_few_bytes() -> None:
    """Of W and B a value and a row, of A a column; a length needs the whole row."""
    assert [run.size for run in low_rank().runs(5, 6)] == [4, 8, 4, 4]
    assert [run.size for run in low_rank(magnitude=True).runs(5, 6)] == [16, 8, 32, 4]


def test_a_row_of_nothing_has_no_direction() -> None:
    """A magnitude of such a row stands for no number, without a warning; the others are as they were."""
    arrays: Arrays = {**ARRAYS, "b": np.array([[1, 0], [0, 0], [0, 100]], np.float32)}
    found = all_of(low_rank(magnitude=True), arrays)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


@pytest.mark.parametrize(
    ("weight", "inner", "outer", "magnitude"),
    [
        ((3, 4), (2, 5), (3, 2), None),
        ((3, 4), (2, 4), (4, 2), None),
        ((3, 4), (2, 4), (3, 1), None),
        ((3, 4), (0, 4), (3, 0), None),
        ((0, 4), (2, 4), (0, 2), None),
        ((12,), (2, 4), (3, 2), None),
        ((3, 4), (8,), (3, 2), None),
        ((3, 4), (2, 4), (3, 2), (4,)),
        ((3, 4), (2, 4), (3, 2, 2), None),
    ],
)
def test_what_does_not_fit(
    weight: tuple[int, ...], inner: tuple[int, ...], outer: tuple[int, ...], magnitude: tuple[int, ...] | None
) -> None:
    """Other inputs, outputs or ranks, no rank, no matrix, magnitudes of another number: nothing is made up."""
    own = info("m", "F32", *magnitude) if magnitude else None
    stored = info("w", "F32", *weight), info("a", "F32", *inner), info("b", "F32", *outer)
    assert LowRank.of(*stored, own, 1.0, turned=False) is None
    if not magnitude:
        assert LowRank.of(*stored, info("m", "F32", weight[0]), 1.0, turned=True) is None
