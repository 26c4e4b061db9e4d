"""Units survive a fingerprint's file to the bit, or the file is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import MalformedError
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from independence_audit.fingerprint.units.unit_file import Read, decode_units, encode_units
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, UnitLayer
from tests.fingerprint.units.small_decoder import decoder, with_units


def test_units_survive_the_file_to_the_bit(tmp_path: Path) -> None:
    """What is written is read, and written again it is the same file."""
    fingerprint = with_units(decoder(tmp_path))
    first, second = tmp_path / "a.fp.safetensors", tmp_path / "b.fp.safetensors"
    write_fingerprint(fingerprint, first)
    again = read_fingerprint(open_checkpoint(first))
    write_fingerprint(again, second)
    assert first.read_bytes() == second.read_bytes()
    for one, other in zip(fingerprint.units, again.units, strict=True):
        assert (one.component, one.reason) == (other.component, other.reason)
        for mine, theirs in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(mine.units, theirs.units)
            assert mine.responses.keys() == theirs.responses.keys()
            assert mine.even is None or theirs.even is not None


@pytest.mark.parametrize("damage", ["gram", "count", "units"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Anchors that are not finite, counts and numbers that contradict the tensors."""
    fingerprint = with_units(decoder(tmp_path))
    (units,) = fingerprint.units
    assert units.anchors is not None
    if damage == "gram":
        units = replace(units, anchors=replace(units.anchors, gram=units.anchors.gram * np.nan))
    elif damage == "count":
        units = replace(units, layers=tuple(replace(layer, units=layer.units[:-1]) for layer in units.layers))
    else:
        units = replace(
            units, layers=tuple(replace(layer, whole=False, units=layer.units[::-1]) for layer in units.layers)
        )
    path = tmp_path / "a.fp.safetensors"
    write_fingerprint(replace(fingerprint, units=(units,)), path)
    with pytest.raises(MalformedError):
        read_fingerprint(open_checkpoint(path))


def layer_of(*, whole: bool, described: bool, roles: Sequence[str] = ("gate", "up"), anchors: int = 3) -> UnitLayer:
    """Units by hand."""
    random = np.random.default_rng(6)
    units = np.arange(4) if whole else np.array([1, 5, 6, 30])
    responses = {role: random.integers(-127, 128, size=(4, anchors), dtype=np.int8) for role in roles}
    even, odd = (random.normal(size=(4, width)).astype(np.float32) if described else None for width in (5, 2))
    return UnitLayer("model", 3, whole=whole, units=units, responses=responses, even=even, odd=odd)


ANCHORS = Anchors("model", ("token: the", "token:가", "number:16"), np.diag([1.0, 2.0, 0.1]))
COMPONENTS = {
    "a sample": ComponentUnits("model", ANCHORS, (layer_of(whole=False, described=False),)),
    "all, described": ComponentUnits("model", ANCHORS, (layer_of(whole=True, described=True),)),
    "no anchors": ComponentUnits(
        "model", None, (layer_of(whole=True, described=True, roles=(), anchors=0),), reason="no_anchors"
    ),
    "nothing": ComponentUnits("model", None, reason="no_units"),
}


def written(component: ComponentUnits) -> tuple[Any, Read]:
    """A component's entry, and what reads its tensors."""
    arrays, entry = encode_units([component])

    def read(name: str, dtype: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
        array = arrays[name]
        if ({"float64": "F64", "float32": "F32", "int8": "I8"}[str(array.dtype)], array.shape) != (dtype, shape):
            raise ValueError(name)
        return np.frombuffer(array.tobytes(), np.uint8)

    return json.loads(json.dumps(entry)), read


@pytest.mark.parametrize("component", COMPONENTS.values(), ids=COMPONENTS.keys())
def test_every_value_comes_back(component: ComponentUnits) -> None:
    """With and without anchors, descriptors and layers, the reason included."""
    (back,) = decode_units(*written(component))
    assert (back.component, back.reason) == (component.component, component.reason)
    assert (back.anchors and back.anchors.labels) == (component.anchors and component.anchors.labels)
    if component.anchors and back.anchors:
        np.testing.assert_array_equal(back.anchors.gram, component.anchors.gram)
    for mine, theirs in zip(component.layers, back.layers, strict=True):
        assert (theirs.component, theirs.layer, theirs.whole) == (mine.component, mine.layer, mine.whole)
        np.testing.assert_array_equal(theirs.units, mine.units)
        assert list(theirs.responses) == list(mine.responses)
        for role, values in mine.responses.items():
            np.testing.assert_array_equal(theirs.responses[role], values)
        np.testing.assert_array_equal(theirs.even, mine.even)
        np.testing.assert_array_equal(theirs.odd, mine.odd)


@pytest.mark.parametrize(
    ("fact", "value"),
    [("count", 5), ("count", 0), ("count", 1 << 24), ("units", [1, 5, 5, 30]), ("described", [5]), ("whole", True)],
)
def test_an_entry_that_contradicts_its_tensors_is_refused(fact: str, value: object) -> None:
    """Before any memory is taken for what it claims; the untouched one is read."""
    component = ComponentUnits("model", ANCHORS, (replace(layer_of(whole=False, described=False), layer=0),))
    entry, read = written(component)
    layer = entry["components"][0]["layers"][0]
    decode_units(entry, read)
    layer[fact] = value
    if fact == "whole":
        layer["count"] = 3
    with pytest.raises(ValueError, match=r"units"):
        decode_units(entry, read)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_descriptors_that_are_no_numbers_are_refused(value: float) -> None:
    """The layer is named."""
    layer = layer_of(whole=True, described=True)
    assert layer.even is not None
    broken = replace(layer, even=np.full_like(layer.even, value))
    with pytest.raises(ValueError, match="descriptors of layer 3 are not finite"):
        decode_units(*written(ComponentUnits("model", ANCHORS, (broken,))))


def test_products_of_anchors_are_the_same_both_ways() -> None:
    """Whatever a file says of them: their roots are taken as those of a symmetric matrix."""
    one_way = np.triu(np.ones_like(ANCHORS.gram))
    (back,) = decode_units(*written(ComponentUnits("model", replace(ANCHORS, gram=one_way))))
    assert back.anchors is not None
    np.testing.assert_array_equal(back.anchors.gram, back.anchors.gram.T)
    np.testing.assert_array_equal(np.diag(back.anchors.gram), np.diag(one_way))


def test_an_anchor_stands_once_in_the_list() -> None:
    """Two rows of one label would be taken for each other."""
    twice = replace(ANCHORS, labels=("token:a", "token:b", "token:a"))
    with pytest.raises(ValueError, match="the anchors of 'model'"):
        decode_units(*written(ComponentUnits("model", twice)))


@pytest.mark.parametrize("entry", [{"components": [{"component": "model"}]}, {"components": 3}, [], {"layers": []}])
def test_an_entry_of_another_form_is_refused(entry: object) -> None:
    """No tensor is looked for."""
    with pytest.raises(MalformedError):
        decode_units(entry, lambda *_: np.zeros(0, np.uint8))
