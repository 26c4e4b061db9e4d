"""Strangers that share a structure in public places, and copies that have it as well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import hadamard, toeplitz

from independence_audit.statistics.aligned import aligned_test_of_scores
from independence_audit.statistics.order_probe import is_ordered
from independence_audit.statistics.scores import Floats, normal_scores
from independence_audit.statistics.structure import Freed, follows_diagonals, without_structure

ROWS, COLUMNS = 64, 192
PUBLIC = np.random.default_rng(5)
PROFILE = PUBLIC.random(COLUMNS)
SIGNS = PUBLIC.choice([-1.0, 1.0], COLUMNS)
BLOCKS = np.arange(ROWS)[:, None] * 4 // ROWS == np.arange(COLUMNS) * 4 // COLUMNS
BAND = np.abs(np.arange(COLUMNS) - 3 * np.arange(ROWS)[:, None]) < 12
RANDOM = PUBLIC.random((ROWS, COLUMNS)) < 0.3
TWO_OF_FOUR = np.argsort(PUBLIC.random((ROWS, COLUMNS // 4, 4)), axis=2).reshape(ROWS, COLUMNS) < 2
TAPS = toeplitz(np.r_[1.0, 0.6, 0.2, np.zeros(ROWS - 3)], np.r_[1.0, 0.6, 0.2, np.zeros(COLUMNS - 3)])


def eye(shift: int = 0) -> Floats:
    """The identity in a rectangle."""
    return np.eye(ROWS, COLUMNS, shift)


def positive(mask: np.ndarray) -> Callable[[Floats], Floats]:
    """Positive weights on a mask."""
    return lambda noise: np.abs(noise) * mask


SHARED: dict[str, Callable[[Floats], Floats]] = {
    "identity of three sd": lambda noise: noise + 3 * eye(),
    "identity of eight sd": lambda noise: noise + 8 * eye(),
    "identity of one and a half sd": lambda noise: noise + 1.5 * eye(),
    "negative identity": lambda noise: noise - 5 * eye(),
    "shifted identity": lambda noise: noise + 5 * eye(37),
    "mirrored identity": lambda noise: noise + 4 * eye()[:, ::-1],
    "identity in every head": lambda noise: noise + 4 * np.tile(np.eye(16, COLUMNS), (4, 1)),
    "identity of blocks": lambda noise: noise + 2 * np.kron(np.eye(16, 48), np.ones((4, 4))),
    "identity with a stride": lambda noise: noise + 6 * np.repeat(np.eye(64), 3, axis=1),
    "banded Toeplitz": lambda noise: noise + 3 * TAPS,
    "positive on blocks": positive(BLOCKS),
    "positive on a band": positive(BAND),
    "positive on a random mask": positive(RANDOM),
    "positive on two of four": positive(TWO_OF_FOUR),
    "two of four": lambda noise: noise * TWO_OF_FOUR,
    "nearly masked": lambda noise: np.abs(noise) * np.where(RANDOM, 1.0, 1e-9),
    "signs by column": lambda noise: np.abs(noise) * SIGNS,
    "signs by value": lambda noise: np.abs(noise) * np.where(RANDOM, 1.0, -1.0),
    "signs by value on a mask": lambda noise: np.abs(noise) * np.where(RANDOM, 1.0, -1.0) * TWO_OF_FOUR,
    "positive with a profile": lambda noise: np.abs(noise) * (0.2 + PROFILE),
    "a weak profile": lambda noise: noise + 0.5 * (PROFILE - 0.5),
    "norms by column": lambda noise: noise * (0.2 + PROFILE),
    "columns sorted by norm": lambda noise: noise * np.linspace(0.1, 2.0, COLUMNS),
    "a gradient": lambda noise: noise + np.linspace(-1, 1, COLUMNS),
    "steps": lambda noise: noise + (np.arange(COLUMNS) // 24 % 2),
    "every third channel": lambda noise: noise + (np.arange(COLUMNS) % 3 == 0),
    "a sawtooth of forty": lambda noise: noise + 0.3 * (np.arange(COLUMNS) % 40 - 20) / 12,
}


def noise(seed: int) -> Floats:
    """Values of a draw."""
    return np.random.default_rng(seed).normal(size=(ROWS, COLUMNS))


def freed(first: Floats, second: Floats) -> Freed:
    """Scores without what both share by construction."""
    return without_structure((first, second), (normal_scores(first), normal_scores(second)), np.arange(len(first)), 0)


def z_of(found: Freed) -> float:
    """The aligned test of what is left."""
    result = found.test()
    return result[0].z if result else 0.0


@pytest.mark.parametrize("kind", SHARED)
def test_strangers_of_one_structure_are_strangers(kind: str) -> None:
    """No pair is near a finding, and no mean is left that would add up over a hundred tensors."""
    pairs = [(SHARED[kind](noise(2 * seed)), SHARED[kind](noise(2 * seed + 1))) for seed in range(20)]
    found = [freed(*pair) for pair in pairs]
    z = [z_of(each) for each in found if not is_ordered(each.along_support())]
    assert len(z) >= 18
    assert abs(np.mean(z)) < 0.75
    assert np.std(z) < 1.5
    assert np.abs(z).max() < 4.0


@pytest.mark.parametrize("kind", SHARED)
def test_copies_of_one_structure_are_found(kind: str) -> None:
    """Trained on: the structure is left out on both sides, and the rest agrees."""
    own = SHARED[kind](noise(7))
    found = freed(own, own + 0.7 * noise(8) * (own != 0.0))
    assert not is_ordered(found.along_support())
    assert z_of(found) > 8.0


@pytest.mark.parametrize("kind", SHARED)
def test_structure_on_one_side_hides_nothing(kind: str) -> None:
    """Who lays a structure over a copy is found, as long as the copy itself is there."""
    own = noise(9)
    laid_over = (
        SHARED[kind](own) if not kind.startswith(("positive", "signs", "nearly")) else own + SHARED[kind](noise(3))
    )
    assert z_of(freed(laid_over, own)) > 8.0


def test_strangers_without_structure_are_left_as_they_are() -> None:
    """Scores are the very same, nearly always."""
    untouched = 0
    for seed in range(100):
        first, second = noise(2 * seed), noise(2 * seed + 1)
        found = freed(first, second)
        untouched += np.array_equal(found.first, normal_scores(first))
    assert untouched >= 95


def test_a_pruned_copy_of_a_dense_model_is_found() -> None:
    """Zeros of one side alone are no structure of both."""
    own = noise(11)
    for share, least in ((0.5, 8.0), (0.9, 8.0), (0.97, 6.0)):
        pruned = np.where(np.abs(own) > np.quantile(np.abs(own), share), own, 0.0)
        assert z_of(freed(pruned, own)) > 10.0
        assert z_of(freed(pruned, noise(12))) < 4.0
        assert z_of(freed(pruned, pruned * (1 + 0.3 * noise(13)))) > least


def test_figures_of_a_copy_are_those_of_all_of_it() -> None:
    """What sticks out on both sides of a copy does so because it is one."""
    own = noise(14)
    copy = own + 0.3 * noise(15)
    found = freed(copy, own)
    assert found.first is not found.whole[0]
    result, whole = found.test(), aligned_test_of_scores(normal_scores(copy), normal_scores(own))
    assert result is not None
    assert whole is not None
    assert result[0] == whole[0]


def test_copies_in_few_levels_are_found() -> None:
    """Signs alone, three levels and four bits of another's weights: sizes that do not vary are not asked."""
    own = noise(16)
    for levels in (
        np.sign(own),
        np.sign(own) * (np.abs(own) > 0.7),
        np.round(own * 2),
        np.sign(own) * 0.5 + 0.01 * noise(17),
    ):
        assert z_of(freed(levels, own)) > 10.0
        assert z_of(freed(own, levels)) > 10.0


