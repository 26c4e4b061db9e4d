"""What a component's evidence says of itself."""

from __future__ import annotations

from independence_audit.evidence.measurement import ComponentEvidence, RunnerUp
from independence_audit.evidence.relation import Relation


def beside(name: str, relation: Relation, bound: float | None, *, any_basis: bool = False) -> RunnerUp:
    """A comparison that came to a relation, with its bound."""
    return RunnerUp(name, None, relation, None, None, None, bound, any_basis=any_basis)


def component(*others: RunnerUp) -> ComponentEvidence:
    """A component that was compared with these."""
    return ComponentEvidence(
        "model",
        "text_decoder",
        "llama",
        1,
        Relation.UNRELATED,
        {},
        None,
        None,
        None,
        None,
        None,
        None,
        runners_up=others,
    )


def test_the_weakest_bound_is_of_a_reference_that_is_ruled_out() -> None:
    """The largest of them; who was not ruled out has none."""
    told = component(
        beside("near", Relation.UNRELATED, 0.03),
        beside("wide", Relation.UNRELATED, 0.47, any_basis=True),
        beside("open", Relation.INCONCLUSIVE, 0.9),
    )
    weakest = told.weakest_bound
    assert weakest is not None
    assert (weakest.reference, weakest.any_basis) == ("wide", True)


def test_nothing_that_is_ruled_out_has_no_bound() -> None:
    """A component that met nothing, or of which all is open."""
    assert component().weakest_bound is None
    assert component(beside("open", Relation.INCONCLUSIVE, 0.9)).weakest_bound is None
