"""Units in a fingerprint: which are read, of which layers, and what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import ReadError
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.places import UnitPlace
from independence_audit.fingerprint.units.unit_reading import (
    SAMPLED,
    UnitPlan,
    kept_places,
    read_units,
    reason_of,
    rows_of_experts,
    sampled_units,
    unit_plan,
)
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import dense, part_of
from tests.fingerprint.units.small_decoder import WIDTH, decoder, with_units


def test_nothing_is_read_whole_far_away(tmp_path: Path) -> None:
    """Without search layers gate and up of sampled units are all that is kept."""
    (units,) = with_units(decoder(tmp_path), 0).units
    assert [list(layer.responses) for layer in units.layers] == [["gate", "up"]] * 3
    assert not any(layer.whole for layer in units.layers)


@pytest.mark.parametrize(("units", "found"), [(40, 2), (300, 4), (900, 6)])
def test_more_layers_where_they_are_cheap(units: int, found: int, tmp_path: Path) -> None:
    """As long as descriptors, 33 and 30 more for each further layer, are fewer than half the units; all six at most."""
    random = np.random.default_rng(5)
    changed: dict[str, np.ndarray] = {}
    for layer in range(6):
        at = f"model.layers.{layer}.mlp."
        changed |= {f"{at}{role}_proj.weight": random.normal(size=(units, WIDTH)) for role in ("gate", "up")}
        changed[f"{at}down_proj.weight"] = random.normal(size=(WIDTH, units))
    checkpoint = open_checkpoint(decoder(tmp_path, 6, changed))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    plan = UnitPlan(2, Sampler(), deeper=True)
    (deeper,) = read_units(checkpoint, anatomy, plan)
    (usual,) = read_units(checkpoint, anatomy, replace(plan, deeper=False))
    checkpoint.source.close()
    assert sum(layer.whole for layer in deeper.layers) == found
    assert sum(layer.whole for layer in usual.layers) == 2


class Unreadable(MemorySource):
    """Lists its files and gives no byte of them."""

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Refuse."""
        raise ReadError("The connection is gone.", "Try again.")


def of_layer(layer: int, units: int = 40, experts: int = 1) -> UnitPlace:
    """A layer's units by hand."""
    parts = tuple(part_of(f"{layer}.{number}", dense(units, 8), layer=layer) for number in range(experts))
    return UnitPlace(layer, ("fc1", "fc2"), {"fc1": parts, "fc2": parts}, None, {})


@pytest.mark.parametrize(("near", "wanted", "found"), [(True, None, 2), (False, None, 0), (True, 0, 0), (False, 5, 5)])
def test_whole_layers_are_usual_on_this_machine(near: bool, wanted: int | None, found: int) -> None:  # noqa: FBT001
    """Far away only those that were asked for; what was asked for is described however large it is."""
    plan = unit_plan(MemorySource({}, near=near), Sampler(), wanted)
    assert (plan.search_layers, plan.however_large) == (found, wanted is not None)


@pytest.mark.parametrize(
    ("search_layers", "sampled", "kept"),
    [(2, None, list(range(12))), (0, 3, [3, 4, 8]), (2, 0, [4, 8]), (1, 2, [4, 6, 8]), (0, 0, [])],
)
def test_layers_that_are_kept_lie_around_those_that_are_searched(
    search_layers: int, sampled: int | None, kept: list[int]
) -> None:
    """Of twelve, 4 and 8 are searched in every model of this depth; whole ones are kept beside the sampled ones."""
    plan = UnitPlan(search_layers, Sampler(), sampled_layers=sampled)
    assert [each.layer for each in kept_places([of_layer(layer) for layer in range(12)], plan)] == kept


def test_the_salt_decides_which_units_are_sampled() -> None:
    """As many of every layer, ascending and once each; of a small layer all."""
    public, secret = (UnitPlan(0, Sampler(salt=salt)) for salt in (b"one salt of many bytes", b"another salt of bytes"))
    units = sampled_units(of_layer(0, 1000, experts=3), public)
    assert len(units) == SAMPLED
    assert (np.diff(units) > 0).all()
    assert 0 <= units[0] <= units[-1] < 3000
    assert units.tolist() == sampled_units(of_layer(7, 1000, experts=3), public).tolist()
    assert units.tolist() != sampled_units(of_layer(0, 1000, experts=3), secret).tolist()
    assert sampled_units(of_layer(0, 30), public).tolist() == list(range(30))


def test_numbers_of_units_go_through_the_experts() -> None:
    """One behind the other; an expert without a wanted unit is not read."""
    parts = of_layer(0, 10, experts=4).parts["fc1"]
    found = rows_of_experts(parts, np.array([3, 9, 20, 39]), 10)
    assert [(part.tensor, rows.tolist()) for part, rows in found] == [("0.0", [3, 9]), ("0.2", [0]), ("0.3", [9])]


def test_why_no_unit_can_be_looked_for(tmp_path: Path) -> None:
    """No anchors, or no room for units where not all layers were to be kept."""
    (units,) = with_units(decoder(tmp_path)).units
    plan = UnitPlan(2, Sampler())
    assert reason_of(units.anchors, units.layers, plan) == ""
    assert reason_of(None, units.layers, plan) == "no_anchors"
    assert reason_of(units.anchors, (), plan) == ""
    assert reason_of(units.anchors, (), replace(plan, sampled_layers=0)) == "units_not_kept"


@pytest.mark.parametrize("wanted", [0, 3])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_say_nothing(wanted: int, value: float, tmp_path: Path) -> None:
    """A unit of them has no direction; the others have their own, whether all units are read or a few."""
    (sound,) = with_units(decoder(tmp_path), wanted).units
    name = "model.layers.1.mlp.up_proj.weight"
    broken = load_file(tmp_path / "model.safetensors")[name]
    broken[7] = value
    (units,) = with_units(decoder(tmp_path, changed={name: broken}), wanted).units
    mine, whole = units.layers[1].responses["up"], sound.layers[1].responses["up"]
    assert not mine[7].any()
    assert whole[7].any()
    np.testing.assert_array_equal(np.delete(mine, 7, axis=0), np.delete(whole, 7, axis=0))


def test_what_cannot_be_read_is_a_reason_and_no_error(tmp_path: Path) -> None:
    """Of every component that is wanted, and of no other."""
    checkpoint = open_checkpoint(decoder(tmp_path))
    checkpoint.source.close()
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    gone = replace(checkpoint, source=Unreadable(dict.fromkeys(checkpoint.files, b"")))
    (units,) = read_units(gone, anatomy, UnitPlan(2, Sampler()))
    assert (units.component, units.reason, units.layers) == (anatomy.components[0].name, "unreadable", ())
    assert read_units(gone, anatomy, UnitPlan(2, Sampler()), wanted=["another"]) == ()
