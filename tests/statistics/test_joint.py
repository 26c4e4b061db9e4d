"""The joint test of several tensors along one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np
import pytest

from independence_audit.statistics.aligned import aligned_test
from independence_audit.statistics.joint import JointTest
from tests.statistics import specification
from tests.statistics.pairs_of_tensors import KINDS, Pair, relatives, strangers

COLUMNS = 96


def joint_of(roles: Mapping[str, Sequence[Pair]]) -> JointTest:
    """The joint test over the tensors of every role."""
    joint = JointTest(COLUMNS)
    for role, pairs in roles.items():
        for pair in pairs:
            found = aligned_test(*pair)
            assert found is not None
            joint.add(role, *found)
    return joint


def shared(generator: np.random.Generator, r: float, rows: int = 6) -> Pair:
    """Two matrices whose values correlate by r."""
    first, noise = generator.normal(size=(2, rows, COLUMNS))
    return first, r * first + np.sqrt(1.0 - r**2) * noise


def sinusoids(rows: int = 12) -> Pair:
    """Two matrices of strangers that follow the same frequencies along their columns: not exchangeable."""
    table = np.cos(np.pi * (np.arange(COLUMNS) + 0.5) * np.arange(1, rows + 1)[:, None] / COLUMNS)
    first, second = table + 0.2 * np.random.default_rng(8).normal(size=(2, rows, COLUMNS))
    return first, second


@pytest.mark.parametrize("make", [strangers, relatives])
def test_agrees_with_the_dense_computation(make: object) -> None:
    """The statistic of the weighted sum, over matrices and vectors of every kind of values."""
    assert callable(make)
    pairs: list[Pair] = [make(kind, (1 + 3 * (number % 2), COLUMNS)) for number, kind in enumerate(KINDS)]
    found = joint_of({str(number): [pair] for number, pair in enumerate(pairs)}).result()
    expected = specification.statistic(specification.joint_product(pairs))
    assert found is not None
    assert found.z == pytest.approx(expected.z, rel=1e-9, abs=1e-9)


def test_agrees_with_the_executable_specification(oracle: ModuleType) -> None:
    """The method's own code gives the same z, whatever the roles are called."""
    pairs = [relatives(kind, (4, COLUMNS)) for kind in KINDS]
    expected = oracle.joint_test(pairs)
    for roles in ({"q": pairs}, {str(number): [pair] for number, pair in enumerate(pairs)}):
        found = joint_of(roles).result()
        assert found is not None
        assert found.z == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("rows", [1, 5])
def test_one_tensor_is_its_own_joint_test(rows: int) -> None:
    """With nothing else to add, the joint test is the aligned test."""
    pair = relatives("normal", (rows, COLUMNS))
    alone = aligned_test(*pair)
    found = joint_of({"q": [pair]}).result()
    assert alone is not None
    assert found is not None
    assert found.z == pytest.approx(alone[0].z, rel=1e-9)
    assert found.p_value == pytest.approx(alone[0].p_value, rel=1e-6)
    assert found.effective_rows == pytest.approx(alone[0].effective_rows, rel=1e-9)
    assert (found.columns, found.left_out) == (COLUMNS, None)


def test_effective_rows_add_up_over_independent_tensors() -> None:
    """Ten independent matrices of six rows are worth about sixty rows."""
    generator = np.random.default_rng(7)
    pairs = [shared(generator, 0.0) for _ in range(10)]
    found = joint_of({"q": pairs}).result()
    assert found is not None
    assert found.effective_rows == pytest.approx(60.0, rel=0.15)


def test_many_weak_tensors_are_strong_together() -> None:
    """What no tensor shows alone, all show as one."""
    generator = np.random.default_rng(9)
    pairs = [shared(generator, 0.12) for _ in range(24)]
    best = max(abs(found[0].z) for found in (aligned_test(*pair) for pair in pairs) if found)
    found = joint_of({str(number): [pair] for number, pair in enumerate(pairs)}).weakest()
    assert found is not None
    assert best < 6.0 < found.z


