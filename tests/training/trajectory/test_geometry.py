"""Checkpoints as points: distances from sketches, chains of links, and what is off a plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.training.trajectory.checkpoint_scan import Step, scan
from independence_audit.training.trajectory.geometry import Geometry, geometry_of, is_one_chain, off_the_plane
from tests.training.trajectory.simulated import Weights, seen, training


def geometry(checkpoints: Sequence[Weights]) -> Geometry:
    """The points of the one component of some checkpoints."""
    steps: Sequence[Step] = scan(seen(checkpoints)).steps
    found = geometry_of([step.of("model") for step in steps])
    assert found is not None
    return found


def test_distances_are_those_of_the_weights() -> None:
    """In proportion, as well as sketches tell; a checkpoint is no way from itself."""
    run = training(1)
    found = geometry(run)
    true = np.array([np.sqrt(sum(((one[k] - run[0][k]) ** 2).sum() for k in one if one[k].ndim == 2)) for one in run])
    assert np.allclose(np.diag(found.distances), 0.0, atol=1e-3 * found.distances.max())
    assert np.allclose(found.distances, found.distances.T)
    measured = found.distances[0, 1:] / found.distances[0, -1]
    assert np.allclose(measured, true[1:] / true[-1], rtol=0.25)


def test_a_training_is_one_chain_and_two_are_not() -> None:
    """Links join what training made, in any order; nothing joins two models."""
    run, other = training(1), training(2)
    assert is_one_chain(geometry(run))
    assert is_one_chain(geometry(run[::-1]))
    assert not is_one_chain(geometry([*run[:4], *other[4:]]))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_combination_is_on_the_plane_of_two(share: float) -> None:
    """And an honest checkpoint is not."""
    run = training(1)
    mixed = {role: share * run[0][role] + (1 - share) * run[-1][role] for role in run[0]}
    found = geometry([run[0], mixed, run[4], run[-1]])
    near = found.distances[1, [0, 3]].min()
    assert off_the_plane(found.points, 1, (0, 3)) < 0.02 * near
    assert off_the_plane(found.points, 2, (0, 3)) > 0.3 * found.distances[2, [0, 3]].min()


def test_without_a_common_matrix_there_are_no_points() -> None:
    """No checkpoint at all, and none of their tensors."""
    assert geometry_of([]) is None
    assert geometry_of([[], []]) is None
