"""Units of all layers together: copies at any depth are found, models that share nothing are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest
from independence_audit.fingerprint.units.unit_layers import UnitLayer
from independence_audit.lineage.disguised import is_counted
from independence_audit.lineage.units_together import Together
from independence_audit.statistics.anchors import unit_rows

ANCHORS, UNITS, FEW = 96, 300, 64

Layer = dict[str, NDArray[np.float32]]


def layer(random: np.random.Generator, units: int = UNITS) -> Layer:
    """Whitened responses of units drawn at random."""
    return {role: unit_rows(random.normal(size=(units, ANCHORS))).astype(np.float32) for role in ("gate", "up", "down")}


def placed(number: int, values: Layer, *, whole: bool = True) -> UnitLayer:
    """A layer by its number; what it holds is handed over beside it."""
    return UnitLayer(
        "model", number, whole, np.arange(len(values["gate"])), dict.fromkeys(values, np.zeros((1, 1), np.int8))
    )


def together(reference: list[Layer], subject: list[Layer], *, symmetric: bool = True) -> dict[str, DisguisedTest]:
    """All tests over some layers of a reference among those of a subject, by kind."""
    few = [
        (placed(number, each, whole=False), {role: each[role][:FEW] for role in each})
        for number, each in enumerate(reference)
    ]
    looked = Together(few, list(range(len(subject))), ANCHORS)
    for number, each in enumerate(subject):
        looked.see(placed(number, each), each)
    return {test.test: test for test in looked.tests(symmetric=symmetric)}


def shuffled(values: Layer, random: np.random.Generator, r: float = 1.0) -> Layer:
    """The same units in another order, each at cosine r with what it was; one sign a unit for up and down."""
    order = random.permutation(len(values["gate"]))
    drift = layer(random, len(order))
    return {
        role: unit_rows(r * rows[order] + (1 - r * r) ** 0.5 * drift[role]).astype(np.float32)
        for role, rows in values.items()
    }


def test_layers_are_found_wherever_they_stand() -> None:
    """In another order of layers, among others that do nothing, changed by training."""
    random = np.random.default_rng(1)
    reference = [layer(random) for _ in range(5)]
    stack = [
        shuffled(reference[2], random, 0.8),
        layer(random),
        *(shuffled(each, random, 0.8) for each in reference[:2]),
    ]
    found = together(reference, stack)
    signs = found["signs_together"]
    assert signs.z is not None
    assert signs.z > 12.0
    assert signs.layers == {"0": 2, "2": 0, "3": 1}
    assert is_counted(found["gates_alike"])
    assert found["gates_alike"].count == 3 * FEW
    assert found["gates_alike"].layers == signs.layers


def test_doubled_units_whose_ups_are_noise_are_told_by_their_gates() -> None:
    """Twins: signs say nothing of them, equal gates all."""
    random = np.random.default_rng(2)
    reference = [layer(random) for _ in range(4)]
    twins = [{**layer(random), "gate": shuffled(each, random)["gate"]} for each in reference]
    found = together(reference, twins)
    assert abs(found["signs_together"].z or 0.0) < 4.0
    assert is_counted(found["gates_alike"])


@pytest.mark.parametrize("seed", range(8))
def test_unrelated_layers_stay_silent(seed: int) -> None:
    """The sign test over chosen layers keeps its law, and hardly a gate is alike by chance."""
    random = np.random.default_rng(100 + seed)
    found = together([layer(random) for _ in range(6)], [layer(random) for _ in range(6)])
    assert abs(found["signs_together"].z or 0.0) < 4.0
    assert (found["gates_alike"].count or 0) <= 0.01 * found["gates_alike"].units


def test_one_hub_is_one_match() -> None:
    """A unit that all of a reference's are most like counts once, however alike it is."""
    random = np.random.default_rng(3)
    lean = unit_rows(random.normal(size=(1, ANCHORS)))
    reference = [
        {**each, "gate": unit_rows(each["gate"] + 2.0 * lean).astype(np.float32)}
        for each in (layer(random) for _ in range(4))
    ]
    subject = [
        {**each, "gate": np.concatenate([lean, each["gate"][1:]]).astype(np.float32)}
        for each in (layer(random) for _ in range(4))
    ]
    assert together(reference, subject)["gates_alike"].count == 4


@pytest.mark.parametrize("symmetric", [True, False])
def test_signs_are_added_up_only_where_they_are_random(symmetric: bool) -> None:  # noqa: FBT001
    """Not in a design without the symmetry, and not of layers whose ups lean together."""
    random = np.random.default_rng(4)
    lean = unit_rows(random.normal(size=(1, ANCHORS)))
    leaning = [
        {**each, "up": unit_rows(each["up"] + 0.5 * lean).astype(np.float32)}
        for each in (layer(random) for _ in range(3))
    ]
    others = leaning if symmetric else [layer(random) for _ in range(3)]
    assert "signs_together" not in together(others, others, symmetric=symmetric)


def test_few_directions_ask_for_closer_gates() -> None:
    """Of few independent anchors, chance alone makes gates alike: more is asked for."""
    random = np.random.default_rng(5)
    few = [(placed(0, each, whole=False), each) for each in (layer(random, FEW),)]
    half = {
        role: unit_rows(0.62 * rows + 0.78 * layer(random, FEW)[role]).astype(np.float32)
        for role, rows in few[0][1].items()
    }
    counts = []
    for dimensions in (ANCHORS, 16):
        looked = Together(few, [0], dimensions)
        looked.see(placed(0, half), half)
        counts += [test.count for test in looked.tests(symmetric=True) if test.test == "gates_alike"]
    assert counts[0] is not None
    assert counts[0] > 0.8 * FEW
    assert counts[1] == 0


def test_planted_copies_show_themselves() -> None:
    """What a control plants is found as if it stood among the subject's units, and leaves the observation as it was."""
    random = np.random.default_rng(6)
    few = [
        (placed(number, each, whole=False), each) for number, each in enumerate(layer(random, FEW) for _ in range(4))
    ]
    looked = Together(few, [0, 1], ANCHORS)
    for number in range(2):
        own = layer(random)
        looked.see(placed(number, own), own)
    before = list(looked.tests(symmetric=True))
    planted = {test.test.value: test for test in looked.tests_with(looked.looked_for, symmetric=True)}
    assert planted["gates_alike"].count == 4 * FEW
    assert planted["signs_together"].z == pytest.approx((4 * FEW) ** 0.5, rel=1e-4)
    assert list(looked.tests(symmetric=True)) == before
