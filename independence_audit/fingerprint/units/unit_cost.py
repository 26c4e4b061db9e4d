"""What the units of a fingerprint take, before anything but headers is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from independence_audit.anatomy import Anatomy, Component, Part
from independence_audit.checkpoint import DTYPES, Checkpoint
from independence_audit.checkpoint.sources.range_requests import plan_blocks
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import plan_spans
from independence_audit.fingerprint.units.anchoring import FEWEST, MOST_STRINGS, anchor_rows, anchor_strings
from independence_audit.fingerprint.units.describe import described_widths, gains_to_describe, read_to_describe
from independence_audit.fingerprint.units.places import (
    BLOCK,
    UnitPlace,
    anchor_part,
    chosen_experts,
    is_readable,
    search_layers,
    unit_places,
)
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, UnitLayer
from independence_audit.fingerprint.units.unit_reading import (
    UnitPlan,
    kept_places,
    readable_place,
    reason_of,
    rows_of_experts,
    sampled_units,
)


class UnitCost:
    """Counts what reading units would ask for, and makes units of the right sizes without values.

    Where a vocabulary is there but was not read, every anchor string is taken for a token, which is the most.

    Attributes:
        wanted_bytes: Bytes of the values; those that are read twice count twice.
        read_bytes: Bytes that a far source delivers for them.
        requests: Range requests of a far source.
        units: Every component's, blank.
    """

    def __init__(
        self, checkpoint: Checkpoint, anatomy: Anatomy, plan: UnitPlan, vocabulary: Mapping[str, int] | None = None
    ) -> None:
        self.wanted_bytes = self.read_bytes = self.requests = 0
        self._checkpoint = checkpoint
        self._read = vocabulary
        self.units = tuple(self._component(anatomy, component, plan) for component in anatomy.components)

    def _component(self, anatomy: Anatomy, component: Component, plan: UnitPlan) -> ComponentUnits:
        places = [place for place in unit_places(anatomy, component) if readable_place(self._checkpoint, place)]
        if not places:
            return ComponentUnits(component.name, None, reason="no_units")
        anchors = self._anchors(component, anchor_part(anatomy, component, places[0].width))
        whole = search_layers(places, plan.search_layers)
        widths = described_widths(self._checkpoint, component, whole, however_large=plan.however_large)
        described = dict(zip((place.layer for place in whole), widths, strict=True))
        layers = []
        for place in kept_places(places, plan):
            if place.gain is not None and is_readable(self._checkpoint, place.gain):
                self._rows(place.gain, np.zeros(1, dtype=np.int64))
            if place.layer in described:
                layers.append(self._all_units(component, place, anchors, described[place.layer]))
            elif anchors is not None:
                layers.append(self._some_units(component, place, anchors, plan))
        if any(described.values()):
            for part in read_to_describe(whole):
                self._matrix(part)
            for gain in gains_to_describe(self._checkpoint, component, whole):
                self._rows(gain, np.zeros(1, dtype=np.int64))
        return ComponentUnits(component.name, anchors, tuple(layers), reason_of(anchors, layers, plan))

    def _anchors(self, component: Component, part: Part | None) -> Anchors | None:
        if part is None or not is_readable(self._checkpoint, part):
            return None
        labels, rows = anchor_rows(part, self._vocabulary(part))
        self._rows(part, rows)
        if len(labels) < FEWEST:
            return None
        return Anchors(component.name, tuple(labels), np.broadcast_to(np.zeros(1), (len(labels), len(labels))))

    def _vocabulary(self, part: Part) -> Mapping[str, int]:
        """A stand-in where there is a vocabulary: every anchor string is a token, spread over the rows."""
        if self._read is not None:
            return self._read
        if not self._checkpoint.vocabulary:
            return {}
        height = part.view.row_count
        strings = anchor_strings()[: min(MOST_STRINGS, height)]
        return {text: number * height // len(strings) for number, text in enumerate(strings)}

    def _some_units(self, component: Component, place: UnitPlace, anchors: Anchors, plan: UnitPlan) -> UnitLayer:
        units = sampled_units(place, plan)
        for role in place.roles[:-1]:
            parts = [place.parts[role][expert] for expert in chosen_experts(place)]
            for part, rows in rows_of_experts(parts, units, place.block):
                self._rows(part, rows)
        return _blank(component, place, units, place.roles[:-1], len(anchors.labels), whole=False)

    def _all_units(
        self, component: Component, place: UnitPlace, anchors: Anchors | None, widths: tuple[int, int] | None
    ) -> UnitLayer:
        experts = chosen_experts(place)
        units = np.arange(place.block * len(experts))
        if anchors is not None:
            for role in place.roles:
                for expert in experts:
                    self._matrix(place.parts[role][expert])
        roles = place.roles if anchors else ()
        return _blank(component, place, units, roles, len(anchors.labels) if anchors else 0, whole=True, widths=widths)

    def _rows(self, part: Part, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Some rows of a part, asked for together."""
        spans = plan_spans(part.view, Plan(rows, 0, part.view.columns), self._item(part))
        begin = self._checkpoint.tensors[part.tensor].start
        pairs = zip(spans.starts.tolist(), spans.stops.tolist(), strict=True)
        self._ask([(begin + start, stop - start) for start, stop in pairs])

    def _matrix(self, part: Part) -> None:
        """A whole part, in blocks."""
        size, step = part.view.row_count * part.view.columns * self._item(part), BLOCK * self._item(part)
        begin = self._checkpoint.tensors[part.tensor].start
        for start in range(0, size, step):
            self._ask([(begin + start, min(step, size - start))])

    def _ask(self, spans: Sequence[tuple[int, int]]) -> None:
        blocks = plan_blocks(spans)
        self.wanted_bytes += sum(length for _, length in spans)
        self.read_bytes += sum(block.stop - block.start for block in blocks)
        self.requests += len(blocks)

    def _item(self, part: Part) -> int:
        return DTYPES[self._checkpoint.tensors[part.tensor].dtype].bits // 8


def _blank(  # noqa: PLR0913  what a layer is
    component: Component,
    place: UnitPlace,
    units: np.ndarray[tuple[int], np.dtype[np.int64]],
    roles: Sequence[str],
    anchors: int,
    *,
    whole: bool,
    widths: tuple[int, int] | None = None,
) -> UnitLayer:
    """Units of a layer of the right sizes, in no memory."""
    responses = {role: np.broadcast_to(np.zeros(1, np.int8), (len(units), anchors)) for role in roles}
    even, odd = (
        (np.broadcast_to(np.zeros(1, np.float32), (len(units), width)) for width in widths)
        if widths
        else (
            None,
            None,
        )
    )
    return UnitLayer(component.name, place.layer, whole, units, responses, even, odd)
