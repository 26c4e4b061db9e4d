"""Disguised copies: units of a reference's layers looked for among all units of the subject's search layers.

It is looked for where the aligned test finds nothing. Every pair of layers is tested, whatever their numbers; a copy
whose units were permuted and rescaled, whose width was turned and whose heads were mixed shows itself all the same.

From the tests for a disguised copy to the relation of a component in which the aligned test found nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import is_unit
from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.evidence.relation import FOUND, NAMED, Relation
from independence_audit.fingerprint.units.anchoring import FEWEST
from independence_audit.fingerprint.units.unit_layers import BY_NUMBER, ComponentUnits, Frame, UnitLayer, shared_labels
from independence_audit.lineage.controls import Controls, controls, critical_sign_z
from independence_audit.lineage.coverage import is_hidden_elsewhere
from independence_audit.lineage.decide import ENOUGH_POWER, Level, Verdict
from independence_audit.lineage.measure import SHAPE_DIFFERS, Measured
from independence_audit.lineage.outcomes import DONE, SearchName, Undone
from independence_audit.lineage.units_together import GATES_ALIKE, Together
from independence_audit.statistics.decision import bonferroni
from independence_audit.statistics.descriptors import Descriptors, descriptor_test, even_match
from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.units import UnitTests, are_ordered, are_tied, unit_tests

MANY = 512
"""Units of a whole layer that are looked for in another."""

COUNTED = 256
"""Units from which counts of agreement are evidence, and the shares of them that are. Measured between unrelated
models: 4 of 64 at most in 3,050 tests, 3% of 512 over 1,214 tests of trained models, 17 of 512 by descriptors; between
copies 54 of 64 and more, 120 of 512 and more by descriptors."""
AGREEING = 0.2
DESCRIBED_AGREEING = 0.15

EMPIRICAL_Z = 7.0
"""z of a sign test that is held against random and near matches, from which it is evidence: twice what unrelated models
show.

Measured by descriptors: 72 layer pairs of trained gpt-oss designs mean 0.3, sd 1.07, at most 2.1; 222 of made layers
that lean in 18 ways at most 3.4, whatever the number of their units; copies of gpt-oss designs as they stand,
fine-tuned 22.5, trained on for as long again 17.6 and 11.2. 64 units reach 8 at most."""

_DESCRIBED = (UnitTest.DESCRIPTORS, UnitTest.DESCRIPTOR_AGREEMENT)
"""Tests that need no anchors."""

_BY_TWO_ROLES = (UnitTest.UP_SIGN, UnitTest.AGREEMENT)
"""Tests that rest on a unit's two roles being drawn apart."""

Responses = Mapping[str, NDArray[np.float32]]


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
    anchored = _Anchored.of(subject, reference)
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
    UnitTest.GATES_ALIKE: GATES_ALIKE,
}


def is_counted(test: DisguisedTest) -> bool:
    """Whether a count or a z without a p-value is beyond what unrelated models were ever seen to reach."""
    if is_empirical_sign(test):
        return (test.z or 0.0) >= EMPIRICAL_Z
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


