"""What became of the search for units: which reasons leave a component open."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.lineage.disguised import DisguisedSearch
from independence_audit.lineage.disguised_units import unit_outcomes
from independence_audit.lineage.pairing import ComponentPair
from tests.lineage.hand_made import component_of, noise, sample_of

NOTHING = DisguisedSearch(0)


def block(layer: int, units: int = 24, *, gain: bool = True, leave: str = "") -> list[Sample]:
    """The samples of one layer's block."""
    samples = [
        sample_of(noise(*((16, units) if role == "down" else (units, 16))), layer=layer, role=role)
        for role in ("gate", "up", "down")
        if role != leave
    ]
    norm = sample_of(noise(16), layer=layer, role="mlp_norm", axis=Axis.RESIDUAL)
    return [*samples, norm] if gain else samples


def outcomes(
    mine: list[Sample], theirs: list[Sample], ours: ComponentUnits | None, other: ComponentUnits | None
) -> set[tuple[str, str]]:
    """Status and reason of both searches for units."""
    pair = ComponentPair(component_of(), component_of("theirs"), (), tuple(mine), 0, tuple(theirs))
    return {(one.status.value, one.reason) for one in unit_outcomes(pair, NOTHING, ours, other).values()}


WHOLE = [*block(0), *block(1)]
UNITS = ComponentUnits("model", None)


@pytest.mark.parametrize(
    ("mine", "reason"),
    [
        ([*block(0), *block(1, leave="down")], "hidden_units"),
        ([*block(0), *block(1, units=23)], "uneven_layers"),
        ([*block(0), *block(1, gain=False)], "gain_missing"),
    ],
)
def test_what_a_disguise_can_bring_about_leaves_open(mine: list[Sample], reason: str) -> None:
    """Whatever the search came to; where the reference is built so as well, it is no reason."""
    assert outcomes(mine, WHOLE, UNITS, UNITS) == {("not_possible", reason)}
    assert ("not_possible", reason) not in outcomes(mine, mine, UNITS, UNITS)


def test_a_reference_without_units_has_none_to_hide() -> None:
    """No search is missing there; but units that could not be read are."""
    bare = ComponentUnits("model", None, reason="no_units")
    assert outcomes(WHOLE, [], UNITS, bare) == {("not_applicable", "no_units_there")}
    assert outcomes(WHOLE, WHOLE, UNITS, bare) == {("not_possible", "units_unreadable")}
    assert outcomes([], WHOLE, bare, UNITS) == {("not_possible", "no_units")}
    assert outcomes(WHOLE, WHOLE, bare, UNITS) == {("not_possible", "units_unreadable")}
    assert outcomes(WHOLE, WHOLE, UNITS, None) == {("not_possible", "units_not_kept")}
