"""What every value of a tensor comes to, and what two such sums say of each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from independence_audit.fingerprint.sketch import SIDE, sketch_of
from independence_audit.fingerprint.whole import Whole, relative_change


def whole_of(matrix: np.ndarray, at: int = 0) -> Whole:
    """The sums over a matrix, sketched with the signs of some place on."""
    sketch = sketch_of(matrix.astype(np.float32), at, at).astype(np.float32)
    norm = float((matrix.astype(np.float64) ** 2).sum())
    return Whole(matrix.tobytes().hex(), "", matrix.size, 0, norm, sketch)


def pair(rank: int | None, size: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A matrix and one that differs from it by a matrix of some rank and relative norm."""
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(200, 150))
    change = draw.normal(size=(200, 150))
    if rank:
        change = draw.normal(size=(200, rank)) @ draw.normal(size=(rank, 150))
    change *= size * np.linalg.norm(matrix) / np.linalg.norm(change)
    return matrix + change, matrix


@pytest.mark.parametrize("rank", [None, 20, 1])
@pytest.mark.parametrize("size", [0.003, 0.5])
def test_relative_change_is_within_its_error(rank: int | None, size: float) -> None:
    """Over 60 draws of signs the estimate is unbiased, and its stated error is that of its spread, never much less."""
    changed, matrix = pair(rank, size)
    found = [relative_change(whole_of(changed, 200 * i), whole_of(matrix, 200 * i)) for i in range(60)]
    estimates = np.array([one.relative for one in found if one])
    stated = np.mean([one.standard_error for one in found if one])
    assert len(estimates) == 60
    assert abs(estimates.mean() - size) < 4 * estimates.std() / np.sqrt(60) + stated**2 / size
    assert 0.7 < stated / estimates.std() < 2.0


def test_equal_content_has_not_changed() -> None:
    """Digests know more than sketches: equal is equal, without an error."""
    _, matrix = pair(None, 0.5)
    change = relative_change(whole_of(matrix), whole_of(matrix))
    assert change is not None
    assert (change.relative, change.standard_error) == (0.0, 0.0)


def test_equal_sketches_of_other_content() -> None:
    """A change that the sketch cannot see is 0 without a number that is none."""
    _, matrix = pair(None, 0.5)
    change = relative_change(replace(whole_of(matrix), content="other"), whole_of(matrix))
    assert change is not None
    assert (change.relative, change.standard_error) == (0.0, 0.0)


def test_nothing_is_relative_to_zero() -> None:
    """A tensor of zeros has no relative change."""
    zero = Whole("", "", 4, 0, 0.0, np.zeros((SIDE, SIDE), np.float32))
    assert relative_change(whole_of(np.ones((2, 2))), zero) is None
