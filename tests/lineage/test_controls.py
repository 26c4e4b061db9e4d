"""Controls: the bound is where planted copies begin to be found, at whatever level."""

from __future__ import annotations

import math

import numpy as np
import pytest

from independence_audit.evidence.measurement import ControlPoint
from independence_audit.lineage.controls import Controls, controls
from independence_audit.lineage.units_together import Together
from independence_audit.statistics.anchors import whitened_responses
from independence_audit.statistics.units import critical_sign_z
from tests.lineage.test_units_together import ANCHORS, placed
from tests.statistics.test_planting import drifted

WIDTH = 192


def points(*values: tuple[float, float | None, float]) -> Controls:
    """Controls with these points and nothing else."""
    return Controls(tuple(ControlPoint(*each) for each in values), None, None)


def test_the_bound_lies_where_z_reaches_the_level() -> None:
    """Between the last point that is missed and the first from which on all are found."""
    found = points((0.3, 1.0, 0.0), (0.4, 4.0, 0.0), (0.5, 10.0, 0.0), (0.6, 30.0, 0.0))
    assert found.bound(7.0) == pytest.approx(0.45)
    assert found.bound(10.0) == pytest.approx(0.5)
    assert found.bound(0.5) == 0.3
    assert found.bound(31.0) is None


def test_the_bound_grows_with_the_level() -> None:
    """A stricter level never finds weaker copies."""
    found = points((0.3, 1.0, 0.0), (0.4, 4.0, 0.0), (0.5, 10.0, 0.0), (0.6, 30.0, 0.0))
    bounds = [found.bound(critical_sign_z(1e-6, tests)) for tests in (1, 100, 10_000, 10**9)]
    assert all(bound is not None for bound in bounds)
    assert bounds == sorted(bounds, key=lambda bound: bound or 0.0)


def test_counts_of_gates_find_without_signs() -> None:
    """Where signs are not tested the bound is the first r at which enough gates are alike."""
    assert points((0.6, None, 0.01), (0.7, None, 0.09), (0.8, None, 0.5)).bound(6.0) == 0.8
    assert points((0.6, None, 0.01)).bound(6.0) is None


@pytest.mark.parametrize(("units", "counts"), [(40, False), (300, True)])
def test_few_units_are_not_counted_in_a_control_either(units: int, counts: bool) -> None:  # noqa: FBT001
    """Where the search takes no count for evidence its control states no bound by one."""
    random = np.random.default_rng(9)
    tokens = random.normal(size=(ANCHORS, ANCHORS))
    few, own = (
        {
            role: whitened_responses(tokens, random.normal(size=(count, ANCHORS))).astype(np.float32)
            for role in ("gate", "up")
        }
        for count in (units, 400)
    )
    together = Together([(placed(0, {**few, "down": few["up"]}, whole=False), few)], [0], ANCHORS)
    together.see(placed(0, {**own, "down": own["up"]}), own)
    told = controls(together, together, tokens @ tokens.T, ANCHORS, symmetric=False)
    assert told is not None
    assert (told.bound(6.0) is not None) == counts


def test_a_gap_above_what_is_found_counts() -> None:
    """Something found below what is missed is no bound."""
    assert points((0.3, 9.0, 0.0), (0.4, 2.0, 0.0), (0.5, 10.0, 0.0)).bound(9.0) == pytest.approx(0.4875, abs=1e-3)


def test_the_critical_z_is_that_of_the_rigorous_bound() -> None:
    """exp(-z²/2) times the tests is the level."""
    z = critical_sign_z(1e-6, 124)
    assert 124 * math.exp(-z * z / 2) == pytest.approx(1e-6)


def test_the_bound_agrees_with_copies_planted_on_weights() -> None:
    """A whole model of twelve layers with noise on every matrix and the embeddings is found from the printed r on."""
    random = np.random.default_rng(7)
    layers, units, few = 12, 400, 128

    def made(tokens: np.ndarray, matrices: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        return [
            {role: whitened_responses(tokens, rows).astype(np.float32) for role, rows in each.items()}
            for each in matrices
        ]

    def looked(tokens: np.ndarray, matrices: list[dict[str, np.ndarray]]) -> Together:
        seen = Together(wanted, list(range(layers)), ANCHORS)
        for number, each in enumerate(made(tokens, matrices)):
            seen.see(placed(number, {**each, "down": each["up"]}), each)
        return seen

    tokens = random.normal(size=(ANCHORS, WIDTH))
    weights = [{role: random.normal(size=(units, WIDTH)) for role in ("gate", "up")} for _ in range(layers)]
    wanted = [
        (placed(number, {**each, "down": each["up"]}, whole=False), {role: rows[:few] for role, rows in each.items()})
        for number, each in enumerate(made(tokens, weights))
    ]
    strange = looked(
        random.normal(size=(ANCHORS, WIDTH)),
        [{role: random.normal(size=(units, WIDTH)) for role in ("gate", "up")} for _ in range(layers)],
    )
    told = controls(strange, strange, tokens @ tokens.T, WIDTH, symmetric=True)
    assert told is not None
    critical = critical_sign_z(1e-6, 100)
    bound = told.bound(critical)
    assert bound is not None
    found = {}
    for r in (bound - 0.05, bound + 0.05):
        copies = [{role: drifted(rows, r, random) for role, rows in each.items()} for each in weights]
        (signs,) = (
            test
            for test in looked(drifted(tokens, r, random), copies).tests(symmetric=True)
            if test.test == "signs_together"
        )
        found[r] = (signs.z or 0.0) >= critical
    assert list(found.values()) == [False, True]
