"""Describing a search layer's units without anchors: the matrices of its own layer are all that is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Component, Part
from independence_audit.anatomy.config_numbers import count, sections
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.places import (
    Matrix,
    UnitPlace,
    chosen_experts,
    is_readable,
    read_rows,
    search_layers,
    whole_matrix,
)
from independence_audit.statistics.descriptors import (
    Descriptors,
    plain_descriptors,
    plain_matrices,
    residual_matrices,
    unit_descriptors,
)

MOST_WORK = 1e12
"""Multiplications (18 forms of m units with the h x h matrices of every search layer) that a component may cost
unasked: some 20 seconds on two cores. Reached at h = 2048 with m = 3300, exceeded by models of 7 billion parameters."""

LITTLE_WORK = 5e10
"""The same of what costs little: two or three seconds for both sides. More layers than are usual are described up to
here: three of a model with h = 384 and m = 1536, eight with h = 128."""

MOST_LAYERS = 8
"""Search layers at most: through more matrices units are told apart no better."""

DESCRIBED = 2048
"""Units of a layer that are described, at most: of two layers of 5,000 of which each has so many of its own, 860 are
in both. The salt says which."""

FORMS = 18

PLAIN = 2
"""Matrices of a block without gates."""

OWN_PLAIN, OWN_GATED = 3, 4
"""Matrices [h, h] that a layer's units give, without gates and with; those of attention stand behind them."""

DOUBLE = 512
"""Width up to which double precision costs nothing."""

Wide = NDArray[np.float64] | NDArray[np.float32]
Block = tuple[Wide, ...]
"""The units [m, h] of one layer's matrices, gain folded: gate, up and down, or fc1 and fc2."""


def describe(
    checkpoint: Checkpoint, component: Component, places: Sequence[UnitPlace], salt: bytes, *, however_large: bool
) -> list[Descriptors | None]:
    """Descriptors of units of the search layers, through the matrices of all of them, the own layer's first.

    Returns:
        One for each layer, of the units of the experts that are read one behind the other; a unit that is zero or was
        not chosen has zeros. None where it would take too long, or values are not finite.

    Raises:
        ReadError: Bytes could not be read.
    """
    if _too_long(places) and not however_large:
        return [None] * len(places)
    blocks = [_block(checkpoint, component, place) for place in places]
    matrices = [_matrices(checkpoint, component, place, block) for place, block in zip(places, blocks, strict=True)]
    found = []
    for number, block in enumerate(blocks):
        others = [matrix for other, own in enumerate(matrices) if other != number for matrix in own]
        one = None if block is None else _of_some(block, matrices[number] + others, salt)
        found.append(one if one and np.isfinite(one.even).all() and np.isfinite(one.odd).all() else None)
    return found


def _of_some(block: Block, matrices: Sequence[Wide], salt: bytes) -> Descriptors | None:
    """Descriptors of as many of a layer's units as are described, at their places among all of them."""
    count = len(block[0])
    alive = np.flatnonzero(np.all([each.any(axis=1) for each in block], axis=0))
    if len(alive) > DESCRIBED:
        some_units = Sampler(rows=DESCRIBED, values=0, segment=1, columns=1 << 30, salt=salt)
        alive = alive[np.sort(some_units.plan(len(alive), 2).rows)]
    if len(alive) < 2:  # noqa: PLR2004  a spread takes two
        return None
    some = _descriptors(tuple(each[alive] for each in block), matrices)
    even, odd = (np.zeros((count, each.shape[1]), each.dtype) for each in (some.even, some.odd))
    even[alive], odd[alive] = some.even, some.odd
    return Descriptors(even, odd)