def test_nothing_is_left_of_a_diagonal() -> None:
    """A map without any value beside the structure has no test."""
    scales = np.diag(1.0 + 0.1 * np.abs(noise(1)[0]))
    found = freed(scales, scales)
    assert found.test() is None


@pytest.mark.parametrize(
    "rows", [np.full((4, 32), np.nan), np.full((4, 32), np.inf), np.zeros((4, 32)), np.zeros((0, 32))]
)
def test_values_that_say_nothing(rows: Floats) -> None:
    """No warning, no error, and no score."""
    found = freed(rows, rows)
    assert not found.first.any()
    assert found.along_support().shape[1] == 32


def circulant(seed: int, share: float) -> Floats:
    """Rows that are one vector moved on by a place each, and noise."""
    taps = np.random.default_rng(1000 + seed).normal(size=COLUMNS)
    rows = np.stack([np.roll(taps, row) for row in range(ROWS)])
    return (1 - share) * noise(seed) + share * rows


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_circulants_follow_their_diagonals(share: float) -> None:
    """Of two draws: each unit stands for all, so that strangers' z scatters by the root of the rows."""
    rows, z = np.arange(ROWS), []
    for seed in range(6):
        first, second = circulant(2 * seed, share), circulant(2 * seed + 1, share)
        result = aligned_test_of_scores(normal_scores(first), normal_scores(second))
        assert result is not None
        z.append(result[0].z)
        assert follows_diagonals(freed(first, second).second, rows, 0)
    assert share < 1.0 or np.std(z) > 2.0


def test_other_matrices_do_not_follow_their_diagonals() -> None:
    """A draw, one whose rows share a direction, and what an identity leaves."""
    rows = np.arange(ROWS)
    for seed in range(60):
        first, second = noise(2 * seed), noise(2 * seed + 1)
        shared = second + 3 * np.random.default_rng(seed).normal(size=COLUMNS)
        low_rank = noise(seed + 500)[:, :3] @ noise(seed + 600)[:3]
        assert not follows_diagonals(normal_scores(second), rows, 0)
        assert not follows_diagonals(normal_scores(shared), rows, 0)
        assert not follows_diagonals(normal_scores(low_rank), rows, 0)
        assert not follows_diagonals(freed(first + 4 * eye(), second + 4 * eye()).second, rows, 0)


BASES: dict[str, Floats] = {
    "cosines": np.cos(np.pi * (np.arange(COLUMNS) + 0.5) * np.arange(ROWS)[:, None] / COLUMNS) * 2**0.5,
    "waves of low rank": np.outer(np.cos(np.arange(ROWS)), np.sin(np.arange(COLUMNS) / 5)) * 2.0,
    "Hadamard": np.tile(hadamard(64), (1, 3)).astype(np.float64),
}


@pytest.mark.parametrize("share", [0.4, 1.0])
@pytest.mark.parametrize("kind", BASES)
def test_public_bases_are_an_order(kind: str, share: float) -> None:
    """Matrices that began as one: strangers share all of it, and it shows on one side alone."""
    assert all(is_ordered(normal_scores(noise(seed) + share * BASES[kind])) for seed in range(5))
