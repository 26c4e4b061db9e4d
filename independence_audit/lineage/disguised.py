"""Disguised copies: units of a reference's layers looked for among all units of the subject's search layers.

It is looked for where the aligned test finds nothing. Every pair of layers is tested, whatever their numbers; a copy
whose units were permuted and rescaled, whose width was turned and whose heads were mixed shows itself all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.units.anchoring import FEWEST
from independence_audit.fingerprint.units.unit_layers import ComponentUnits, Frame, UnitLayer, shared_labels
from independence_audit.lineage.attention_alike import LAYERS_ALIKE
from independence_audit.lineage.controls import Controls
from independence_audit.lineage.through_anchors import MANY, Anchored
from independence_audit.lineage.units_together import COUNTED, UNITS_ALIKE
from independence_audit.statistics.descriptors import Descriptors, descriptor_test, even_match
from independence_audit.statistics.matching import Match, match

AGREEING = 0.2
DESCRIBED_AGREEING = 0.15
"""Shares of at least ``COUNTED`` units from which counts of agreement are evidence.

Measured between unrelated models: 4 of 64 at most in 3,050 tests, 3% of 512 over 1,214 tests of trained models, 17 of
512 by descriptors; between copies 54 of 64 and more, 120 of 512 and more by descriptors."""

EMPIRICAL_Z = 7.0
"""z of a sign test that is held against random and near matches, from which it is evidence: twice what unrelated models
show.

Measured by descriptors: 72 layer pairs of trained gpt-oss designs mean 0.3, sd 1.07, at most 2.1; 222 of made layers
that lean in 18 ways at most 3.4, whatever the number of their units; copies of gpt-oss designs as they stand,
fine-tuned 22.5, trained on for as long again 17.6 and 11.2. 64 units reach 8 at most."""

_DESCRIBED = (UnitTest.DESCRIPTORS, UnitTest.DESCRIPTOR_AGREEMENT)
"""Tests that need no anchors."""


@dataclass(frozen=True, slots=True)
class DisguisedSearch:
    """What a search for a disguised copy of one component came to."""

    tests: int
    """How many p-values it made; every level is corrected for them."""
    found: tuple[DisguisedTest, ...] = ()
    """For every layer of the subject the strongest of each kind of test, with uncorrected p-values; of each kind the
    strongest first."""
    reason: str = ""
    """Why it could not be made, as a message key; empty where it was."""
    controls: Controls | None = None
    """What it would have shown of planted copies; None where that was not asked, or cannot be told."""

    @property
    def by_anchors(self) -> bool:
        """Whether units were looked for by anchors, whatever these stand for."""
        return any(test.test not in _DESCRIBED for test in self.found)

    @property
    def without_anchors(self) -> bool:
        """Whether units were also looked for by descriptors, which new embeddings cannot hide them from."""
        return any(test.test in _DESCRIBED for test in self.found)


def search_disguised(
    subject: ComponentUnits | None, reference: ComponentUnits | None, *, symmetric: bool, width: int | None = None
) -> DisguisedSearch:
    """Look for a reference component's units among the subject's.

    Args:
        subject: Units of the subject's component; None where its fingerprint was made without.
        reference: The same of the reference.
        symmetric: Whether both designs' blocks are known to compute the same after (up, down) -> -(up, down); without
            that no sign test is rigorous.
        width: The reference's residual width, where controls are wanted.
    """
    if subject is None or reference is None:
        return DisguisedSearch(0, reason="units_not_kept")
    anchored = Anchored.of(subject, reference, controlled=width is not None)
    tests = [
        *(anchored.tests(symmetric=symmetric) if anchored else ()),
        *_by_descriptors(subject, reference, symmetric=symmetric),
    ]
    if not tests:
        return DisguisedSearch(0, reason=_reason(subject, reference))
    strongest: dict[tuple[str, int], DisguisedTest] = {}
    for test in tests:
        held = strongest.get((test.test, test.layer))
        if held is None or _rank(test) > _rank(held):
            strongest[test.test, test.layer] = test
    kinds = list(dict.fromkeys(test.test for test in tests))
    found = sorted(strongest.values(), key=lambda test: (kinds.index(test.test), -_rank(test)))
    made = sum(test.p_value is not None or is_empirical_sign(test) for test in tests)
    planted = anchored.controls(width, symmetric=symmetric) if anchored and width else None
    return DisguisedSearch(made, tuple(found), controls=planted)


def matched_units(
    subject: ComponentUnits, reference: ComponentUnits, test: DisguisedTest
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Numbers of the units that a test's two layers have in common, as it matched them but among all of both.

    Returns:
        The subject's and the reference's, one beside the other; None where one layer is not there whole.
    """
    mine, theirs = _whole(subject, test.layer), _whole(reference, test.reference_layer)
    if mine is None or theirs is None:
        return None
    if test.test in _DESCRIBED:
        pair = _described(theirs, mine)
        if pair is None:
            return None
        i, j = even_match(pair.first, pair.second).one_to_one()
        return mine.units[pair.second_units[j]], theirs.units[pair.first_units[i]]
    found = _anchored(subject, reference, mine, theirs)
    if found is None:
        return None
    i, j = found.one_to_one()
    return mine.units[j], theirs.units[i]


