"""Descriptors of units without gates."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.statistics.descriptors import descriptor_test, plain_descriptors, plain_matrices


@pytest.mark.parametrize("seed", [1, 2])
def test_no_rotation_changes_them_and_order_moves_them(seed: int) -> None:
    """Units in another order in a turned width have the same descriptors, in that order; another draw has not."""
    rng = np.random.default_rng(seed)
    fc1, fc2, other1, other2 = rng.standard_normal((4, 300, 32))
    turn = np.linalg.qr(rng.standard_normal((32, 32)))[0]
    order = rng.permutation(300)
    before = plain_descriptors(fc1, fc2, plain_matrices(fc1, fc2))
    turned1, turned2 = fc1[order] @ turn, fc2[order] @ turn
    after = plain_descriptors(turned1, turned2, plain_matrices(turned1, turned2))
    assert after.even == pytest.approx(before.even[order], abs=1e-8)
    assert after.odd == pytest.approx(before.odd[order], abs=1e-8)
    assert descriptor_test(before, after, symmetric=False).agreed == 300
    stranger = plain_descriptors(other1, other2, plain_matrices(other1, other2))
    assert descriptor_test(before, stranger, symmetric=False).agreed < 15


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 1.0])
def test_towers_whose_second_matrix_began_as_the_first_are_no_copies(share: float) -> None:
    """Both find the same unit then, whichever it is: a stranger's as well as a copy's."""
    sides = []
    for seed in (3, 4):
        rng = np.random.default_rng(seed)
        fc1 = rng.standard_normal((400, 64)) * np.exp(0.3 * rng.standard_normal((400, 1)))
        fc2 = share * fc1 + np.sqrt(1 - share**2) * rng.standard_normal((400, 64))
        sides.append(plain_descriptors(fc1, fc2, plain_matrices(fc1, fc2)))
    assert descriptor_test(sides[0], sides[1], symmetric=False).agreed < 20
