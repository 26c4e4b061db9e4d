"""Initial laws: each is recognised, its scale found, and dependence is 1 for every draw of independent signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from independence_audit.statistics import laws
from independence_audit.statistics.laws import (
    LAWS,
    NORMAL,
    NOTHING,
    TRUNCATED_2,
    TRUNCATED_3,
    UNIFORM,
    fit_law,
    row_dependence,
    spread_excess,
)


def draw(law: str, scale: float, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Independent values of a law with a standard deviation."""
    random = np.random.default_rng(seed)
    if law == UNIFORM:
        return random.uniform(-(3**0.5), 3**0.5, shape) * scale
    limit = {NORMAL: np.inf, TRUNCATED_2: 2.0, TRUNCATED_3: 3.0}[law]
    values = random.normal(size=(4 * int(np.prod(shape)),))
    values = values[np.abs(values) < limit][: int(np.prod(shape))]
    spread = {NORMAL: 1.0, TRUNCATED_2: 0.8796, TRUNCATED_3: 0.9866}[law]
    return (values / spread * scale).reshape(shape)


@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_recognised(law: str) -> None:
    """Of 65,536 values the law is named, its deviation found within 1%, the distance within sampling error."""
    fit = fit_law(draw(law, 0.02, (256, 256)))
    assert fit is not None
    assert fit.law == law
    assert fit.scale == pytest.approx(0.02, rel=0.01)
    assert fit.distance < 1.63 / 256


def test_what_has_no_law() -> None:
    """All zeros and nothing finite have none; a shifted draw is far from all."""
    assert fit_law(np.zeros(100)) is None
    assert fit_law(np.array([np.nan, np.inf])) is None
    shifted = fit_law(1.0 + draw(NORMAL, 0.02, (4096,)))
    assert shifted is not None
    assert shifted.distance > 0.3


@given(
    seed=st.integers(0, 2**32 - 1),
    law=st.sampled_from(LAWS),
    rows=st.integers(8, 40),
    columns=st.integers(64, 300),
)
@settings(max_examples=40, deadline=None)
def test_a_draw_has_dependence_one(seed: int, law: str, rows: int, columns: int) -> None:
    """Whatever the law, and however long single rows and columns are, the ratio is 1 within six deviations."""
    random = np.random.default_rng(seed)
    matrix = draw(law, 1.0, (rows, columns), seed) * random.lognormal(size=(rows, 1)) * random.lognormal(size=columns)
    found = row_dependence(matrix)
    assert found.pairs == rows * (rows - 1) // 2
    assert abs(found.ratio - 1.0) < 6 * found.deviation * max(1.0, (400 / columns) ** 0.5)


def test_training_makes_rows_depend() -> None:
    """A shared direction of a third of the rows' length is seen; orthogonal rows lie below 1; nothing says nothing."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(64, 256))
    shared = noise + random.normal(size=(64, 1)) * random.normal(size=256) * 0.4
    assert row_dependence(shared).ratio > 2.0
    assert row_dependence(np.linalg.qr(noise.T)[0].T).ratio < 0.1
    assert row_dependence(noise[:1]) == NOTHING
    assert (row_dependence(noise) + row_dependence(noise)).ratio == pytest.approx(row_dependence(noise).ratio)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-25, 1e-8, 1e8, 1e20])
def test_dependence_has_no_size(size: float) -> None:
    """Tiny and huge values in single precision come to the same, silently; rows of zeros, NaN and infinities too."""
    noise = np.random.default_rng(3).normal(size=(40, 64))
    expected = row_dependence(noise)
    sized = (size * noise).astype(np.float32)
    assert row_dependence(sized).ratio == pytest.approx(expected.ratio, rel=1e-4)
    with_more = np.concatenate([sized, np.zeros((2, 64), np.float32)])
    assert row_dependence(with_more).pairs == expected.pairs
    sized[0, 0], sized[1, 1] = np.nan, np.inf
    assert np.isfinite(row_dependence(sized).ratio)


def test_the_spread_of_lengths() -> None:
    """None beyond chance in a draw; rows of 20% spread show it."""
    random = np.random.default_rng(1)
    noise = random.normal(size=(128, 256))
    assert spread_excess(noise) < 0.03
    assert spread_excess(noise * (1 + 0.2 * random.normal(size=(128, 1)))) == pytest.approx(0.4, abs=0.12)
    assert spread_excess(np.zeros((4, 4))) == 0.0


def test_the_normal_table_is_the_normal_law() -> None:
    """Between its entries and beyond them."""
    values = np.concatenate([np.random.default_rng(4).normal(0.0, 3.0, 5000), [-50.0, 50.0]])
    np.testing.assert_allclose(laws._normal(values), ndtr(values), rtol=0.0, atol=1e-6)
