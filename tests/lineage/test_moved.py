"""Moved layers are found where they stand, strangers are not, and a map is exact."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints, measure_component
from independence_audit.lineage.moved import search_moved
from independence_audit.lineage.outcomes import SearchName, Status
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.lineage.rank import rank
from independence_audit.lineage.reported import component_evidence, tensor_evidence
from tests.lineage.deep_models import layers, taken, trained_on
from tests.lineage.hand_made import component_of, fingerprint_of, noise, sample_of

ORDERS = {
    "pruned": [0, 1, 4, 5, 7],
    "shifted": [2, 3, 4, 5, 6, 7],
    "duplicated": [0, 1, 2, 3, 2, 3, 4, 5, 6, 7],
    "interleaved": [0, 0, 1, 1, 2, 2, 3, 3],
    "reordered": [7, 6, 5, 4, 3, 2, 1, 0],
    "cut": [0, 1, 2],
}


def evidence(subject: Sequence[Sample], reference: Sequence[Sample]) -> ComponentEvidence:
    """What an audit says of the only component."""
    mine = fingerprint_of(*subject)
    compared = search_moved(compare_fingerprints(mine, fingerprint_of(*reference, name="known")), 1e-6)
    (ranking,) = rank(Comparisons(mine, 1e-6, tuple(compared)))
    return component_evidence(ranking, tensor_evidence(mine, ranking), {})


def mapped(component: ComponentEvidence) -> list[int]:
    """The layer map as a list."""
    return [component.layer_map[str(layer)] for layer in range(len(component.layer_map))]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9], ids=["equal", "trained on", "trained far"])
@pytest.mark.parametrize("order", ORDERS)
def test_the_map_is_exact(order: str, share: float) -> None:
    """Whatever was left out, repeated or exchanged, with a tenth of the variance left as well."""
    model = layers(8, 1, shared=0.3)
    moved = trained_on(taken(model, ORDERS[order]), share, 50_000) if share else taken(model, ORDERS[order])
    found = evidence(moved, model)
    assert found.relation in FOUND
    assert mapped(found) == ORDERS[order]
    assert found.searches["moved"].status == "done"


@pytest.mark.parametrize("shared", [0.0, 1.0], ids=["plain", "with a basis of their own"])
def test_strangers_are_not_found(shared: float) -> None:
    """Layer against layer is many tests, all of them counted: strangers stay strangers."""
    for seed in range(2, 22):
        found = evidence(layers(6, seed, shared), layers(6, 100 + seed, shared))
        assert found.relation not in FOUND
        assert not found.layer_map
        assert not found.changes
        assert found.searches["moved"].status == "done"


def test_the_search_is_counted() -> None:
    """Every cell counts in the level, and a comparison with moves undone counts the same."""
    model = layers(4, 1)
    (one,) = search_moved(compare_fingerprints(fingerprint_of(*taken(model, [2, 3])), fingerprint_of(*model)), 1e-6)
    search = one.tried[SearchName.MOVED]
    assert search.tests == 2 * 4 * 4 + 2 * 4
    assert search.found is not None
    assert search.found.tests == one.tests


def test_equal_values_in_another_layer_are_transformed() -> None:
    """Related only after a move is undone, by the words of the relations; that all values are equal is said too."""
    model = layers(4, 1)
    found = evidence(taken(model, [1, 2, 3]), model)
    assert found.relation == Relation.TRANSFORMED
    assert {layer.identical_fraction for layer in found.layers} == {1.0}
    assert [change.key for change in found.changes] == ["changed.layers", "changed.missing_layers", "changed.unchanged"]
    assert found.changes[0].data["runs"] == "0-2 from 1-3"
    assert found.changes[1].data["layers"] == "0"


def test_layers_of_ones_own_are_no_part_of_the_map() -> None:
    """A layer drawn anew has no place in the reference, though all layers of a lineage share a basis."""
    model = layers(6, 1, shared=0.3)
    own = layers(6, 77, shared=0.0)
    mixed = [*taken(model, [0, 1, 3, 4]), *[one for one in own if one.layer == 5]]
    found = evidence(mixed, model)
    assert found.layer_map == {"0": 0, "1": 1, "2": 3, "3": 4}
    told = {change.key: change.data for change in found.changes}
    assert told["changed.other_layers"]["layers"] == "5"


def test_where_there_are_no_layers_it_says_so() -> None:
    """Three towers of one matrix each: nothing to look through, and a reason."""
    found = evidence([sample_of(noise(16, 96, seed=1), layer=None)], [sample_of(noise(16, 96, seed=2), layer=None)])
    assert (found.searches["moved"].status, found.searches["moved"].reason) == ("not_possible", "no_layers")


def test_layers_that_nobody_has_are_not_moved() -> None:
    """A reference without layers has none to move; a subject may hide its own."""
    deep, flat = layers(2, 1), [sample_of(noise(16, 24), layer=None, role="generic:w")]
    for mine, theirs, status in ((flat, deep, Status.NOT_POSSIBLE), (deep, flat, Status.NOT_APPLICABLE)):
        pair = ComponentPair(component_of(), component_of("theirs"), (), tuple(mine), 0, tuple(theirs))
        (one,) = search_moved([measure_component("known", pair)], 1e-6)
        assert one.tried[SearchName.MOVED].outcome.status is status
