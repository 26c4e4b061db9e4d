"""What the search for disguised copies makes of a verdict: found, cleared by its control, or open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.measurement import ControlPoint, DisguisedTest, UnitTest
from independence_audit.evidence.relation import Relation
from independence_audit.lineage.comparison import Comparison, Tried
from independence_audit.lineage.controls import Controls
from independence_audit.lineage.decide import Verdict, decide
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import DONE, Outcome, SearchName, Status
from independence_audit.lineage.unmasked import WEAK_SEARCH, cleared, layers_found, unmasked, with_control
from tests.lineage.hand_made import LEVEL, compared_of, measured_of

STRONG = Controls((ControlPoint(0.4, 2.0, 0.0), ControlPoint(0.45, 12.0, 0.0)), 0.3, -0.2)
WEAK = Controls((ControlPoint(0.5, 1.0, 0.0), ControlPoint(0.8, 1.0, 0.5)), 0.3, -0.2)


def other_shape(role: str) -> Measured:
    """A pair whose matrices have other widths."""
    return measured_of(None, equal=None, role=role, reason="shape_differs", incomparable=True)


def apart(controls: Controls | None, outcome: Outcome = DONE) -> Comparison:
    """A comparison in which nothing has its counterpart's shape, searched for disguised copies."""
    pairs = [other_shape(role) for role in ("gate", "up", "down")]
    return compared_of(*pairs).with_tried({SearchName.DISGUISED: Tried(outcome, 10, controls=controls)})


def judged(compared: Comparison) -> Verdict:
    """The verdict with what its control says."""
    return with_control(decide(compared, LEVEL), LEVEL)


def test_a_control_that_finds_weak_copies_clears() -> None:
    """Nothing could be compared in place, and the search would have found a copy."""
    verdict = judged(apart(STRONG))
    assert (verdict.relation, verdict.reason, verdict.any_basis) == (Relation.UNRELATED, None, True)
    assert verdict.detection_bound == verdict.control_bound
    assert verdict.detection_bound is not None
    assert 0.4 < verdict.detection_bound <= 0.45


def test_a_control_that_finds_close_copies_alone_leaves_it_open() -> None:
    """The bound is said, and nobody is cleared by it."""
    verdict = judged(apart(WEAK))
    assert (verdict.relation, verdict.reason) == (Relation.INCONCLUSIVE, WEAK_SEARCH)
    assert verdict.control_bound == 0.8
    assert judged(apart(Controls((), None, None))).reason == WEAK_SEARCH


@pytest.mark.parametrize(
    "compared",
    [
        apart(None),
        apart(STRONG, Outcome(Status.NOT_POSSIBLE, "hidden_units")),
        compared_of(other_shape("gate")),
    ],
    ids=["no control", "not searched", "no search"],
)
def test_without_search_or_control_nothing_is_told(compared: Comparison) -> None:
    """Shapes that differ stay what they are: not tested."""
    assert judged(compared).relation == Relation.NOT_TESTED


def test_weights_without_a_known_role_are_not_cleared_by_units() -> None:
    """A layer of the reference's could stand in what no search for units sees."""
    compared = apart(STRONG)
    hidden = other_shape("generic:.extra")
    wide = replace(compared, measured=(*compared.measured, *[hidden] * 9))
    assert judged(wide).relation == Relation.NOT_TESTED


def test_layers_that_are_hardly_units_are_not_cleared_by_them() -> None:
    """A copy under the names of attention would be seen by nothing, beside a few units that are the team's own."""
    compared = apart(STRONG)
    heads = [other_shape(role) for role in ("q", "k", "v", "o")]
    wide = compared_of(*compared.measured, *heads).with_tried(compared.tried)
    assert judged(wide).relation == Relation.NOT_TESTED
    few = compared_of(*compared.measured, *heads[:2]).with_tried(compared.tried)
    assert judged(few).relation == Relation.UNRELATED


def test_what_is_found_makes_the_component_transformed() -> None:
    """A count beyond what unrelated models show, in the layers that it names."""
    test = DisguisedTest(UnitTest.GATES_ALIKE, 0, 3, 640, count=400, layers={"0": 3, "2": 5})
    compared = apart(STRONG).with_tried({SearchName.DISGUISED: Tried(DONE, 10, units=(test,), controls=STRONG)})
    verdict = unmasked(decide(compared, LEVEL), LEVEL)
    assert verdict.relation == Relation.TRANSFORMED
    assert layers_found(verdict.disguised) == {0: 3, 2: 5}
    few = replace(test, count=20)
    silent = apart(STRONG).with_tried({SearchName.DISGUISED: Tried(DONE, 10, units=(few,), controls=STRONG)})
    assert unmasked(decide(silent, LEVEL), LEVEL).relation == Relation.NOT_TESTED


def test_a_gap_leaves_open_what_looked_unrelated() -> None:
    """A search that it takes and that was not made."""
    verdict = judged(apart(STRONG))
    assert cleared(verdict, "") == verdict
    left = cleared(verdict, "hidden_units")
    assert (left.relation, left.reason) == (Relation.INCONCLUSIVE, "hidden_units")