def described_widths(
    checkpoint: Checkpoint, component: Component, places: Sequence[UnitPlace], *, however_large: bool
) -> list[tuple[int, int] | None]:
    """How many even and odd descriptors :func:`describe` gives of every unit, told from headers alone."""
    if not places or (_too_long(places) and not however_large):
        return [None] * len(places)
    plain = len(places[0].roles) == PLAIN
    each = [
        (OWN_PLAIN if plain else OWN_GATED)
        + 2 * (_head_shape(checkpoint, component, place.attention, place.width) is not None)
        for place in places
    ]
    tiny, matrices = np.eye(2, dtype=np.float32), [np.eye(2, dtype=np.float32)] * sum(each)
    found = _descriptors((tiny,) * len(places[0].roles), matrices)
    return [(found.even.shape[1], found.odd.shape[1])] * len(places)


def affordable_layers(checkpoint: Checkpoint, component: Component, places: Sequence[UnitPlace], least: int) -> int:
    """How many search layers a component can have where describing their units is to cost little; at least some.

    A unit seen through more matrices is told from others more surely: the likeness of continued copies that two layers
    leave in doubt is certain with five. Descriptors have to stay fewer than half the units.
    """
    count = least
    while count < min(MOST_LAYERS, len(places)):
        more = search_layers(places, count + 1)
        widths = [width for width in described_widths(checkpoint, component, more, however_large=False) if width]
        units = min(place.block * len(chosen_experts(place)) for place in more)
        if len(more) == count or _work(more) > LITTLE_WORK or not widths or 2 * widths[0][0] >= units:
            break
        count += 1
    return count


def read_to_describe(places: Sequence[UnitPlace]) -> list[Part]:
    """The matrices that are read whole to describe the units of these layers."""
    attention = [place.attention[role] for place in places for role in ("q", "k", "v", "o") if role in place.attention]
    units = [parts[expert] for place in places for parts in place.parts.values() for expert in chosen_experts(place)]
    return attention + units


def gains_to_describe(checkpoint: Checkpoint, component: Component, places: Sequence[UnitPlace]) -> list[Part]:
    """The norms' gains that are read with them."""
    return [
        part
        for place in places
        for part in (place.gain, _attention_gain(checkpoint, component, place))
        if part is not None and _is_gain(checkpoint, part, _width(place))
    ]


def _attention_gain(checkpoint: Checkpoint, component: Component, place: UnitPlace) -> Part | None:
    """The gain before attention, where heads can be told and it is read for them."""
    heads = _head_shape(checkpoint, component, place.attention, _width(place))
    return place.attention.get("attn_norm") if heads else None


def _too_long(places: Sequence[UnitPlace]) -> bool:
    return _work(places) > MOST_WORK


def _work(places: Sequence[UnitPlace]) -> float:
    """Multiplications that describing these search layers takes."""
    units = sum(min(DESCRIBED, place.block * len(chosen_experts(place))) for place in places)
    return FORMS * units * len(places) * _width(places[0]) ** 2 if places else 0


def norm_gain(checkpoint: Checkpoint, component: Component, part: Part | None, width: int) -> Matrix | None:
    """What a norm scales its outputs by; None where there is none of this width. Gemma stores gains less one.

    Raises:
        ReadError: Bytes could not be read.
    """
    if part is None or not _is_gain(checkpoint, part, width):
        return None
    gain = read_rows(checkpoint, part, np.zeros(1, dtype=np.int64))[0]
    if not np.isfinite(gain).all():
        return None
    return np.asarray(gain + 1.0 if component.family.startswith("gemma") else gain, dtype=np.float32)


def _is_gain(checkpoint: Checkpoint, part: Part, width: int) -> bool:
    return is_readable(checkpoint, part) and part.view.columns == width


def _width(place: UnitPlace) -> int:
    return place.parts[place.roles[0]][0].view.columns


def _block(checkpoint: Checkpoint, component: Component, place: UnitPlace) -> Block | None:
    """A layer's units, those of experts one behind the other; None where they are not finite, or all zero."""
    width = _width(place)
    gain = norm_gain(checkpoint, component, place.gain, width)
    scale = np.float32(1.0) if gain is None else gain
    experts = chosen_experts(place)
    *first, last = [[whole_matrix(checkpoint, place.parts[role][e]) for e in experts] for role in place.roles]
    block: Block = (
        *(np.concatenate(matrices) * scale for matrices in first),
        np.concatenate([np.ascontiguousarray(matrix.T) for matrix in last]),
    )
    if width <= DOUBLE:
        block = tuple(each.astype(np.float64) for each in block)
    return block if all(np.isfinite(each).all() and each.any() for each in block) else None


