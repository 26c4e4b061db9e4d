"""The spectral profile tells training that is shared from a draw that is, and is silent where nothing is."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.statistics.spectrum import DRAWN_LOW, DRAWN_TOP, Profile, Shared, shared_by, spectral_profile

SIDE = 128


def learnt(generator: np.random.Generator) -> NDArray[np.float64]:
    """What training adds: eight strong directions [SIDE, SIDE], several times as large as a draw's."""
    left, right = generator.normal(size=(2, 8, SIDE)) / SIDE**0.5
    strength = 6 * SIDE**0.5 * np.linspace(1.5, 1.0, 8)[:, None]
    product: NDArray[np.float64] = (left * strength).T @ right
    return product


def profile_of(first: NDArray[np.float64], second: NDArray[np.float64]) -> Profile:
    """The profile, where there is one."""
    profile = spectral_profile(first, second)
    assert profile is not None
    return profile


def test_profile_is_that_of_the_specification(oracle: ModuleType) -> None:
    """Top and low are those of the specification."""
    first, second = np.random.default_rng(5).normal(size=(2, 40, 64))
    profile = profile_of(first, second)
    assert (profile.top, profile.low) == pytest.approx(oracle.spectral_profile(first, second))


def test_the_profile_tells_a_draw_from_training() -> None:
    """Other training on one draw keeps the bulk, more training keeps the top."""
    generator = np.random.default_rng(7)
    draw = generator.normal(size=(SIDE, SIDE))
    base, other = draw + learnt(generator), draw + learnt(generator)
    more = base + 0.3 * generator.normal(size=(SIDE, SIDE))
    assert shared_by(profile_of(base, more)) == Shared.TRAINING
    assert shared_by(profile_of(base, other)) == Shared.DRAW


def test_unrelated_matrices_show_neither() -> None:
    """Of fifty pairs that share nothing every band is far below what counts as a draw or as training."""
    generator = np.random.default_rng(11)
    profiles = [
        profile_of(*(generator.normal(size=(SIDE, SIDE)) + learnt(generator) for _ in range(2))) for _ in range(50)
    ]
    assert max(abs(profile.top) for profile in profiles) < DRAWN_TOP / 2
    assert max(abs(profile.low) for profile in profiles) < DRAWN_LOW / 2


@given(scale=st.floats(0.01, 100.0), seed=st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_a_copy_keeps_all_of_it_in_proportion(scale: float, seed: int) -> None:
    """Against itself times a factor every direction is that factor, standing or lying."""
    matrix = np.random.default_rng(seed).normal(size=(40, 64))
    for one in (matrix, matrix.T):
        profile = profile_of(one, scale * one)
        assert (profile.top, profile.low) == pytest.approx((scale, scale))


@pytest.mark.parametrize(
    ("top", "low", "shared"),
    [
        (0.5, 0.0, Shared.TRAINING),
        (0.49, 0.9, Shared.UNRESOLVED),
        (0.35, 0.5, Shared.DRAW),
        (0.35, 0.49, Shared.UNRESOLVED),
    ],
)
def test_what_lies_between_stays_open(top: float, low: float, shared: Shared) -> None:
    """The limits themselves count; nothing is said between them."""
    assert shared_by(Profile(top, low, strength=3.0)) == shared


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.8, 1.1])
def test_models_that_hardly_trained_are_never_said_to_share_training(strength: float) -> None:
    """Two that began as one draw and learnt little, each by itself, are alike at the top for the draw's sake."""
    generator = np.random.default_rng(13)
    for _ in range(10):
        draw = generator.normal(size=(SIDE, SIDE))
        profile = profile_of(*(draw + strength / 6 * learnt(generator) for _ in range(2)))
        assert shared_by(profile) != Shared.TRAINING


def test_the_edge_is_that_of_random_matrices() -> None:
    """The mean of the largest squared singular values of a draw lies about there, whatever its shape and scale."""
    generator = np.random.default_rng(17)
    for shape in ((128, 128), (96, 384), (64, 2048), (512, 128)):
        matrix = 0.02 * generator.normal(size=shape)
        assert profile_of(matrix, matrix).strength == pytest.approx(0.9, abs=0.15)


def test_matrices_that_have_no_spectrum_have_no_profile() -> None:
    """Zeros, infinite values on either side, and fewer directions than four times those of the top."""
    plain = np.random.default_rng(3).normal(size=(64, 64))
    broken = plain.copy()
    broken[3, 4] = np.inf
    assert spectral_profile(np.zeros((64, 64)), plain) is None
    assert spectral_profile(plain, broken) is None
    assert spectral_profile(broken, plain) is None
    assert spectral_profile(plain[:31], plain[:31]) is None
    assert spectral_profile(plain[:32], plain[:32]) is not None
