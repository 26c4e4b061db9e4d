"""Units seen through common anchors: which tests a pair of layers gives, and when controls can be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from independence_audit.evidence.measurement import UnitTest
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, Frame, UnitLayer, own_frame
from independence_audit.lineage.through_anchors import MANY, Anchored, few_units

ANCHORS, WIDTH, UNITS, LAYERS = 64, 96, 300, 3
ROLES = ("gate", "up", "down")


def units(seed: int, labels: str = "token:") -> ComponentUnits:
    """A component drawn at random, whose units are all there."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(ANCHORS, WIDTH))
    gram = directions @ directions.T
    layers = [
        UnitLayer(
            "model",
            layer,
            whole=True,
            units=np.arange(UNITS),
            responses={role: own_frame(random.normal(size=(UNITS, WIDTH)) @ directions.T, gram) for role in ROLES},
        )
        for layer in range(LAYERS)
    ]
    return ComponentUnits("model", Anchors("model", tuple(f"{labels}{n}" for n in range(ANCHORS)), gram), tuple(layers))


def beside(subject: ComponentUnits, reference: ComponentUnits) -> Anchored:
    """Both, which have anchors in common."""
    found = Anchored.of(subject, reference, controlled=True)
    assert found is not None
    return found


def test_a_model_beside_itself_shows_every_test() -> None:
    """All kinds, at their largest; what units write is counted as what they read."""
    one = units(1)
    found = {test.test: test for test in beside(one, one).tests(symmetric=True) if test.layer == test.reference_layer}
    assert set(found) == {
        UnitTest.ORDER,
        UnitTest.UP_SIGN,
        UnitTest.AGREEMENT,
        UnitTest.DOWNS_ALIKE,
        UnitTest.SIGNS_TOGETHER,
        UnitTest.GATES_ALIKE,
    }
    assert found[UnitTest.DOWNS_ALIKE].count == UNITS
    assert found[UnitTest.GATES_ALIKE].count == LAYERS * UNITS


def test_unrelated_models_write_nothing_alike() -> None:
    """Not by what they read either."""
    for test in beside(units(1), units(2)).tests(symmetric=True):
        if test.test in {UnitTest.DOWNS_ALIKE, UnitTest.GATES_ALIKE}:
            assert (test.count or 0) <= 0.01 * test.units


def test_controls_are_of_tokens_that_are_the_same() -> None:
    """By number alone a copy's tokens would be others; and without any layer there is nothing to plant among."""
    named, numbered = (beside(units(1, labels), units(2, labels)) for labels in ("token:", "number:"))
    for each in (named, numbered):
        list(each.tests(symmetric=True))
    told = named.controls(WIDTH, symmetric=True)
    assert told is not None
    assert abs(told.z or 0.0) < 4.0
    assert abs(told.negative_z or 0.0) < 4.0
    assert numbered.controls(WIDTH, symmetric=True) is None
    sampled = replace(units(1), layers=tuple(replace(layer, whole=False) for layer in units(1).layers))
    turned = beside(sampled, units(2))
    list(turned.tests(symmetric=True))
    assert turned.controls(WIDTH, symmetric=True) is None


@pytest.mark.parametrize("labels", ["token:", "patch:64:"])
def test_other_anchors_are_none(labels: str) -> None:
    """Two components meet over equal labels alone."""
    assert Anchored.of(units(1, labels), units(2, "other:"), controlled=True) is None


def test_of_many_units_as_many_as_tell_enough_are_looked_for() -> None:
    """Spread over all of them."""
    one = units(1)
    assert one.anchors is not None
    frame = Frame(one.anchors, one.anchors.labels)
    layer = one.layers[0]
    responses = {role: np.tile(values, (4, 1)) for role, values in layer.responses.items()}
    many = replace(layer, units=np.arange(4 * UNITS), responses=responses)
    assert len(few_units(layer, frame)["gate"]) == UNITS
    assert len(few_units(many, frame)["gate"]) == MANY
