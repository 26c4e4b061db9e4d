"""Tests of units that were permuted, rescaled and turned: the laws they obey, and their silence between strangers."""

from __future__ import annotations

import itertools
from collections import Counter
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.statistics.anchors import whitened_responses
from independence_audit.statistics.descriptors import Descriptors, descriptor_test, residual_matrices, unit_descriptors
from independence_audit.statistics.matching import Match
from independence_audit.statistics.units import (
    are_leaning,
    are_ordered,
    are_tied,
    order_bound,
    order_p,
    sign_p,
    strict_lis,
    unit_tests,
)
from tests.statistics.layers import Layer, disguise, further, layer

ROLES = ("gate", "up", "down")


def responses(one: Layer) -> dict[str, np.ndarray]:
    """Whitened responses of all units."""
    return {role: whitened_responses(one.anchors, getattr(one, role)) for role in ROLES}


def described(one: Layer) -> Descriptors:
    """Descriptors with the layer's own matrices."""
    return unit_descriptors(one.gate, one.up, one.down, residual_matrices(one.gate, one.up, one.down, one.attention))


def test_responses_are_those_of_the_specification(oracle: ModuleType) -> None:
    """Whitening by the Gram matrix is what the specification does."""
    one = layer(1)
    expected = oracle.whitened_responses(one.anchors, one.gate)
    np.testing.assert_allclose(whitened_responses(one.anchors, one.gate), expected, atol=1e-9)


def test_unit_tests_are_those_of_the_specification(oracle: ModuleType) -> None:
    """Order, signs and agreement of a disguised copy are those of the specification."""
    reference = responses(layer(1))
    subject = responses(disguise(further(layer(1), 0.6, 2), 3))
    sampled = {role: each[:48] for role, each in reference.items()}
    ours, theirs = unit_tests(sampled, subject, symmetric=True), oracle.unit_tests(sampled, subject)
    assert ours.up_sign_z == pytest.approx(theirs["up_sign_z"], rel=1e-9)
    assert ours.up_sign_p == pytest.approx(theirs["up_sign_p"], rel=1e-9)
    assert ours.both_z == pytest.approx(theirs["up_down_z"], rel=1e-9)
    assert ours.agreement == theirs["agreement"]
    assert ours.order == theirs["order"][0]
    assert ours.order_p <= theirs["order"][1] * (1 + 1e-9)


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
    hidden = disguise(one, seed)
    tests = unit_tests({role: each[:40] for role, each in responses(one).items()}, responses(hidden), symmetric=True)
    assert tests.agreement == tests.units == tests.matched == 40
    assert tests.up_sign_z == pytest.approx(40**0.5)
    plain, turned = described(one), described(hidden)
    even = plain.even[:, None] - turned.even[None]
    assert np.abs(even).max(axis=2).min(axis=1).max() < 1e-6
    assert descriptor_test(plain, turned, symmetric=True).z == pytest.approx(len(one.gate) ** 0.5)


def test_strangers_stay_silent() -> None:
    """Over independent layers the signs are standard normal and the bound on p holds."""
    z, without, agreements = [], [], []
    for seed in range(150):
        one, two = layer(2 * seed + 100), layer(2 * seed + 101)
        tests = unit_tests(responses(one), responses(two), symmetric=True)
        assert tests.up_sign_z is not None
        z.append(tests.up_sign_z)
        without.append(descriptor_test(described(one), described(two), symmetric=True).z)
        assert tests.agreement is not None
        agreements.append(tests.agreement / tests.units)
    for each in (z, without):
        assert 0.85 < np.std(each) < 1.15
        assert np.abs(each).max() < 4.2
        assert np.mean([sign_p(value) <= 0.05 for value in each]) <= 0.05
    assert max(agreements) < 0.2


def test_the_law_of_the_longest_increasing_subsequence_is_exact() -> None:
    """For seven places it is that of all permutations."""
    counted = Counter(strict_lis(each) for each in itertools.permutations(range(7)))
    for k in range(1, 8):
        share = sum(count for length, count in counted.items() if length >= k) / 5040
        assert order_p(7, k) == pytest.approx(share, rel=1e-12)


def test_the_order_test_of_64_has_the_known_tail() -> None:
    """23 of 64 is 1.7e-7, 27 is 5e-12; the bound lies above."""
    assert order_p(64, 23) == pytest.approx(1.67e-7, rel=0.01)
    assert order_p(64, 27) == pytest.approx(5.2e-12, rel=0.01)
    assert all(order_p(64, k) <= order_bound(64, k) * (1 + 1e-9) for k in range(1, 65))
    assert order_p(300, 60) == order_bound(300, 60)


def test_equal_matches_are_no_order() -> None:
    """A hub that all units match is a run of one."""
    assert strict_lis([5] * 64) == 1
    assert strict_lis([]) == 0


def test_each_partner_is_taken_once() -> None:
    """Of two units with one nearest the closer keeps it."""
    i, j = Match(np.array([3, 3, 1]), np.array([0.2, 0.9, 0.5])).one_to_one()
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(1, 3), (2, 1)]


def test_constant_layers_have_no_z() -> None:
    """Zeros give no sign, no match worth the name and no error."""
    nothing = {role: np.zeros((8, 4)) for role in ROLES}
    tests = unit_tests(nothing, nothing, symmetric=True)
    assert tests.up_sign_z == 0.0
    assert tests.up_sign_p == 1.0


def unit_vectors(values: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_units_in_an_order_of_their_own_are_seen() -> None:
    """Sorted units and experts one behind the other; units in the order of a draw are not."""
    generator = np.random.default_rng(21)
    drawn = generator.normal(size=(512, 64))
    assert not are_ordered(unit_vectors(drawn))
    turned = drawn.copy()
    turned[:, 0] *= 2.0
    assert are_ordered(unit_vectors(turned[np.argsort(turned[:, 0])]))
    experts = np.repeat(generator.normal(size=(16, 64)), 32, axis=0)
    assert are_ordered(unit_vectors(drawn + experts))


@pytest.mark.parametrize(
    ("share", "tied", "leaning"),
    [(0.0, False, False), (0.05, False, False), (0.2, False, True), (0.5, True, True), (1.0, True, True)],
)
def test_roles_that_are_no_draws_apart_are_seen(share: float, tied: bool, leaning: bool) -> None:  # noqa: FBT001  a case's parameters
    """Gates that up was made of, or fc2 that is fc1 turned over: matching both says nothing then."""
    generator = np.random.default_rng(22)
    one, other = generator.normal(size=(2, 512, 64))
    both = unit_vectors(one), unit_vectors(share * one + np.sqrt(1 - share**2) * other)
    for first, second in (("gate", "up"), ("fc1", "fc2")):
        side = {first: both[0], second: both[1]}
        assert (are_tied(side), are_leaning(side)) == (tied, leaning)
        assert not are_tied({first: both[0]})
        assert not are_leaning({first: both[0]})


def test_a_direction_that_all_ups_share_is_a_lean() -> None:
    """Positive weights, or one token that every unit speaks of: whatever the gates, signs are not random."""
    generator = np.random.default_rng(23)
    gate, up = generator.normal(size=(2, 512, 64))
    assert not are_leaning({"gate": unit_vectors(gate), "up": unit_vectors(up)})
    assert are_leaning({"gate": unit_vectors(gate), "up": unit_vectors(up + 0.3)})
