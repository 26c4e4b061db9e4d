"""The exchange of rows: what is alike row by row, and what only leans one way."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.statistics.rows import pooled, row_exchange
from independence_audit.statistics.scores import Floats, normal_scores


def scores(seed: int, rows: int = 16, columns: int = 512) -> Floats:
    """Scores of random rows."""
    return normal_scores(np.random.default_rng(seed).normal(size=(rows, columns)))


def test_strangers_are_standard_normal() -> None:
    """Mean 0 and deviation 1 over many pairs, also where all rows lean one way."""
    for lean in (0.0, 0.4):
        common = np.random.default_rng(99).normal(size=(1, 256))
        values = []
        for seed in range(300):
            x, y = (np.random.default_rng(2 * seed + side).normal(size=(16, 256)) + lean * common for side in (0, 1))
            found = row_exchange(normal_scores(x), normal_scores(y))
            assert found is not None
            values.append(found[0])
        assert abs(float(np.mean(values))) < 0.2
        assert 0.85 < float(np.std(values)) < 1.15


def test_a_copy_reaches_the_most() -> None:
    """Equal rows come to rows - 1, which no other agreement exceeds."""
    found = row_exchange(scores(1), scores(1))
    assert found is not None
    assert found[0] == pytest.approx(15, rel=0.05)
    together = pooled([found] * 9)
    assert together is not None
    assert together.most == pytest.approx(3 * 15)
    assert together.z == pytest.approx(3 * found[0])


def test_exchanged_rows_are_not_alike() -> None:
    """The same rows in another order agree no better than strangers'."""
    found = row_exchange(scores(1), scores(1)[np.roll(np.arange(16), 1)])
    assert found is not None
    assert found[0] < 0.0


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_few_rows_say_nothing(rows: int) -> None:
    """Nor do constant ones."""
    assert row_exchange(scores(1, rows), scores(2, rows)) is None
    assert row_exchange(np.zeros((16, 64)), scores(2, 16, 64)) is None
    assert pooled([]) is None
