"""Ranks, noise and mixtures of differences, and what each must not take for it."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.lineage.differences import mixture, numerical_rank, scaling_of, shape_of

RNG = np.random.default_rng


def low_rank(rows: int, columns: int, rank: int, seed: int = 0) -> np.ndarray:
    """A random matrix of a rank, with singular values falling to a quarter."""
    rng = RNG(seed)
    return (rng.normal(size=(rows, rank)) * np.linspace(1, 0.25, rank)) @ rng.normal(size=(rank, columns))


def to_bf16(values: np.ndarray) -> np.ndarray:
    """Rounded to bfloat16."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("rank", [1, 4, 8, 12])
@pytest.mark.parametrize("shape", [(16, 1024), (64, 64), (256, 64)])
def test_ranks_are_exact(shape: tuple[int, int], rank: int) -> None:
    """The rank of what was added, whatever it was added to."""
    assert numerical_rank(low_rank(*shape, rank)) == rank


@pytest.mark.parametrize("rank", [2, 8])
def test_ranks_survive_rounding(rank: int) -> None:
    """A merged adapter is rounded to bf16 with the weights it is added to: the rank is right within one."""
    weights = to_bf16(0.02 * RNG(1).normal(size=(64, 512)))
    edited = to_bf16(weights + 0.005 * low_rank(64, 512, rank))
    assert abs((numerical_rank(edited - weights) or 99) - rank) <= 1


def test_sketches_keep_ranks() -> None:
    """A linear sketch of a difference has its rank."""
    rng = RNG(2)
    left, right = rng.choice([-1.0, 1.0], (64, 300)), rng.choice([-1.0, 1.0], (400, 64))
    assert numerical_rank(left @ low_rank(300, 400, 16) @ right / 64) == 16


def test_full_changes_have_no_low_rank() -> None:
    """Neither noise nor a spectrum that falls slowly has one; nor rows of tokens that were trained alone."""
    rng = RNG(3)
    for seed in range(20):
        noise = RNG(seed).normal(size=(64, 64))
        assert numerical_rank(noise) is None
        assert numerical_rank(noise + 3 * low_rank(64, 64, 1, seed)) is None
    assert numerical_rank(rng.normal(size=(64, 64)) @ np.diag(np.linspace(1, 0.01, 64) ** 2)) is None
    few_rows = np.zeros((64, 256))
    few_rows[[3, 9, 30, 31, 40, 50]] = rng.normal(size=(6, 256))
    assert numerical_rank(few_rows) is None


@pytest.mark.parametrize("odd", [np.zeros((8, 8)), np.ones((2, 50)), np.full((8, 8), np.nan), np.zeros((0, 4))])
def test_nothing_to_tell(odd: np.ndarray) -> None:
    """Zeros, too few rows, NaN, nothing at all."""
    assert numerical_rank(odd) is None
    assert shape_of(odd) is None


def test_noise_is_recognised() -> None:
    """Forty Gaussian residuals of either shape, of any size."""
    for seed in range(20):
        assert is_noise(1e-4 * RNG(seed).normal(size=(16, 1024)))
        assert is_noise(RNG(seed).normal(size=(128, 128)))


def test_other_residuals_are_no_noise() -> None:
    """Uniform and heavy-tailed ones, louder rows or columns, and what is too small to tell."""
    rng = RNG(5)
    plain = rng.normal(size=(128, 128))
    assert not is_noise(rng.uniform(-1, 1, (128, 128)))
    assert not is_noise(rng.standard_t(5, (128, 128)))
    assert not is_noise(plain * rng.uniform(0.5, 1.5, (128, 1)))
    assert not is_noise(plain * rng.uniform(0.5, 1.5, 128))
    assert not is_noise(plain[:8, :8])


def is_noise(difference: np.ndarray) -> bool:
    """Whether a difference is told to be noise."""
    shape = shape_of(difference)
    return shape is not None and shape.is_noise


@pytest.mark.parametrize("axis", [0, 1])
def test_factors_of_rows_and_of_columns(axis: int) -> None:
    """Explain all but the rounding of what they made, next to nothing of another change, and a part of both."""
    rng = RNG(11)
    matrix = rng.normal(size=(48, 64))
    factors = rng.uniform(0.5, 3.0, (48, 64)[axis])
    scaled = matrix * (factors[:, None] if axis == 0 else factors)
    found = scaling_of(scaled.astype(np.float16), matrix)
    assert found is not None
    assert found.share > 0.9999
    assert (found.lowest, found.highest) == pytest.approx((factors.min(), factors.max()), rel=1e-3)
    changed = scaling_of(matrix + 0.1 * rng.normal(size=matrix.shape), matrix)
    assert changed is not None
    assert changed.share < 0.1
    tuned = scaling_of(scaled + rng.normal(size=matrix.shape), matrix)
    assert tuned is not None
    assert 0.3 < tuned.share < 0.9


def test_nothing_to_scale() -> None:
    """Equal matrices, short ones, and rows and columns of zeros."""
    matrix = RNG(12).normal(size=(20, 30))
    assert scaling_of(matrix, matrix) is None
    assert scaling_of(2 * matrix[:4, :5], matrix[:4, :5]) is None
    matrix[3], matrix[:, 2] = 0.0, 0.0
    assert scaling_of(2 * matrix, matrix) is None


def figures(difference: np.ndarray) -> tuple[float, float, float]:
    """Excess kurtosis, and how uneven rows and columns are."""
    shape = shape_of(difference)
    assert shape is not None
    return shape.kurtosis, shape.rows, shape.columns


def test_the_figures_of_a_residual() -> None:
    """Gaussian values have no tails and both spreads at one; Laplace's have three; louder rows show in rows."""
    plain = RNG(7).normal(size=(256, 512))
    assert figures(plain) == pytest.approx((0.0, 1.0, 1.0), abs=0.25)
    assert figures(RNG(9).laplace(size=(256, 512)))[0] == pytest.approx(3.0, abs=0.3)
    _, rows, columns = figures(plain * RNG(8).uniform(0.5, 1.5, (256, 1)))
    assert rows > 20 * columns


@pytest.mark.parametrize("parts", [(0.7, 0.3), (0.5, 0.5), (0.4, 0.3, 0.2, 0.1)])
def test_coefficients_within_their_errors(parts: tuple[float, ...]) -> None:
    """Fine-tuned models of one base, averaged and rounded: coefficients within 0.03, errors that cover them."""
    rng = RNG(6)
    base = rng.normal(size=20_000)
    others = [base + 0.2 * rng.normal(size=20_000) for _ in parts]
    merged = to_bf16(np.array(parts) @ np.stack(others))
    found = mixture(merged.astype(np.float64), others)
    assert found is not None
    assert found.coefficients == pytest.approx(parts, abs=0.03)
    assert found.residual < 0.05 * found.alone
    assert all(abs(c - p) < 5 * e for c, p, e in zip(found.coefficients, parts, found.errors, strict=True))


def test_no_mixture_of_one_and_the_same() -> None:
    """Two equal models cannot be told apart; too few values tell nothing; zeros and NaN are refused."""
    values = RNG(7).normal(size=5000)
    assert mixture(values, [values, values]) is None
    assert mixture(values[:100], [values[:100], values[100:200]]) is None
    assert mixture(values, [values, np.zeros(5000)]) is None
    assert mixture(values, [values, np.full(5000, np.nan)]) is None