@dataclass(frozen=True, slots=True)
class LayerMatrices:
    """What of one layer turns with the residual stream."""

    units: Block
    """Rows [m, h] of every role, gains folded."""
    attention: tuple[Wide, ...]
    """Σqᵀk and Σov [h, h]; none where heads cannot be told."""


def layer_matrices(checkpoint: Checkpoint, component: Component, place: UnitPlace) -> LayerMatrices | None:
    """A search layer's units and attention; None where units are not finite, or all zero.

    Raises:
        ReadError: Bytes could not be read.
    """
    block = _block(checkpoint, component, place)
    if block is None:
        return None
    own = OWN_PLAIN if len(block) == PLAIN else OWN_GATED
    return LayerMatrices(block, tuple(_matrices(checkpoint, component, place, block)[own:]))


def _matrices(checkpoint: Checkpoint, component: Component, place: UnitPlace, block: Block | None) -> list[Wide]:
    if block is None:
        return []
    attention = attention_heads(checkpoint, component, place)
    if len(block) == PLAIN:
        return plain_matrices(block[0], block[1], attention)
    return residual_matrices(block[0], block[1], block[2], attention)


def _descriptors(block: Block, matrices: Sequence[Wide]) -> Descriptors:
    if len(block) == PLAIN:
        return plain_descriptors(block[0], block[1], matrices)
    return unit_descriptors(block[0], block[1], block[2], matrices)


def attention_heads(
    checkpoint: Checkpoint, component: Component, place: UnitPlace
) -> list[tuple[Matrix, Matrix, Matrix, Matrix]]:
    """q, k, v [s, h] and o [h, s] of every head that has a key of its own, its queries summed and gains folded.

    Returns:
        One for each head; none where heads cannot be told.

    Raises:
        ReadError: Bytes could not be read.
    """
    parts, width = place.attention, _width(place)
    shape = _head_shape(checkpoint, component, parts, width)
    if shape is None:
        return []
    group, size = shape
    gain = norm_gain(checkpoint, component, parts.get("attn_norm"), width)
    scale = np.float32(1.0) if gain is None else gain
    q, k, v = (whole_matrix(checkpoint, parts[role]) * scale for role in "qkv")
    o = whole_matrix(checkpoint, parts["o"])
    q = q.reshape(-1, group, size, width).sum(axis=1)
    o = o.reshape(width, -1, group, size).sum(axis=2)
    return [(q[i], k[i * size : (i + 1) * size], v[i * size : (i + 1) * size], o[:, i]) for i in range(len(q))]


def _head_shape(
    checkpoint: Checkpoint, component: Component, parts: Mapping[str, Part], width: int
) -> tuple[int, int] | None:
    """Queries of a key, and the size of a head; None where heads cannot be told."""
    if not {"q", "k", "v", "o"} <= parts.keys() or not all(is_readable(checkpoint, part) for part in parts.values()):
        return None
    queries, keys = parts["q"].view.row_count, parts["k"].view.row_count
    if parts["v"].view.row_count != keys or parts["o"].view.shape != (width, queries) or queries % keys:
        return None
    group = queries // keys
    size = keys if group == 1 else _head_size(checkpoint.config, component, width)
    if size is None or keys % size:
        return None
    return group, size


def _head_size(config: Mapping[str, object], component: Component, width: int) -> int | None:
    """Size of a head, as the config says."""
    for section in sections(config, component.kind, component.name.split(".")):
        size, heads = count(section, "head_dim"), count(section, "num_attention_heads", "num_heads", "n_head")
        if size or heads:
            return size or width // (heads or 1)
    return None
