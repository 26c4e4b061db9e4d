"""Descriptors of units: no disguise changes them, gates or none, and strangers stay silent."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.statistics.descriptors import descriptor_test, plain_descriptors, plain_matrices
from independence_audit.statistics.units import sign_p
from tests.statistics.layers import described, disguise, further, layer


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


def test_descriptors_are_those_of_the_specification(oracle: ModuleType) -> None:
    """Descriptors and their test are those of the specification, whatever the order of the columns.

    The test scales the subject's odd descriptors by their size, where the specification does by their spread.
    """
    one, two = layer(1), disguise(further(layer(1), 0.5, 2), 3)
    theirs = []
    for each in (one, two):
        q, k, v, o = (np.stack(part) for part in zip(*each.attention, strict=True))
        matrices = oracle.residual_matrices(each.gate, each.up, each.down, q, k, v, o.transpose(1, 0, 2))
        theirs.append(oracle.unit_descriptors(each.gate, each.up, each.down, matrices))
    even, odd = theirs[1]
    expected = oracle.descriptor_test(theirs[0], (even, odd / np.sqrt(np.square(odd).mean(axis=0))))
    found = descriptor_test(described(one), described(two), symmetric=True)
    np.testing.assert_allclose(described(one).even, theirs[0][0], atol=1e-8)
    np.testing.assert_allclose(np.sort(described(one).odd, axis=1), np.sort(theirs[0][1], axis=1), atol=1e-8)
    assert found.z == pytest.approx(expected["z"], rel=1e-6)
    assert found.agreement == expected["agreement"]


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_a_disguise_changes_nothing(seed: int) -> None:
    """Rotating, permuting, rescaling, permuting heads and mixing values leave every statistic as it was."""
    one = layer(seed % 7)
    plain, turned = described(one), described(disguise(one, seed))
    even = plain.even[:, None] - turned.even[None]
    assert np.abs(even).max(axis=2).min(axis=1).max() < 1e-6
    assert descriptor_test(plain, turned, symmetric=True).z == pytest.approx(len(one.gate) ** 0.5)


def test_strangers_stay_silent() -> None:
    """Over independent layers the signs are standard normal and the bound on p holds."""
    z = [
        descriptor_test(described(layer(2 * seed + 100)), described(layer(2 * seed + 101)), symmetric=True).z
        for seed in range(150)
    ]
    assert 0.85 < np.std(z) < 1.15
    assert np.abs(z).max() < 4.2
    assert np.mean([sign_p(value) <= 0.05 for value in z]) <= 0.05
