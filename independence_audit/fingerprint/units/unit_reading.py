"""Reading the units of a model's layers: a few of every layer, all of the search layers, as the anchors see them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Component, Part
from independence_audit.anatomy.component import Kind
from independence_audit.checkpoint import ByteSource, Checkpoint, read_vocabulary
from independence_audit.errors import ReadError
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.anchoring import FEWEST, read_anchors
from independence_audit.fingerprint.units.attention_forms import attention_forms
from independence_audit.fingerprint.units.describe import affordable_layers, describe, norm_gain
from independence_audit.fingerprint.units.places import (
    Matrix,
    UnitPlace,
    anchor_part,
    chosen_experts,
    is_readable,
    read_rows,
    row_blocks,
    search_layers,
    spread,
    unit_places,
)
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, UnitLayer, own_frame
from independence_audit.statistics.descriptors import Descriptors

SAMPLED = 64
"""Units of every layer that are read: |z| of the sign test can reach their root, 8, where exp(-z²/2) is 1.3e-14."""

SEGMENT = 16
"""Adjacent ones: as many requests fewer where the weights are far."""

SEARCH_LAYERS = 2
"""Layers whose units are all read where the weights are on this machine."""

MOST_SEEN = 10**11
"""Multiplications that seeing all units of the other layers through anchors may cost: two seconds on two cores. Models
of a billion parameters stay below it; of larger ones as many layers are seen as fit, spread over the depth."""


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """How much is read.

    Attributes:
        search_layers: Layers of a component whose units are all read.
        sampler: Its salt decides which units of the other layers are.
        however_large: Describe units without anchors even where it takes minutes.
        sampled_layers: Of how many other layers a few units are read; None for all.
        deeper: Read more layers whole where that costs little.
        everywhere: See all units of the other layers too, by what they read: a copy may stand at any depth.
        attention: See what the attention of all layers does to the anchors.
    """

    search_layers: int
    sampler: Sampler
    however_large: bool = False
    sampled_layers: int | None = None
    deeper: bool = False
    everywhere: bool = False
    attention: bool = False


def unit_plan(source: ByteSource, sampler: Sampler, search_layers: int | None) -> UnitPlan:
    """How many layers are read whole: as many as were asked for, else two where the weights are on this machine."""
    usual = SEARCH_LAYERS if source.near else 0
    return UnitPlan(
        search_layers=usual if search_layers is None else search_layers,
        sampler=sampler,
        however_large=search_layers is not None,
    )


def read_units(
    checkpoint: Checkpoint, anatomy: Anatomy, plan: UnitPlan, wanted: Collection[str] = ()
) -> tuple[ComponentUnits, ...]:
    """Anchors and units of every component, or of those that are wanted; one without them says why.

    What cannot be read is a reason and no error: the aligned test goes without it.
    """
    vocabulary: Mapping[str, int] = {}
    if any(component.kind == Kind.TEXT_DECODER for component in anatomy.components):
        vocabulary = read_vocabulary(checkpoint)
    found = []
    for component in anatomy.components:
        if wanted and component.name not in wanted:
            continue
        try:
            found.append(_component(checkpoint, anatomy, component, plan, vocabulary))
        except ReadError:
            found.append(ComponentUnits(component.name, None, reason="unreadable"))
    return tuple(found)


def _component(
    checkpoint: Checkpoint, anatomy: Anatomy, component: Component, plan: UnitPlan, vocabulary: Mapping[str, int]
) -> ComponentUnits:
    places = [place for place in unit_places(anatomy, component) if readable_place(checkpoint, place)]
    if not places:
        return ComponentUnits(component.name, None, reason="no_units")
    if plan.deeper:
        plan = replace(plan, search_layers=affordable_layers(checkpoint, component, places, plan.search_layers))
    part = anchor_part(anatomy, component, places[0].width)
    anchors, directions = _anchors(checkpoint, component, part, vocabulary)
    whole = search_layers(places, plan.search_layers)
    described = describe(checkpoint, component, whole, plan.sampler.salt, however_large=plan.however_large)
    descriptors = dict(zip((place.layer for place in whole), described, strict=True))
    seen = _seen(places, len(directions)) if plan.everywhere else frozenset()
    forms = {}
    if plan.attention and anchors is not None:
        forms = attention_forms(checkpoint, component, places, directions, anchors.gram)
    layers = []
    for place in kept_places(places, plan):
        gain = norm_gain(checkpoint, component, place.gain, place.parts[place.roles[0]][0].view.columns)
        weighted = directions if gain is None or anchors is None else directions * gain
        if place.layer in descriptors:
            all_units = _all_units(checkpoint, component, place, anchors, place.roles, (weighted, directions))
            layers.append(_described(all_units, descriptors[place.layer]))
        elif place.layer in seen and anchors is not None:
            layers.append(_all_units(checkpoint, component, place, anchors, place.roles[:-1], (weighted, directions)))
        elif anchors is not None:
            layers.append(_some_units(checkpoint, component, place, anchors, weighted, plan))
    layers = [replace(layer, attention=forms.get(layer.layer, {})) for layer in layers]
    return ComponentUnits(component.name, anchors, tuple(layers), reason_of(anchors, layers, plan))


def _seen(places: Sequence[UnitPlace], anchors: int) -> frozenset[int]:
    """The layers of which all units are seen through anchors: all of them, or as many as may be, spread evenly."""
    cost = max(place.block * len(chosen_experts(place)) * place.width * (len(place.roles) - 1) for place in places)
    return frozenset(place.layer for place in spread(places, MOST_SEEN // max(1, cost * anchors)))


def reason_of(anchors: Anchors | None, layers: Sequence[UnitLayer], plan: UnitPlan) -> str:
    """Why a component's units cannot be looked for by their anchors, as a message key; empty where they can."""
    if anchors is None:
        return "no_anchors"
    return "" if layers or plan.sampled_layers is None else "units_not_kept"


