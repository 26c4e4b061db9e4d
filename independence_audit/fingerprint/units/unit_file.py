"""Anchors and units in a fingerprint's file: arrays as tensors, the rest as an entry of its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.shape import shape_of
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, UnitLayer

MOST = 1 << 24
"""Units of a layer and numbers of each that a file may claim: more are no fingerprint's."""

Arrays = dict[str, NDArray[Any]]
Read = Callable[[str, str, tuple[int, int]], NDArray[np.uint8]]
"""Reads the bytes of a tensor by name, safetensors type and shape; raises ValueError or KeyError where it differs."""


@dataclass(frozen=True, slots=True)
class _Layer:
    layer: int
    whole: bool
    units: tuple[int, ...]
    """Their numbers; empty where they are all, from 0 on."""
    count: int
    roles: tuple[str, ...]
    described: tuple[int, ...]
    """Numbers of even and of odd descriptors; empty where there are none."""


@dataclass(frozen=True, slots=True)
class _Component:
    component: str
    labels: tuple[str, ...]
    anchored: bool
    layers: tuple[_Layer, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class _Units:
    components: tuple[_Component, ...]


def encode_units(components: Sequence[ComponentUnits]) -> tuple[Arrays, object]:
    """Arrays by tensor name, and what they are, as JSON can hold it."""
    arrays: Arrays = {}
    for number, one in enumerate(components):
        if one.anchors:
            arrays[f"anchors.{number:04d}"] = one.anchors.gram
        for layer in one.layers:
            start = f"units.{number:04d}.{layer.layer:04d}"
            arrays |= {f"{start}.{role}": values for role, values in layer.responses.items()}
            if layer.even is not None and layer.odd is not None:
                arrays |= {f"{start}.even": layer.even, f"{start}.odd": layer.odd}
    table = _Units(tuple(_described(one) for one in components))
    return arrays, shape_of(_Units).encode(table, "$")


def decode_units(document: object, read: Read) -> tuple[ComponentUnits, ...]:
    """What a fingerprint's file holds of units.

    Raises:
        ValueError: The entry and the tensors contradict each other.
        KeyError: A tensor is missing.
        MalformedError: The entry is not of the form that it should be.
    """
    table = cast("_Units", shape_of(_Units).decode(document, "$"))
    return tuple(_component(number, one, read) for number, one in enumerate(table.components))


def _described(one: ComponentUnits) -> _Component:
    layers = []
    for layer in one.layers:
        described = () if layer.even is None or layer.odd is None else (layer.even.shape[1], layer.odd.shape[1])
        units = () if layer.whole else tuple(layer.units.tolist())
        layers.append(_Layer(layer.layer, layer.whole, units, len(layer.units), tuple(layer.responses), described))
    labels = one.anchors.labels if one.anchors else ()
    return _Component(one.component, labels, one.anchors is not None, tuple(layers), one.reason)


def _component(number: int, one: _Component, read: Read) -> ComponentUnits:
    t = len(one.labels)
    anchors = None
    if one.anchored:
        gram = read(f"anchors.{number:04d}", "F64", (t, t)).view("<f8").astype(np.float64).reshape(t, t)
        if not np.isfinite(gram).all() or len(set(one.labels)) < t:
            msg = f"the anchors of {one.component!r} are not those of weights"
            raise ValueError(msg)
        anchors = Anchors(one.component, one.labels, (gram + gram.T) / 2)
    return ComponentUnits(
        one.component, anchors, tuple(_layer(number, one, layer, t, read) for layer in one.layers), one.reason
    )


def _layer(number: int, one: _Component, layer: _Layer, t: int, read: Read) -> UnitLayer:
    units = np.arange(layer.count) if layer.whole else np.array(layer.units, dtype=np.int64)
    ascending = len(units) < 2 or (np.diff(units) > 0).all()  # noqa: PLR2004
    if not 0 < layer.count < MOST or len(units) != layer.count or not ascending or len(layer.described) not in {0, 2}:
        msg = f"the units of layer {layer.layer} are not those of a layer"
        raise ValueError(msg)
    start = f"units.{number:04d}.{layer.layer:04d}"
    responses = {
        role: read(f"{start}.{role}", "I8", (layer.count, t)).view(np.int8).reshape(-1, t) for role in layer.roles
    }
    described = [
        read(f"{start}.{name}", "F32", (layer.count, width)).view("<f4").astype(np.float32).reshape(-1, width)
        for name, width in zip(("even", "odd"), layer.described, strict=False)
    ]
    if not all(np.isfinite(each).all() for each in described):
        msg = f"the descriptors of layer {layer.layer} are not finite"
        raise ValueError(msg)
    even, odd = described or (None, None)
    return UnitLayer(one.component, layer.layer, layer.whole, units, responses, even, odd)
