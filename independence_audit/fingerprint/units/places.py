"""Where a component's units and anchors are: which parts hold them, and which layers are searched, read as numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Component, Part
from independence_audit.checkpoint import DTYPES, Checkpoint, decode
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import plan_spans

ROLES = (("gate", "up", "down"), ("fc1", "fc2"))
"""The roles of a layer's units, with gates and without; the last is seen from its columns."""

SCOPES = ("", "shared_expert.", "expert.")
"""Whose units stand for a layer, the first of which there are enough: one dense block, the expert that all tokens pass,
all experts."""

ENOUGH = 256
"""Units of a layer that are enough: twice as many as descriptors, and as many as agreements are counted from."""

MOST_UNITS = 24576
"""Units of a layer that are kept: three roles of two such layers at 256 anchors are 38 MB. Of more experts than that
as many are taken as fit, spread evenly; a copy of which a quarter is searched is found in that quarter."""

ANCHOR_ROLES = ("embed", "patch", "position")
"""What has a direction in the residual stream that other models have as well."""


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """The parts that hold one layer's units."""

    layer: int
    roles: tuple[str, ...]
    parts: Mapping[str, tuple[Part, ...]]
    """By role without its scope; several are experts, in the same order under each role."""
    gain: Part | None
    """The gain of the norm before them."""
    attention: Mapping[str, Part]
    """q, k, v, o and attn_norm, where they are there."""

    @property
    def width(self) -> int:
        """The residual width that its units read."""
        return self.parts[self.roles[0]][0].view.columns

    @property
    def block(self) -> int:
        """Units of one expert, or of the layer."""
        return self.parts[self.roles[0]][0].view.row_count

    @property
    def count(self) -> int:
        """All units."""
        return self.block * len(self.parts[self.roles[0]])


def unit_places(anatomy: Anatomy, component: Component) -> list[UnitPlace]:
    """Every layer of a component that has units, by number; those of the most frequent width where stages differ."""
    by_layer: dict[int, dict[str, list[Part]]] = defaultdict(lambda: defaultdict(list))
    for part in anatomy.parts:
        if part.component == component.name and part.layer is not None:
            by_layer[part.layer][part.role].append(part)
    found = [place for layer, roles in sorted(by_layer.items()) if (place := _place(layer, roles)) is not None]
    widths = [place.width for place in found]
    return [place for place in found if place.width == max(set(widths), key=widths.count)]


def anchor_part(anatomy: Anatomy, component: Component, width: int) -> Part | None:
    """The part whose rows are a component's anchors; embeddings of another width than the units' are none."""
    own = [
        part
        for part in anatomy.parts
        if part.component == component.name and part.layer is None and part.view.columns == width
    ]
    return next((part for role in ANCHOR_ROLES for part in own if part.role == role and part.view.row_count > 1), None)


def search_layers(places: Sequence[UnitPlace], wanted: int) -> list[UnitPlace]:
    """The layers of which all units are kept, spread over the depth; those of the most frequent number of units.

    Where fewer than half have that number, all are eligible: a disguise may give every layer another.
    """
    if not places or wanted < 1:
        return []
    blocks = [place.block for place in places]
    usual = max(set(blocks), key=blocks.count)
    eligible = [place for place in places if place.block == usual]
    return spread(eligible if 2 * len(eligible) >= len(places) else places, wanted)