def kept_places(places: Sequence[UnitPlace], plan: UnitPlan) -> list[UnitPlace]:
    """The layers that are read, whole or in part, by number.

    Where not all fit, those around the layers that a model of this depth is searched at: there a copy's own lie.
    """
    if plan.sampled_layers is None:
        return list(places)
    whole = {place.layer for place in search_layers(places, plan.search_layers)}
    searched = [place.layer for place in search_layers(places, SEARCH_LAYERS)]
    others = [place for place in places if place.layer not in whole]
    others.sort(key=lambda place: (min(abs(place.layer - layer) for layer in searched), place.layer))
    chosen = whole | {place.layer for place in others[: plan.sampled_layers]}
    return [place for place in places if place.layer in chosen]


def readable_place(checkpoint: Checkpoint, place: UnitPlace) -> bool:
    """Whether all values of a layer's units can be decoded."""
    return all(is_readable(checkpoint, part) for parts in place.parts.values() for part in parts)


def _anchors(
    checkpoint: Checkpoint, component: Component, part: Part | None, vocabulary: Mapping[str, int]
) -> tuple[Anchors | None, Matrix]:
    nothing = np.zeros((0, 0), dtype=np.float32)
    if part is None or not is_readable(checkpoint, part):
        return None, nothing
    labels, directions = read_anchors(checkpoint, part, vocabulary)
    if len(labels) < FEWEST:
        return None, nothing
    exact = directions.astype(np.float64)
    return Anchors(component.name, labels, exact @ exact.T), directions


def _some_units(  # noqa: PLR0913, PLR0917  what was read of the component
    checkpoint: Checkpoint,
    component: Component,
    place: UnitPlace,
    anchors: Anchors,
    weighted: Matrix,
    plan: UnitPlan,
) -> UnitLayer:
    """A layer's sampled units: their rows only, because a column of the last matrix costs all of it."""
    experts, units = chosen_experts(place), sampled_units(place, plan)
    responses = {}
    for role in place.roles[:-1]:
        rows = _rows(checkpoint, [place.parts[role][expert] for expert in experts], units, place.block)
        responses[role] = own_frame(_finite(rows) @ weighted.T, anchors.gram)
    return UnitLayer(component.name, place.layer, whole=False, units=units, responses=responses)


def sampled_units(place: UnitPlace, plan: UnitPlan) -> NDArray[np.int64]:
    """Which units of a layer are read where not all are, ascending."""
    few = Sampler(rows=SAMPLED, values=0, segment=SEGMENT, columns=1 << 30, salt=plan.sampler.salt)
    return np.sort(few.plan(place.block * len(chosen_experts(place)), 2, 1).rows)


def rows_of_experts(
    parts: Sequence[Part], units: NDArray[np.int64], block: int
) -> list[tuple[Part, NDArray[np.int64]]]:
    """The experts that have any of some units by their common numbers, and the rows of each."""
    wanted = [(part, units[units // block == number] % block) for number, part in enumerate(parts)]
    return [(part, rows) for part, rows in wanted if len(rows)]


def _rows(checkpoint: Checkpoint, parts: list[Part], units: NDArray[np.int64], block: int) -> Matrix:
    """Rows of several experts by their common numbers."""
    return np.concatenate([read_rows(checkpoint, part, rows) for part, rows in rows_of_experts(parts, units, block)])


def _all_units(  # noqa: PLR0913, PLR0917  what was read of the component
    checkpoint: Checkpoint,
    component: Component,
    place: UnitPlace,
    anchors: Anchors | None,
    roles: Sequence[str],
    directions: tuple[Matrix, Matrix],
) -> UnitLayer:
    """All units of a layer by some of its roles; anchors as rows see them, scaled by the gain, and as columns do."""
    experts = chosen_experts(place)
    weighted, plain = directions
    responses = {}
    if anchors is not None:
        for role in roles:
            parts = [place.parts[role][expert] for expert in experts]
            last = role == place.roles[-1]
            raw = [
                _by_columns(checkpoint, part, plain) if last else _by_rows(checkpoint, part, weighted) for part in parts
            ]
            responses[role] = own_frame(np.concatenate(raw), anchors.gram)
    units = np.arange(place.block * len(experts))
    return UnitLayer(component.name, place.layer, whole=True, units=units, responses=responses)


def _described(layer: UnitLayer, found: Descriptors | None) -> UnitLayer:
    if found is None:
        return layer
    return replace(layer, even=found.even.astype(np.float32), odd=found.odd.astype(np.float32))


def _by_rows(checkpoint: Checkpoint, part: Part, directions: Matrix) -> Matrix:
    """Responses [m, t] of units that are rows."""
    return np.concatenate([_finite(block) @ directions.T for _, block in row_blocks(checkpoint, part)])


def _by_columns(checkpoint: Checkpoint, part: Part, directions: Matrix) -> Matrix:
    """Responses [m, t] of units that are columns."""
    total = np.zeros((part.view.columns, len(directions)), dtype=np.float32)
    for first, block in row_blocks(checkpoint, part):
        total += _finite(block).T @ directions[:, first : first + len(block)].T
    return total


def _finite(values: Matrix) -> Matrix:
    """NaN and infinities as zeros: they say nothing of a direction."""
    return values if np.isfinite(values).all() else np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
