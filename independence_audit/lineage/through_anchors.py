"""Units of two components seen from the anchors that both have: every pair of layers, all layers together, controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.units.anchoring import FEWEST
from independence_audit.fingerprint.units.unit_layers import BY_NUMBER, ComponentUnits, Frame, UnitLayer, shared_labels
from independence_audit.lineage.attention_alike import attention_alike
from independence_audit.lineage.controls import Controls, controls
from independence_audit.lineage.units_together import Together
from independence_audit.statistics.alike import count_alike, least_cosine
from independence_audit.statistics.matching import match
from independence_audit.statistics.units import UnitTests, are_ordered, are_tied, unit_tests

MANY = 512
"""Units of a whole layer that are looked for in another."""

FIRST = 0
"""The layer that writes on bare tokens: half of its units write alike in a student of all hidden states that shares no
weight with its teacher. Of a copy the other layers tell."""

_BY_TWO_ROLES = (UnitTest.UP_SIGN, UnitTest.AGREEMENT)
"""Tests that rest on a unit's two roles being drawn apart."""

Responses = Mapping[str, NDArray[np.float32]]


class Anchored:
    """Two components' units seen from the anchors that both have."""

    def __init__(
        self, subject: ComponentUnits, reference: ComponentUnits, ours: Frame, theirs: Frame, *, controlled: bool
    ) -> None:
        self._turned = not any(layer.whole for layer in subject.layers)
        """Whether the subject's units are looked for among the reference's, because few of its own are there."""
        self._searched, looked_for = (reference, subject) if self._turned else (subject, reference)
        self._frame, few_frame = (theirs, ours) if self._turned else (ours, theirs)
        self._attention = attention_alike(subject, reference, ours, theirs)
        self._gram, self._dimensions = theirs.gram, theirs.dimensions
        self._few = [(layer, few_units(layer, few_frame)) for layer in looked_for.layers]
        seen = [layer.layer for layer in subject.layers if layer.whole]
        self._together = Together(self._few, seen, self._dimensions)
        self._disordered = None
        if controlled and not self._turned:
            few = [(layer, _disordered(few)) for layer, few in self._few]
            self._disordered = Together(few, seen, self._dimensions)

    @classmethod
    def of(cls, subject: ComponentUnits, reference: ComponentUnits, *, controlled: bool) -> Anchored | None:
        """Both from their common anchors; None where these are too few.

        Args:
            subject: The subject's units.
            reference: The reference's.
            controlled: Whether controls are wanted. Of anchors that are the same by number alone there are none: a
                copy's tokens would have other numbers.
        """
        if subject.anchors is None or reference.anchors is None:
            return None
        labels = shared_labels(subject.anchors, reference.anchors)
        if len(labels) < FEWEST:
            return None
        frames = Frame(subject.anchors, labels), Frame(reference.anchors, labels)
        named = not any(label.startswith(BY_NUMBER) for label in labels)
        return cls(subject, reference, *frames, controlled=controlled and named)

    def tests(self, *, symmetric: bool) -> Iterator[DisguisedTest]:
        """Every search layer of one side with every layer of the other, and all layers together."""
        few = [(layer, sampled, *_silent(sampled)) for layer, sampled in self._few]
        for layer in self._searched.layers:
            if not layer.whole:
                continue
            everything = self._everything(layer)
            if not self._turned:
                self._together.see(layer, everything)
            if self._disordered is not None:
                self._disordered.see(layer, everything)
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
                    if "down" in sampled and FIRST not in (layer.layer, other.layer):
                        alike = self._downs_alike(sampled["down"], everything["down"])
                        make = partial(DisguisedTest, layer=places[0], reference_layer=places[1])
                        yield make(UnitTest.DOWNS_ALIKE, units=len(sampled["down"]), count=alike)
        yield from self._together.tests(symmetric=symmetric)
        if self._attention is not None:
            yield self._attention

    def _downs_alike(self, few: NDArray[np.float32], everything: NDArray[np.float32]) -> int:
        """How many units write alike, whatever gain stands before what they read, and whatever their signs."""
        return count_alike(match(np.abs(few @ everything.T)), least_cosine(len(everything), self._dimensions))

    def controls(self, width: int, *, symmetric: bool) -> Controls | None:
        """What planted copies would show, after the tests; None where the subject's units are not all seen.

        Args:
            width: The reference's residual width.
            symmetric: As of the tests.
        """
        if self._disordered is None:
            return None
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


def few_units(layer: UnitLayer, frame: Frame) -> Responses:
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
