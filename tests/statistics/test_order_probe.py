"""The probe for columns whose order is no accident."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.statistics.order_probe import SHORT, is_ordered
from independence_audit.statistics.scores import normal_scores
from tests.statistics.pairs_of_tensors import KINDS
from tests.statistics.specification import Matrix


def noise(*shape: int) -> Matrix:
    """Normal values, the same ones every time."""
    return np.random.default_rng(15).normal(size=shape)


def index(columns: int) -> Matrix:
    """The column numbers as a row, [1, columns]."""
    return np.arange(columns, dtype=float)[None]


def cosines(columns: int) -> Matrix:
    """The basis of the discrete cosine transform, a frequency a row."""
    return np.cos(np.pi * (index(columns) + 0.5) * index(columns).T / columns)


def positions(columns: int) -> Matrix:
    """Sixteen rows of the sinusoidal position table of Vaswani et al., 2017."""
    angle = np.arange(1, 17)[:, None] / 10000 ** (2 * (index(columns) // 2) / columns)
    return np.sin(angle + np.pi / 2 * (index(columns) % 2))


def triangle(columns: int) -> Matrix:
    """Rows of a causal mask."""
    return np.tril(np.ones((columns, columns)))


ORDERED = {
    "ramp": index,
    "falling ramp": lambda n: -index(n),
    "noisy ramp": lambda n: index(n) / n + 0.1 * noise(1, n),
    "sorted": lambda n: np.sort(noise(1, n)),
    "units sorted by importance": lambda n: np.sort(noise(4, n)) + noise(5, n)[1:],
    "alternating": lambda n: np.cos(np.pi * index(n)) + 0.1 * noise(1, n),
    "step": lambda n: (index(n) < n / 2) + 0.1 * noise(1, n),
    "many rows, each waving a little": lambda n: 0.5 * np.cos(0.45 * np.pi * index(n)) + noise(200, n),
    "many rows, each stepped a little": lambda n: 0.6 * (index(n) < n / 2) + noise(40, n),
    "one sinusoid": lambda n: np.sin(2.0 * np.pi * 3.0 * index(n) / n),
    "sinusoid among random rows": lambda n: np.concatenate([cosines(n)[5:6], noise(40, n)]),
    "position table": positions,
    "rotary frequencies": lambda n: 10000.0 ** (-2.0 * index(n) / n),
    "cosine transform": cosines,
    "low frequencies": lambda n: cosines(n)[:16],
    "high frequencies": lambda n: cosines(n)[-16:],
    "window of a Fourier transform": lambda n: np.hanning(n)[None],
    "mel filters": lambda n: np.maximum(0.0, 1.0 - np.abs(index(n) - np.linspace(0, n, 12)[:, None]) * 12 / n),
    "causal mask": triangle,
    "rows of a causal mask": lambda n: triangle(n)[n // 4 : n // 4 + 16],
    "relative positions": lambda n: np.abs(index(n) - index(n).T),
}


@pytest.mark.parametrize("columns", [64, 250])
@pytest.mark.parametrize("name", ORDERED)
def test_catches(name: str, columns: int) -> None:
    """Computed and sorted columns are seen, whatever the scale."""
    rows = ORDERED[name](columns)
    assert is_ordered(normal_scores(rows))
    assert is_ordered(normal_scores(-1e-3 * rows + 5.0))


@pytest.mark.parametrize("name", ORDERED)
def test_lets_the_same_rows_through_once_shuffled(name: str) -> None:
    """It is the order that is seen, nothing else: after a shuffle of the columns the same values pass."""
    rows = ORDERED[name](250)
    assert not is_ordered(normal_scores(rows[:, np.random.default_rng(16).permutation(250)]))


@pytest.mark.parametrize("shape", [(1, 64), (4, 20), (16, 64), (64, 64), (3, 300)])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("outlier_columns", "near_constant")])
def test_no_false_alarm(kind: str, shape: tuple[int, int]) -> None:
    """At |z| > 5 not one of some thousand innocent matrices is expected to be lost."""
    generator = np.random.default_rng(17)
    assert not sum(is_ordered(normal_scores(KINDS[kind](generator, shape))) for _ in range(100))


def test_outlier_columns_are_no_order() -> None:
    """A few columns that stick out in every row, apart from each other, as outlier dimensions do."""
    generator = np.random.default_rng(18)
    for _ in range(100):
        assert not is_ordered(normal_scores(KINDS["outlier_columns"](generator, (16, 256))))


@pytest.mark.parametrize("decay", [0.5, 0.8, 0.95])
def test_dominating_directions_are_no_order(decay: float) -> None:
    """Trained rows share directions of falling strength: few effective rows, still no order."""
    generator = np.random.default_rng(19)
    for _ in range(100):
        rows = (generator.normal(size=(32, 32)) * decay ** np.arange(32)) @ generator.normal(size=(32, 128))
        assert not is_ordered(normal_scores(rows))


def test_nearly_constant_rows_give_few_false_alarms() -> None:
    """Where few values of a row differ at all, neighbours among them are rare enough not to lose the tensor."""
    generator = np.random.default_rng(20)
    lost = 0
    for _ in range(300):
        rows = np.where(generator.random((1, 1024)) < 0.03, generator.normal(size=(1, 1024)), 0.0)
        lost += is_ordered(normal_scores(rows))
    assert lost <= 3


@pytest.mark.parametrize("columns", [1, 2, SHORT - 1])
def test_short_rows_show_no_order(columns: int) -> None:
    """Too few columns are never called ordered."""
    assert not is_ordered(normal_scores(index(columns)))


@pytest.mark.parametrize("shape", [(0, 64), (1, 64), (5, 64)])
def test_constant_rows_show_no_order(shape: tuple[int, int]) -> None:
    """Where nothing varies there is no order."""
    assert not is_ordered(np.zeros(shape))


def test_constant_rows_do_not_hide_an_ordered_one() -> None:
    """Rows of zeros add nothing and take nothing away."""
    rows = np.zeros((64, 128))
    rows[40] = np.arange(128)
    assert is_ordered(normal_scores(rows))


def test_a_row_of_two_values() -> None:
    """Everything left out but two values: no warning, no order."""
    rows = np.full((1, 64), np.nan)
    rows[0, [3, 40]] = 1.0, 2.0
    assert not is_ordered(normal_scores(rows))


def test_heads_that_share_a_value_head_are_no_order() -> None:
    """Their columns in the output projection are alike at the distance of a head, in any model."""
    generator = np.random.default_rng(24)
    shared = generator.normal(size=(64, 4, 1, 32)) + generator.normal(size=(64, 4, 2, 32))
    scores = normal_scores(shared.reshape(64, 256))
    assert is_ordered(scores)
    assert not is_ordered(scores, in_heads=True)
    assert is_ordered(normal_scores(np.sort(shared.reshape(64, 256), axis=1)), in_heads=True)
