"""What a tensor is to a model: component, layer, role, and the matrix view whose columns may be exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import NamedTuple


class Kind(StrEnum):
    """Kinds of components; a team's tower is compared with reference towers of the same kind."""

    TEXT_DECODER = "text_decoder"
    VISION_ENCODER = "vision_encoder"
    AUDIO_ENCODER = "audio_encoder"
    PROJECTOR = "projector"
    COMPRESSOR = "compressor"
    GENERATOR = "generator"
    ACTION_HEAD = "action_head"
    OTHER = "other"


class Axis(StrEnum):
    """What a view's columns run along. Training commutes with permuting these, except along ``NONE``."""

    RESIDUAL = "residual"
    """The residual width: embeddings, head, q/k/v, gate/up, router, norm gains. All of a component share it."""
    ATTENTION = "attention"
    """Attention output channels: o_proj's input, v bias."""
    MLP = "mlp"
    """MLP units: down_proj's and fc2's input, fc1 bias."""
    LATENT = "latent"
    """A low-rank bottleneck of the attention (MLA) or another inner width."""
    CHANNEL = "channel"
    """Channels of a convolution, all taps together."""
    EXPERT = "expert"
    """Experts of a router's bias."""
    HIDDEN = "hidden"
    """A hidden width of a model whose names are unknown."""
    NONE = "none"
    """Nothing may be exchanged: ramps, sinusoids, RoPE rows, masks, pixels, classes. Never evidence."""


@dataclass(frozen=True, slots=True)
class View:
    """A matrix [rows, columns] inside a flat tensor, by strides; columns run along the exchangeable axis.

    Element (i, j) lies at ``offset + row_offset(i) + j * column_stride`` (counted in values), where row i is
    unravelled over ``rows`` in C order and weighted by ``row_strides``. The row order is canonical for a role and
    independent of the memory layout, so that two layouts of one tensor have equal views.
    """

    offset: int
    rows: tuple[int, ...]
    row_strides: tuple[int, ...]
    columns: int
    column_stride: int

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return prod(self.rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.row_count, self.columns

    @property
    def size(self) -> int:
        """Number of values."""
        return self.row_count * self.columns


class PartKey(NamedTuple):
    """Which part of a checkpoint one is: the first value of a view lies in no other, where it has any."""

    tensor: str
    offset: int
    expert: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """One role's share of one tensor: a whole tensor, a slice of a fused one, or one expert of a stack."""

    tensor: str
    component: str
    """Name of its component in this checkpoint."""
    layer: int | None
    role: str
    """Canonical: ``q``, ``q.bias``, ``gate``, ``attn_norm``; equal roles of two models may be compared."""
    expert: int | None
    view: View
    axis: Axis
    reason: str = ""
    """Why the axis is NONE, as a message key: ``rope_rows``, ``sinusoid``, ``integer``; empty otherwise."""

    @property
    def key(self) -> PartKey:
        """Which part it is, in every process."""
        return PartKey(self.tensor, self.view.offset, self.expert)


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a model that is judged on its own: a decoder, a tower, a projector."""

    name: str
    """Unique in the checkpoint: its prefix without the last dot, or its kind where the prefix is empty."""
    kind: Kind
    family: str
    """Whose names it bears: ``qwen2_5_vl_vision``; ``unknown`` where placed by shape."""
    parameters: int
    fixed_positions: bool = False
    """Whether sinusoids are added to its residual stream, which then has a basis that unrelated models share."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Every tensor of a checkpoint in its place."""

    components: tuple[Component, ...]
    parts: tuple[Part, ...]
    """In file order; every tensor has at least one part, every value of it lies in exactly one."""


GENERIC = "generic:"
"""Stands before roles that are no more than names: nobody knows whether such a tensor was trained or computed."""


def is_generic(role: str) -> bool:
    """Whether a role is only a name."""
    return role.startswith(GENERIC)


def is_router(role: str) -> bool:
    """Whether a role's rows are those of experts that it chooses among."""
    return role.rpartition(".")[2] == "router"
