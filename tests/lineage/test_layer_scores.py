"""All pairs of layers at once: the same numbers as one test for each pair."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.lineage.layer_scores import all_pairs, score_matrices
from independence_audit.statistics.aligned import aligned_test
from independence_audit.statistics.scores import normal_scores
from tests.lineage.deep_models import layers, trained_on
from tests.lineage.hand_made import noise, sample_of


def test_every_cell_is_the_plain_test() -> None:
    """r is the aligned test's; z is the trace over its deviation, from the dense cross-product."""
    first, second = (np.stack([normal_scores(noise(5, 64, seed=10 * side + i)) for i in range(3)]) for side in (1, 2))
    r, z = all_pairs(first, second)
    for i in range(3):
        for j in range(3):
            test = aligned_test(noise(5, 64, seed=10 + i), noise(5, 64, seed=20 + j))
            assert test is not None
            product = first[i].T @ second[j]
            plain = np.trace(product) / np.sqrt((product**2).sum() / 63)
            assert (r[i, j], z[i, j]) == pytest.approx((test[0].r, plain))


def test_strangers_are_standard_normal() -> None:
    """Over some thousand cells of strangers, layers sharing a basis or not, z has mean 0 and deviation 1."""
    cells = [score_matrices(layers(8, seed, shared=0.5), layers(8, 100 + seed, shared=0.5)) for seed in range(1, 9)]
    z = np.concatenate([one.z.ravel() for each in cells for one in each.roles.values()])
    assert len(z) == 8 * 8 * 8 * 4
    assert abs(z.mean()) < 0.15
    assert 0.9 < z.std() < 1.1


def test_missing_roles_and_other_widths_are_no_cells() -> None:
    """A layer without a role, a role of another width and a vector count for nothing."""
    ours = layers(2, 1)[:-1]
    theirs = [*layers(2, 2), sample_of(noise(16, 32), layer=0, role="wide"), sample_of(noise(96), layer=0, role="norm")]
    ours += [sample_of(noise(16, 48), layer=0, role="wide"), sample_of(noise(96), layer=0, role="norm")]
    cells = score_matrices(ours, theirs)
    assert set(cells.roles) == {"q", "gate", "up", "down"}
    assert np.isfinite(cells.roles["down"].z).tolist() == [[True, True], [False, False]]
    assert cells.tests == 4 + 4 + 4 + 2 + 4


def test_constants_and_unexchangeable_axes_are_silent() -> None:
    """Neither gives a number, and nothing divides by zero."""
    constant = sample_of(np.ones((4, 64), np.float32), layer=0)
    rope = sample_of(noise(4, 64), layer=0, role="k", axis=Axis.NONE)
    cells = score_matrices([constant, rope], [constant, rope])
    assert list(cells.roles) == ["q"]
    assert np.isnan(cells.roles["q"].z).all()
    assert cells.strength.tolist() == [[-1.0]]


def test_strength_is_the_mean_correlation() -> None:
    """A copy with a quarter of other variance has r near sqrt(3/4) in every layer, and nothing beside it."""
    model = layers(3, 1)
    strength = score_matrices(trained_on(model, 0.25, 77), model).strength
    assert np.diag(strength) == pytest.approx([0.866] * 3, abs=0.03)
    assert np.abs(strength[~np.eye(3, dtype=bool)]).max() < 0.1
