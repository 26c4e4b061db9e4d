"""Units that were permuted, rescaled and turned are found by order, signs and agreement; strangers stay silent."""

from __future__ import annotations

import itertools
from collections import Counter
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.statistics.units import (
    are_leaning,
    are_ordered,
    are_tied,
    order_bound,
    order_p,
    sign_p,
    sign_z,
    strict_lis,
    unit_tests,
)
from tests.statistics.layers import ROLES, disguise, further, layer, responses


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


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_a_disguise_changes_nothing(seed: int) -> None:
    """Rotating, permuting, rescaling, permuting heads and mixing values leave every statistic as it was."""
    one = layer(seed % 7)
    hidden = disguise(one, seed)
    tests = unit_tests({role: each[:40] for role, each in responses(one).items()}, responses(hidden), symmetric=True)
    assert tests.agreement == tests.units == tests.matched == 40
    assert tests.up_sign_z == pytest.approx(40**0.5)


def test_strangers_stay_silent() -> None:
    """Over independent layers the signs are standard normal and the bound on p holds."""
    z, agreements = [], []
    for seed in range(150):
        one, two = layer(2 * seed + 100), layer(2 * seed + 101)
        tests = unit_tests(responses(one), responses(two), symmetric=True)
        assert tests.up_sign_z is not None
        z.append(tests.up_sign_z)
        assert tests.agreement is not None
        agreements.append(tests.agreement / tests.units)
    assert 0.85 < np.std(z) < 1.15
    assert np.abs(z).max() < 4.2
    assert np.mean([sign_p(value) <= 0.05 for value in z]) <= 0.05
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


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=8), st.floats(-1.0, 4.0))
def test_the_bound_on_signs_holds_whatever_their_sizes(sizes: list[float], least: float) -> None:
    """Of all choices of signs no greater share has a z of at least this than the bound says."""
    reached = [sign_z(np.array(sizes) * signs) >= least for signs in itertools.product((-1.0, 1.0), repeat=len(sizes))]
    assert np.mean(reached) <= sign_p(least)


def test_a_tower_without_gates_has_no_signs() -> None:
    """There fc1 and fc2 must agree; a role that is there alone says by the order of its units only."""
    one = responses(layer(1))
    tower = {"fc1": one["gate"], "fc2": one["down"]}
    both = unit_tests(tower, tower, symmetric=False)
    assert (both.up_sign_z, both.up_sign_p, both.both_z) == (None, None, None)
    assert both.agreement == both.agreed == both.order == both.units == 96
    assert both.second_z == pytest.approx((95 / 96 - 0.5) * (12 * 96) ** 0.5)
    alone = unit_tests({"fc1": one["gate"][::-1]}, {"fc1": one["gate"]}, symmetric=False)
    assert (alone.order, alone.matched) == (1, 96)
    assert (alone.agreement, alone.agreed, alone.second_z) == (None, None, None)


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