class _Anchored:
    """Two components' units seen from the anchors that both have."""

    def __init__(
        self, subject: ComponentUnits, reference: ComponentUnits, ours: Frame, theirs: Frame, *, by_number: bool
    ) -> None:
        self._by_number = by_number
        """Whether anchors are rows of the same number, which need not be the same token."""
        self._turned = not any(layer.whole for layer in subject.layers)
        """Whether the subject's units are looked for among the reference's, because few of its own are there."""
        self._searched, looked_for = (reference, subject) if self._turned else (subject, reference)
        self._frame, few_frame = (theirs, ours) if self._turned else (ours, theirs)
        self._gram = theirs.gram
        self._few = [(layer, _few(layer, few_frame)) for layer in looked_for.layers]
        seen = [layer.layer for layer in subject.layers if layer.whole]
        self._together = Together(self._few, seen, ours.dimensions)
        self._disordered = Together([(layer, _disordered(few)) for layer, few in self._few], seen, ours.dimensions)

    @classmethod
    def of(cls, subject: ComponentUnits, reference: ComponentUnits) -> _Anchored | None:
        """Both from their common anchors; None where these are too few."""
        if subject.anchors is None or reference.anchors is None:
            return None
        labels = shared_labels(subject.anchors, reference.anchors)
        if len(labels) < FEWEST:
            return None
        frames = Frame(subject.anchors, labels), Frame(reference.anchors, labels)
        return cls(subject, reference, *frames, by_number=any(label.startswith(BY_NUMBER) for label in labels))

    def tests(self, *, symmetric: bool) -> Iterator[DisguisedTest]:
        """Every search layer of one side with every layer of the other, and all layers together."""
        few = [(layer, sampled, *_silent(sampled)) for layer, sampled in self._few]
        for layer in self._searched.layers:
            if not layer.whole:
                continue
            everything = self._everything(layer)
            if not self._turned:
                self._together.see(layer, everything)
            if not layer.is_search_layer:
                continue
            for other, sampled, no_order, tied in few:
                if other.gated == layer.gated and len(other.units) > 1:
                    places = (other.layer, layer.layer) if self._turned else (layer.layer, other.layer)
                    found = _evidence(unit_tests(sampled, everything, symmetric=symmetric), *places)
                    both_tied = tied and are_tied(everything)
                    yield from (
                        test
                        for test in found
                        if not (no_order and test.test == UnitTest.ORDER)
                        and not (both_tied and test.test in _BY_TWO_ROLES)
                    )
        yield from self._together.tests(symmetric=symmetric)

    def controls(self, width: int, *, symmetric: bool) -> Controls | None:
        """What planted copies would show, after the tests; None where the subject's units are not all seen.

        None as well where anchors are the same by number alone: a copy's tokens would have other numbers.

        Args:
            width: The reference's residual width.
            symmetric: As of the tests.
        """
        if self._turned or self._by_number:
            return None
        for layer in self._searched.layers:
            if layer.whole:
                self._disordered.see(layer, self._everything(layer))
        return controls(self._together, self._disordered, self._gram, width, symmetric=symmetric)

    def _everything(self, layer: UnitLayer) -> Responses:
        return {role: self._frame.whitened(values) for role, values in layer.responses.items()}


def _disordered(few: Responses) -> Responses:
    """The same units with their anchors in an order without meaning: one shuffle, the same for every audit."""
    order = np.random.default_rng(0).permutation(next(iter(few.values())).shape[1]) if few else np.zeros(0, int)
    return {role: values[:, order] for role, values in few.items()}


def _silent(responses: Responses) -> tuple[bool, bool]:
    """Whether units that are looked for stand in an order of their own, and whether their two roles are one."""
    return are_ordered(next(iter(responses.values()))), are_tied(responses)


def _few(layer: UnitLayer, frame: Frame) -> Responses:
    """Units that are looked for: the sampled ones, or as many of a whole layer as tell enough."""
    count = len(layer.units)
    chosen = np.arange(count) if count <= MANY else np.arange(MANY) * count // MANY
    return {role: frame.whitened(values[chosen]) for role, values in layer.responses.items()}


def _evidence(tests: UnitTests, layer: int, reference_layer: int) -> Iterator[DisguisedTest]:
    make = partial(
        DisguisedTest, layer=layer, reference_layer=reference_layer, units=tests.units, second_z=tests.second_z
    )
    yield make(UnitTest.ORDER, count=tests.order, p_value=tests.order_p)
    if tests.up_sign_z is not None:
        yield make(UnitTest.UP_SIGN, count=tests.matched, z=tests.up_sign_z, p_value=tests.up_sign_p)
    if tests.agreed is not None:
        yield make(UnitTest.AGREEMENT, count=tests.agreed)


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


_CLEARING = (Relation.UNRELATED, Relation.TOKEN_TABLES)
"""What says that nothing was found, or nothing but tables."""
_OPEN = (Relation.UNRELATED, Relation.INCONCLUSIVE)