def spread(places: Sequence[UnitPlace], wanted: int) -> list[UnitPlace]:
    """As many layers as are wanted, evenly over the depth; all where there are no more."""
    count = min(wanted, len(places))
    return [places[(step + 1) * len(places) // (count + 1)] for step in range(count)]


def chosen_experts(place: UnitPlace) -> NDArray[np.int64]:
    """Which of a layer's experts are read, ascending."""
    experts = len(place.parts[place.roles[0]])
    fitting = max(1, MOST_UNITS // max(1, place.block))
    if experts <= fitting:
        return np.arange(experts)
    return np.arange(fitting) * experts // fitting


def _place(layer: int, roles: Mapping[str, Sequence[Part]]) -> UnitPlace | None:
    gain = next(iter(roles.get("mlp_norm", ())), None)
    attention = {role: roles[role][0] for role in ("q", "k", "v", "o", "attn_norm") if len(roles.get(role, ())) == 1}
    found = []
    for wanted in ROLES:
        for scope in SCOPES:
            parts = {role: tuple(sorted(roles.get(scope + role, ()), key=_expert)) for role in wanted}
            if _fits([parts[role] for role in wanted]):
                found.append(UnitPlace(layer, wanted, parts, gain, attention))
    enough = (place for place in found if place.count >= ENOUGH)
    return next(enough, max(found, key=lambda place: place.count, default=None))


def _fits(parts: Sequence[Sequence[Part]]) -> bool:
    """Whether parts are one another's rows and columns: [m, h] each, the last [h, m]."""
    *first, last = parts
    counts = {len(each) for each in parts}
    shapes = {part.view.shape for each in first for part in each}
    turned = {part.view.shape[::-1] for part in last}
    return counts != {0} and len(counts) == 1 and len(shapes) == 1 and shapes == turned and next(iter(shapes))[0] > 1


def _expert(part: Part) -> int:
    return part.expert or 0


Matrix = NDArray[np.float32]

BLOCK = 8 << 20
"""Values in memory at a time, where the layout allows it."""


def is_readable(checkpoint: Checkpoint, part: Part) -> bool:
    """Whether the values of a part can be decoded."""
    return DTYPES[checkpoint.tensors[part.tensor].dtype].decodable


def read_rows(checkpoint: Checkpoint, part: Part, rows: NDArray[np.int64]) -> Matrix:
    """Some rows of a part's matrix, whole, [k, columns].

    Raises:
        ReadError: Bytes could not be read.
    """
    tensor = checkpoint.tensors[part.tensor]
    item = DTYPES[tensor.dtype].bits // 8
    spans = plan_spans(part.view, Plan(rows, 0, part.view.columns), item)
    raw = np.empty(spans.size, dtype=np.uint8)
    filled, wanted = 0, []
    for start, stop in zip(spans.starts.tolist(), spans.stops.tolist(), strict=True):
        wanted.append((tensor.start + start, raw[filled : filled + stop - start].data))
        filled += stop - start
    checkpoint.source.read_many(tensor.file, wanted)
    values = np.ascontiguousarray(np.take(raw.view(f"u{item}"), spans.places)).view(np.uint8).reshape(-1)
    return np.asarray(decode(values, tensor.dtype), dtype=np.float32).reshape(spans.places.shape)


def row_blocks(checkpoint: Checkpoint, part: Part) -> Iterator[tuple[int, Matrix]]:
    """All rows of a part's matrix, block by block, each with the number of its first row.

    A matrix whose rows lie one behind the other is read in blocks; one that is stored in another order at once.

    Raises:
        ReadError: Bytes could not be read.
    """
    view = part.view
    height, width = view.shape
    dense = view.column_stride == 1 and view.row_strides in ((width,), ())
    step = max(1, BLOCK // max(1, width)) if dense else max(1, height)
    for first in range(0, height, step):
        rows = min(step, height - first)
        if dense:
            yield first, _span(checkpoint, part, first * width, rows * width).reshape(rows, width)
        else:
            strides = (*view.row_strides, view.column_stride)
            shape = (*(view.rows or (1,) * len(view.row_strides)), width)
            flat = _span(checkpoint, part, 0, 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)))
            seen = np.lib.stride_tricks.as_strided(flat, shape, [4 * stride for stride in strides], writeable=False)
            yield 0, np.ascontiguousarray(seen).reshape(height, width)


def whole_matrix(checkpoint: Checkpoint, part: Part) -> Matrix:
    """A part's matrix at once, [rows, columns].

    Raises:
        ReadError: Bytes could not be read.
    """
    return np.concatenate([block for _, block in row_blocks(checkpoint, part)])


def _span(checkpoint: Checkpoint, part: Part, first: int, count: int) -> Matrix:
    """Adjacent values of a part's tensor, counted from the view's first."""
    tensor = checkpoint.tensors[part.tensor]
    item = DTYPES[tensor.dtype].bits // 8
    raw = np.empty(count * item, dtype=np.uint8)
    checkpoint.source.read(tensor.file, tensor.start + (part.view.offset + first) * item, raw.data)
    return np.asarray(decode(raw, tensor.dtype), dtype=np.float32)
