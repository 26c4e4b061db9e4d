"""The order of relations: what shows shared weights is stronger than what does not."""

from __future__ import annotations

from independence_audit.evidence.relation import FOUND, NAMED, STRENGTH, Relation


def test_two_relations_are_never_equally_strong() -> None:
    """So that the strongest of several is one of them, whatever their order."""
    assert set(STRENGTH) == set(Relation)
    assert len(set(STRENGTH.values())) == len(Relation)


def test_shared_weights_are_stronger_than_everything_else() -> None:
    """The strongest first; token tables alone come after them, and before all that names no reference."""
    by_strength = sorted(Relation, key=STRENGTH.__getitem__, reverse=True)
    assert by_strength[: len(FOUND)] == list(FOUND)
    assert by_strength[: len(NAMED)] == list(NAMED)
    assert by_strength[0] is Relation.IDENTICAL
    assert Relation.TOKEN_TABLES not in FOUND


def test_a_test_that_found_nothing_is_stronger_than_none() -> None:
    """A component of which a part was tested is not called untested."""
    untested = (Relation.INCONCLUSIVE, Relation.UNINFORMATIVE, Relation.NOT_TESTED)
    assert all(STRENGTH[Relation.UNRELATED] > STRENGTH[relation] for relation in untested)
    assert min(Relation, key=STRENGTH.__getitem__) is Relation.NOT_TESTED