def _anchored(subject: ComponentUnits, reference: ComponentUnits, mine: UnitLayer, theirs: UnitLayer) -> Match | None:
    """All units of the reference's layer among all of the subject's, by their first role seen from shared anchors."""
    if subject.anchors is None or reference.anchors is None or mine.responses.keys() != theirs.responses.keys():
        return None
    labels = shared_labels(subject.anchors, reference.anchors)
    if len(labels) < FEWEST or not mine.responses:
        return None
    role = next(iter(mine.responses))
    ours = Frame(subject.anchors, labels).whitened(mine.responses[role])
    return match(Frame(reference.anchors, labels).whitened(theirs.responses[role]) @ ours.T)


def _whole(units: ComponentUnits, layer: int) -> UnitLayer | None:
    return next((one for one in units.layers if one.layer == layer and one.whole), None)


def is_empirical_sign(test: DisguisedTest) -> bool:
    """Whether a sign test has no rigorous bound: it was held against random and near matches of the same layers."""
    return test.p_value is None and test.z is not None


_COUNTED = {
    UnitTest.AGREEMENT: AGREEING,
    UnitTest.DESCRIPTOR_AGREEMENT: DESCRIBED_AGREEING,
    UnitTest.GATES_ALIKE: UNITS_ALIKE,
    UnitTest.DOWNS_ALIKE: UNITS_ALIKE,
}


def is_counted(test: DisguisedTest) -> bool:
    """Whether a count or a z without a p-value is beyond what unrelated models were ever seen to reach."""
    if is_empirical_sign(test):
        return (test.z or 0.0) >= EMPIRICAL_Z
    if test.test == UnitTest.ATTENTION_ALIKE:
        return (test.count or 0) >= LAYERS_ALIKE
    least = _COUNTED.get(test.test)
    return least is not None and test.units >= COUNTED and (test.count or 0) >= least * test.units


def _rank(test: DisguisedTest) -> float:
    """Larger for what shows more, among tests of one kind."""
    if test.z is not None:
        return test.z
    return -test.p_value if test.p_value is not None else (test.count or 0) / max(1, test.units)


def _reason(subject: ComponentUnits, reference: ComponentUnits) -> str:
    """Why no pair of layers could be tested."""
    if subject.reason or reference.reason:
        return subject.reason or reference.reason
    if not any(layer.whole for layer in (*subject.layers, *reference.layers)):
        return "no_search_layers"
    if subject.anchors and reference.anchors and len(shared_labels(subject.anchors, reference.anchors)) < FEWEST:
        return "few_anchors"
    return "other_units"


def _by_descriptors(subject: ComponentUnits, reference: ComponentUnits, *, symmetric: bool) -> Iterator[DisguisedTest]:
    """Search layers of both sides, whatever embeddings they stand behind."""
    for layer in subject.layers:
        for other in reference.layers:
            pair = _described(other, layer)
            if pair is None:
                continue
            count = len(pair.first_units)
            chosen = None if count <= MANY else np.arange(MANY) * count // MANY
            test = descriptor_test(pair.first, pair.second, chosen, symmetric=symmetric and layer.signed)
            make = partial(DisguisedTest, layer=layer.layer, reference_layer=other.layer, units=test.units)
            if layer.signed:
                yield make(UnitTest.DESCRIPTORS, z=test.z, p_value=test.p_value)
            yield make(UnitTest.DESCRIPTOR_AGREEMENT, count=test.agreed)


@dataclass(frozen=True, slots=True)
class _Described:
    """Two layers' descriptors over the matrices that both have, and which of their units these are."""

    first: Descriptors
    second: Descriptors
    first_units: NDArray[np.int64]
    second_units: NDArray[np.int64]


def _described(first: UnitLayer, second: UnitLayer) -> _Described | None:
    """Descriptors of both over the matrices that both have: those of the block come first, attention's after them."""
    if first.even is None or first.odd is None or second.even is None or second.odd is None:
        return None
    if first.signed != second.signed:
        return None
    even, odd = (min(a.shape[1], b.shape[1]) for a, b in ((first.even, second.even), (first.odd, second.odd)))
    ours, theirs = (np.flatnonzero(layer.even.any(axis=1)) for layer in (first, second) if layer.even is not None)
    if min(len(ours), len(theirs)) <= 2 * even:
        return None
    return _Described(
        Descriptors(first.even[ours, :even], first.odd[ours, :odd]),
        Descriptors(second.even[theirs, :even], second.odd[theirs, :odd]),
        ours,
        theirs,
    )
