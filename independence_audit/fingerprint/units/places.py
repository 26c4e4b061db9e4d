"""Where a component's units and anchors are: which parts hold them, and which layers are searched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Component, Part

ROLES = (("gate", "up", "down"), ("fc1", "fc2"))
"""The roles of a layer's units, with gates and without; the last is seen from its columns."""

SCOPES = ("", "shared_expert.", "expert.")
"""Whose units stand for a layer, the first of which there are enough: one dense block, the expert that all tokens pass,
all experts."""

ENOUGH = 256
"""Units of a layer that are enough: twice as many as descriptors, and as many as agreements are counted from."""

MOST_UNITS = 24576
"""Units of a layer that are kept: three roles of two such layers at 256 anchors are 38 MB. Of more experts than that
as many are taken as fit, spread evenly; a copy of which a quarter is searched is found in that quarter."""

ANCHOR_ROLES = ("embed", "patch", "position")
"""What has a direction in the residual stream that other models have as well."""


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """The parts that hold one layer's units."""

    layer: int
    roles: tuple[str, ...]
    parts: Mapping[str, tuple[Part, ...]]
    """By role without its scope; several are experts, in the same order under each role."""
    gain: Part | None
    """The gain of the norm before them."""
    attention: Mapping[str, Part]
    """q, k, v, o and attn_norm, where they are there."""

    @property
    def width(self) -> int:
        """The residual width that its units read."""
        return self.parts[self.roles[0]][0].view.columns

    @property
    def block(self) -> int:
        """Units of one expert, or of the layer."""
        return self.parts[self.roles[0]][0].view.row_count

    @property
    def count(self) -> int:
        """All units."""
        return self.block * len(self.parts[self.roles[0]])


def unit_places(anatomy: Anatomy, component: Component) -> list[UnitPlace]:
    """Every layer of a component that has units, by number; those of the most frequent width where stages differ."""
    by_layer: dict[int, dict[str, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for part in anatomy.parts:
        if part.component == component.name and part.layer is not None:
            by_layer[part.layer][part.role].append(part)
    found = [place for layer, roles in sorted(by_layer.items()) if (place := _place(layer, roles)) is not None]
    widths = [place.width for place in found]
    return [place for place in found if place.width == max(set(widths), key=widths.count)]


def anchor_part(anatomy: Anatomy, component: Component, width: int) -> Part | None:
    """The part whose rows are a component's anchors; embeddings of another width than the units' are none."""
    own = [
        part
        for part in anatomy.parts
        if part.component == component.name and part.layer is None and part.view.columns == width
    ]
    return next((part for role in ANCHOR_ROLES for part in own if part.role == role and part.view.row_count > 1), None)


def search_layers(places: Sequence[UnitPlace], wanted: int) -> list[UnitPlace]:
    """The layers of which all units are kept, spread over the depth; those of the most frequent width."""
    if not places or wanted < 1:
        return []
    blocks = [place.block for place in places]
    usual = max(set(blocks), key=blocks.count)
    eligible = [place for place in places if place.block == usual]
    count = min(wanted, len(eligible))
    return [eligible[(step + 1) * len(eligible) // (count + 1)] for step in range(count)]


def chosen_experts(place: UnitPlace) -> NDArray[np.int64]:
    """Which of a layer's experts are read, ascending."""
    experts = len(place.parts[place.roles[0]])
    fitting = max(1, MOST_UNITS // max(1, place.block))
    if experts <= fitting:
        return np.arange(experts)
    return np.arange(fitting) * experts // fitting


def _place(layer: int, roles: Mapping[str, Sequence[Part]]) -> UnitPlace | None:
    gain = next(iter(roles.get("mlp_norm", ())), None)
    attention = {role: roles[role][0] for role in ("q", "k", "v", "o", "attn_norm") if len(roles.get(role, ())) == 1}
    found = []
    for wanted in ROLES:
        for scope in SCOPES:
            parts = {role: tuple(sorted(roles.get(scope + role, ()), key=_expert)) for role in wanted}
            if _fits([parts[role] for role in wanted]):
                found.append(UnitPlace(layer, wanted, parts, gain, attention))
    enough = (place for place in found if place.count >= ENOUGH)
    return next(enough, max(found, key=lambda place: place.count, default=None))


def _fits(parts: Sequence[Sequence[Part]]) -> bool:
    """Whether parts are one another's rows and columns: [m, h] each, the last [h, m]."""
    *first, last = parts
    counts = {len(each) for each in parts}
    shapes = {part.view.shape for each in first for part in each}
    turned = {part.view.shape[::-1] for part in last}
    return counts != {0} and len(counts) == 1 and len(shapes) == 1 and shapes == turned and next(iter(shapes))[0] > 1


def _expert(part: Part) -> int:
    return part.expert or 0
