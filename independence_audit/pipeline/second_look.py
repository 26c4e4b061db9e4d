"""Behind a disguise: the turn recovered from one role of the units that were found, and what else lies behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from independence_audit.anatomy import Component
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import DisguisedTest, Message, Value
from independence_audit.fingerprint.units.describe import LayerMatrices, layer_matrices
from independence_audit.fingerprint.units.model import ComponentUnits
from independence_audit.fingerprint.units.places import UnitPlace, chosen_experts, unit_places
from independence_audit.fingerprint.weights import Model
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.disguised import matched_units
from independence_audit.lineage.rank import Ranking
from independence_audit.pipeline.disguised import Units
from independence_audit.statistics.recovery import SecondLook, second_look

WIDEST = 2048
"""Residual width up to which the turn is recovered: beyond, its decomposition takes a minute."""

MOST_VALUES = 1 << 24
"""Values of one role of a layer's units, all experts together, up to which both sides fit in 800 MB."""


def second_looks(
    mine: Model, known: Sequence[Model], rankings: Sequence[Ranking], units: Units
) -> Mapping[str, Message]:
    """What lies behind the disguise of components found by their units; nothing where weights are not here."""
    by_name = {model.fingerprint.name: model for model in known}
    messages = {}
    for ranking in rankings:
        best = ranking.best
        if best is None or not best.disguised:
            continue
        reference = best.compared.reference
        look = _look(best, (mine, by_name[reference]), units[reference])
        if look is not None:
            messages[ranking.component.name] = _message(best, look)
    return messages


def _message(verdict: Verdict, look: SecondLook) -> Message:
    data: dict[str, Value] = {
        "component": verdict.compared.pair.subject.name,
        "reference": verdict.compared.reference,
        "units": look.units,
        "others": look.others,
    }
    if look.attention is None:
        return Message("fact.second_look_units", data)
    return Message("fact.second_look", {**data, "attention": look.attention})


def _look(
    verdict: Verdict, models: tuple[Model, Model], units: tuple[Mapping[str, ComponentUnits], ...]
) -> SecondLook | None:
    """Through the test that shows most; None where the layers do not lie here whole, or are of unequal widths."""
    pair = verdict.compared.pair
    ours, theirs = units[0].get(pair.subject.name), units[1].get(pair.reference.name)
    if ours is None or theirs is None:
        return None
    test = max(verdict.disguised, key=_strength)
    matched = matched_units(ours, theirs, test)
    if matched is None:
        return None
    mine = _matrices(models[0], pair.subject, test.layer)
    other = _matrices(models[1], pair.reference, test.reference_layer)
    if mine is None or other is None:
        return None
    width, chosen = mine.units[0].shape[1], len(matched[0])
    if other.units[0].shape[1] != width or len(other.units) != len(mine.units) or chosen < width:
        return None
    return second_look(
        [rows[matched[0]] for rows in mine.units],
        [rows[matched[1]] for rows in other.units],
        list(zip(mine.attention, other.attention, strict=False)),
    )


def _strength(test: DisguisedTest) -> tuple[float, float]:
    """Rigorous tests before counts."""
    return (-test.p_value if test.p_value is not None else -2.0, (test.count or 0) / max(1, test.units))


def _units(place: UnitPlace) -> int:
    return place.block * len(chosen_experts(place))


def _matrices(model: Model, component: Component, layer: int) -> LayerMatrices | None:
    weights = model.weights_here
    if weights is None:
        return None
    place = next((one for one in unit_places(weights.anatomy, component) if one.layer == layer), None)
    if place is None or place.width > WIDEST or _units(place) * place.width > MOST_VALUES:
        return None
    try:
        return layer_matrices(weights.checkpoint, component, place)
    except ReadError:
        return None