def unmasked(verdict: Verdict, level: Level) -> Verdict:
    """The verdict with what the search for a disguised copy adds; as it was where that found nothing.

    What was tested in place says nothing of a model whose basis was turned: tensors that looked unrelated become
    inconclusive, those whose units were found transformed.
    """
    search = verdict.compared.tried.get(SearchName.DISGUISED)
    if search is None or verdict.relation in FOUND:
        return verdict
    found = tuple(
        test for test in search.units if _corrected(test, search.tests, level) <= level.alpha or is_counted(test)
    )
    if not found:
        return verdict
    layers = layers_found(found)
    p_values = [_corrected(test, search.tests, level) for test in found if test.p_value is not None]
    tensors = tuple(
        _tensor(measured, relation, measured.subject.layer in layers)
        for measured, relation in zip(verdict.compared.measured, verdict.tensors, strict=True)
    )
    measured = tuple(replace(one, undone=one.undone or Undone.DISGUISE) for one in verdict.compared.measured)
    return replace(
        verdict,
        compared=verdict.compared.with_measured(measured),
        relation=Relation.TRANSFORMED,
        tensors=tensors,
        layers=tuple(
            replace(layer, relation=Relation.TRANSFORMED, reference_layer=layers[layer.layer], r=None)
            if layer.layer in layers
            else layer
            if layer.relation in NAMED
            else replace(layer, relation=Relation.INCONCLUSIVE, r=None)
            for layer in verdict.layers
        ),
        p_value=min(p_values, default=None),
        r=None,
        reason=None,
        disguised=found,
    )


def with_control(verdict: Verdict, level: Level) -> Verdict:
    """The verdict with what the search for units would have found, by which it clears where shapes leave no other test.

    Below ``ENOUGH_POWER`` nobody is cleared, and the verdict says so. Weights without a known role, which no search for
    units sees, leave it as it was.
    """
    search = verdict.compared.tried.get(SearchName.DISGUISED)
    if search is None or search.controls is None:
        return verdict
    bound = search.controls.bound(critical_sign_z(level.alpha, search.tests * level.comparisons))
    verdict = replace(verdict, control_bound=bound)
    if verdict.reason != SHAPE_DIFFERS or search.outcome != DONE or is_hidden_elsewhere(verdict.compared):
        return verdict
    if bound is None or bound > ENOUGH_POWER:
        return replace(verdict, relation=Relation.INCONCLUSIVE, reason=WEAK_SEARCH)
    return replace(verdict, relation=Relation.UNRELATED, reason=None, detection_bound=bound, any_basis=True)


WEAK_SEARCH = "weak_search"
"""Why nobody is cleared by a search that would have found close copies alone, as a message key."""


def cleared(verdict: Verdict, gap: str) -> Verdict:
    """The verdict, left open where it says that nothing was found but a search that it takes was not made.

    Args:
        verdict: What was found.
        gap: Why such a search was not made; empty where all were, or none was needed.
    """
    if not gap or verdict.reason or verdict.relation not in _CLEARING:
        return verdict
    relation = Relation.INCONCLUSIVE if verdict.relation == Relation.UNRELATED else verdict.relation
    return replace(verdict, relation=relation, reason=gap)


def layers_found(tests: Sequence[DisguisedTest]) -> dict[int, int]:
    """Subject layer to reference layer, by the test that is sure of most: those with a p-value before mere counts."""
    by_strength = sorted(tests, key=lambda test: (test.p_value is None, test.p_value or 0.0, -(test.count or 0)))
    layers: dict[int, int] = {}
    for test in by_strength:
        named = test.layers or {str(test.layer): test.reference_layer}
        for layer, there in named.items():
            layers.setdefault(int(layer), there)
    return dict(sorted(layers.items()))


def _corrected(test: DisguisedTest, tests: int, level: Level) -> float:
    """p corrected for all tests of the search and all comparisons and searches of the audit; 1 for mere counts."""
    return 1.0 if test.p_value is None else bonferroni(test.p_value, tests * level.comparisons)


def _tensor(measured: Measured, relation: Relation, in_layer: bool) -> Relation:  # noqa: FBT001
    if relation not in _OPEN:
        return relation
    return Relation.TRANSFORMED if in_layer and is_unit(measured.subject.role) else Relation.INCONCLUSIVE
