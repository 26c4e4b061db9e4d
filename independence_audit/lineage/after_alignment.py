"""Behind a disguise: the turn recovered from one role of the units that were found, and what else lies behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from independence_audit.anatomy import Component
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import DisguisedTest, Message, Value
from independence_audit.fingerprint import Model
from independence_audit.fingerprint.units.describe import LayerMatrices, layer_matrices
from independence_audit.fingerprint.units.places import UnitPlace, chosen_experts, unit_places
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.disguised import matched_units
from independence_audit.lineage.disguised_units import Units
from independence_audit.lineage.rank import rank
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.statistics.recovery import AlignmentCheck, check_after_alignment

WIDEST = 2048
"""Residual width up to which the turn is recovered: beyond, its decomposition takes a minute."""

MOST_VALUES = 1 << 24
"""Values of one role of a layer's units, all experts together, up to which both sides fit in 800 MB."""


@dataclass(frozen=True, slots=True)
class AfterAlignment:
    """What lies behind the disguise of components found by their units, after the rotation is undone.

    Never evidence: it describes what the units found.
    """

    units: Units
    about = About(
        title="check after alignment",
        names=(),
        law=Law.EMPIRICAL,
        null="measured over layer pairs of the lineage benchmark's unrelated models",
        bound="none: it describes what the units found",
        cost=Cost.MATRICES,
        messages=("fact.second_look", "fact.second_look_units"),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Look behind every disguise; nothing where weights are not here."""
        messages = {}
        for ranking in rank(comparisons):
            best = ranking.best
            if best is None or not best.disguised:
                continue
            key, model = best.compared.key, models.known[best.compared.reference]
            wanted = {key.component}, {key.reference_component}
            look = _look(best, (models.mine, model), self.units.both(models.mine, model, wanted))
            if look is not None:
                messages[key] = _message(best, look)
        return comparisons.saying(messages)


def _message(verdict: Verdict, look: AlignmentCheck) -> Message:
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
) -> AlignmentCheck | None:
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
    return check_after_alignment(
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