def test_the_same_tensor_many_times_is_worth_one() -> None:
    """The test holds under any dependence: copies of one tensor do not make its evidence stronger."""
    pair = relatives("normal", (3, COLUMNS))
    once, often = joint_of({"q": [pair]}).result(), joint_of({"q": [pair] * 10}).result()
    assert once is not None
    assert often is not None
    assert often.z == pytest.approx(once.z, rel=1e-9)
    assert often.effective_rows == pytest.approx(once.effective_rows, rel=1e-9)


def test_weakest_leaves_every_role_out_once() -> None:
    """The weakest result is the smallest |z| of the tests without each role, all of its tensors with it."""
    generator = np.random.default_rng(10)
    roles = {role: [shared(generator, r), shared(generator, r)] for role, r in [("q", 0.1), ("k", 0.5), ("up", 0.2)]}
    without = {role: joint_of({other: roles[other] for other in roles if other != role}).result() for role in roles}
    sizes = {role: abs(result.z) for role, result in without.items() if result}
    weakest = joint_of(roles).weakest()
    assert weakest is not None
    assert weakest.left_out == min(sizes, key=sizes.__getitem__) == "k"
    expected = without["k"]
    assert expected is not None
    assert weakest.z == pytest.approx(expected.z, rel=1e-9)
    assert weakest.p_value == pytest.approx(expected.p_value, rel=1e-6)
    assert weakest.effective_rows == pytest.approx(expected.effective_rows, rel=1e-9)


def test_poisoned_role_does_not_carry_the_weakest() -> None:
    """Between strangers one role that is not exchangeable carries the whole test, and falls with itself left out."""
    generator = np.random.default_rng(11)
    roles = {role: [shared(generator, 0.0) for _ in range(3)] for role in ("q", "k", "v", "up")}
    joint = joint_of({**roles, "rope": [sinusoids()]})
    whole, weakest = joint.result(), joint.weakest()
    assert whole is not None
    assert weakest is not None
    assert abs(whole.z) > 4.5
    assert abs(weakest.z) < 3.5
    assert weakest.left_out == "rope"


@pytest.mark.parametrize("roles", [0, 1, 2])
def test_leaving_out_needs_two_roles(roles: int) -> None:
    """With a single role nothing would be left; with none there is no test at all."""
    joint = joint_of({str(number): [relatives("normal", (3, COLUMNS))] * 2 for number in range(roles)})
    assert (joint.result() is None) == (roles == 0)
    assert (joint.weakest() is None) == (roles < 2)


def test_adding_does_not_write_to_the_products() -> None:
    """The cross-products belong to the tests they came from."""
    found = aligned_test(*relatives("normal", (3, COLUMNS)))
    assert found is not None
    test, product = found
    rows, columns = np.divmod(np.arange(COLUMNS**2), COLUMNS)
    before = product.values(rows, columns).copy()
    joint = JointTest(COLUMNS)
    joint.add("q", test, product)
    joint.add("q", test, product)
    joint.result()
    np.testing.assert_array_equal(product.values(rows, columns), before)


def test_strangers_are_calibrated_under_dependence() -> None:
    """Tensors of one model share their residual basis; between strangers the joint z stays standard normal."""
    generator = np.random.default_rng(12)
    found = []
    for _ in range(250):
        bases = generator.normal(size=(2, 8, 64))
        joint = JointTest(64)
        for role in "qkv":
            mixed = generator.normal(size=(2, 3, 8)) @ bases
            test = aligned_test(mixed[0], mixed[1])
            assert test is not None
            joint.add(role, *test)
        result = joint.result()
        assert result is not None
        found.append(result.z)
    assert 0.8 < np.std(found) < 1.15
    assert abs(np.mean(found)) < 0.2
    assert np.abs(found).max() < 4.5
