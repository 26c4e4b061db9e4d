"""From a recognised tensor to its parts: role, layer, expert, and the view whose columns run along the role's axis.

Which way round a component's matrices are stored, [out, in] or [in, out], is told by its residual width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from independence_audit.anatomy.component import Axis, Part
from independence_audit.anatomy.families import FUSED, Entry
from independence_audit.anatomy.generic import silence
from independence_audit.anatomy.lattice import Heads, Lattice, cut, scope_and_word
from independence_audit.anatomy.recognise import MTP, Match, Recognised
from independence_audit.anatomy.roles import Along, Form, Role, is_bias, role_of
from independence_audit.anatomy.tensor_names import words
from independence_audit.checkpoint.tensors import TensorInfo

UNEXPECTED = "unexpected_shape"
"""The reason where a tensor cannot be what its name says."""

MOST_EXPERTS = 65536
"""A stack of more is no stack of experts; the largest known models have some hundreds in a layer."""

_MATRICES = frozenset({Form.MATRIX, Form.PAIR})
_COLUMNS = {Form.FIRST: 0, Form.KERNEL: 1}
"""Axes of the columns, where they are not the last."""


@dataclass(frozen=True, slots=True)
class Placer:
    """Places the tensors of one component.

    Attributes:
        component: Its name.
        rope: Whether rotary positions order the rows of q and k.
        tensors: All tensors of the checkpoint by name.
        stored: Which way round matrices are stored.
        heads: How fused attention is cut.
        mtp_layers: Layers that predict further tokens; None where the whole component does.
    """

    component: str
    rope: bool
    tensors: Mapping[str, TensorInfo]
    stored: Orientation
    heads: Heads
    mtp_layers: Container[int] | None

    @classmethod
    def of(
        cls,
        component: str,
        recognised: Recognised,
        tensors: Mapping[str, TensorInfo],
        config: Sequence[Mapping[str, Any]],
        mtp_layers: Container[int] | None,
    ) -> Placer:
        """Gather what the tensors of a component say together, before each is placed by itself."""
        stored = orientation(recognised.matches, tensors)
        widths = _query_widths(recognised.matches, tensors, stored)
        heads = Heads(widths, config, stored.width)
        return cls(component, recognised.family.rope, tensors, stored, heads, mtp_layers)

    def parts(self, match: Match) -> list[Part]:
        """The parts of one tensor; every value of it lies in exactly one."""
        tensor, entry = self.tensors[match.tensor], match.rule.entry
        reason = silence(tensor, self.tensors, packed=match.reading.packed)
        whole = Lattice.of(tensor.shape)
        if reason:
            return [self._silent(match, whole, match.expert, reason)]
        if not entry.stacked:
            return self._slab(match, whole, match.expert)
        if whole.rank < MATRIX_RANK or tensor.shape[0] > MOST_EXPERTS:
            return [self._silent(match, whole, None, UNEXPECTED)]
        return [part for expert in range(tensor.shape[0]) for part in self._slab(match, whole.at(0, expert), expert)]

    def _slab(self, match: Match, slab: Lattice, expert: int | None) -> list[Part]:
        """The parts of a tensor, or of one expert of a stack."""
        entry = match.rule.entry
        roles = tuple(_with_suffix(role, match.reading.suffix) for role in entry.roles)
        shaped = self._outputs_first(entry, roles[0], slab)
        if shaped is None:
            return [self._silent(match, slab, expert, UNEXPECTED)]
        pieces = cut(shaped, entry, match.layer, self.heads)
        if pieces is not None:
            return [self._part(match, piece, expert, role, role) for role, piece in zip(roles, pieces, strict=True)]
        if shaped.rank < MATRIX_RANK:
            return [self._silent(match, slab, expert, UNEXPECTED)]
        return [self._part(match, shaped, expert, roles[0], FUSED.join(roles))]  # together they read the same columns

    def _outputs_first(self, entry: Entry, role: str, slab: Lattice) -> Lattice | None:
        """The values with the axis that roles are cut along in front; None where the role cannot have this shape."""
        form = role_of(role).form
        if is_bias(role) or form is Form.VECTOR:
            vector = slab.squeeze()
            return vector if vector.rank == 1 else None
        if form is Form.TABLE and slab.rank != MATRIX_RANK:
            return slab.squeeze()
        while form in _MATRICES and slab.rank > MATRIX_RANK and slab.shape[-1] == 1:
            slab = slab.at(-1, 0)  # a kernel of one tap is a matrix
        if slab.rank < MATRIX_RANK or (form in _MATRICES and slab.rank > MATRIX_RANK):
            return None
        if slab.rank == MATRIX_RANK and self.stored.is_transposed(entry, slab.shape):
            slab = slab.reorder((1, 0))
        if form is not Form.PAIR:
            return slab
        return slab.fold(1, (2, slab.shape[1] // 2)) if slab.shape[1] % 2 == 0 else None

    def _part(self, match: Match, piece: Lattice, expert: int | None, role: str, name: str) -> Part:
        """One role's share of a tensor, under a name that is the role's or that of several together."""
        known, reason = role_of(role), match.rule.entry.reason
        along = Along(Axis.NONE, reason) if reason else known.along(bias=is_bias(role), rope=self.rope)
        view = piece.view(-1 if is_bias(role) else _COLUMNS.get(known.form, -1))
        full_name = self._full_role(name, match.layer)
        return Part(match.tensor, self.component, match.layer, full_name, expert, view, along.axis, along.reason)

    def _silent(self, match: Match, values: Lattice, expert: int | None, reason: str) -> Part:
        """The tensor, or one expert of it, as a part that is never evidence."""
        suffix = "" if match.reading.suffix in words().packed_payload else match.reading.suffix
        together = FUSED.join(_with_suffix(role, suffix) for role in match.rule.entry.roles)
        name = self._full_role(together, match.layer)
        return Part(match.tensor, self.component, match.layer, name, expert, values.view(), Axis.NONE, reason)

    def _full_role(self, role: str, layer: int | None) -> str:
        ahead = self.mtp_layers is None or (layer is not None and layer in self.mtp_layers)
        return MTP + role if ahead and not role.startswith(MTP) else role


def _query_widths(
    matches: Sequence[Match], tensors: Mapping[str, TensorInfo], stored: Orientation
) -> dict[tuple[int | None, str], int]:
    """What the attention's output matrices read, by layer and scope: as many values as there are query rows."""
    widths = {}
    for match in matches:
        entry, shape = match.rule.entry, tensors[match.tensor].shape
        before, word = scope_and_word(entry.roles[0])
        if word == "o" and len(shape) == MATRIX_RANK and not match.reading.suffix:
            widths[match.layer, before] = shape[0 if stored.is_transposed(entry, shape) else 1]
    return widths


def _with_suffix(role: str, suffix: str) -> str:
    return f"{role}.{suffix}" if suffix and not (suffix == "bias" and is_bias(role)) else role


MATRIX_RANK = 2


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a component's matrices are stored.

    Attributes:
        width: The residual width; None where no tensor tells it.
        reversed_matrices: Whether most matrices lie the other way round than their family's table says.
        reversed_stacks: The same for stacked experts.
    """

    width: int | None
    reversed_matrices: bool
    reversed_stacks: bool

    def is_transposed(self, entry: Entry, shape: Sequence[int]) -> bool:
        """Whether a matrix of this shape, without its expert axis, is stored [in, out].

        Its shape decides where one side alone is the residual width; else it follows the component's other matrices.
        """
        reversed_here = _is_reversed(entry, shape, self.width)
        if reversed_here is None:
            reversed_here = self.reversed_stacks if entry.stacked else self.reversed_matrices
        return entry.transposed != reversed_here


def orientation(matches: Iterable[Match], tensors: Mapping[str, TensorInfo]) -> Orientation:
    """How the matrices of one component are stored."""
    found = [(match.rule.entry, tensors[match.tensor].shape) for match in matches if _is_informative(match)]
    width = _residual_width(found)
    votes: dict[bool, Counter[bool]] = {False: Counter(), True: Counter()}
    for entry, shape in found:
        reversed_here = _is_reversed(entry, shape[1:] if entry.stacked else shape, width)
        if reversed_here is not None:
            votes[entry.stacked][reversed_here] += 1
    majority = {stacked: counts[True] > counts[False] for stacked, counts in votes.items()}
    return Orientation(width, majority[False], majority[True])


def _is_informative(match: Match) -> bool:
    return not match.reading.packed and not match.reading.suffix and not is_bias(match.rule.entry.roles[0])


def _residual_width(found: Sequence[tuple[Entry, tuple[int, ...]]]) -> int | None:
    """The commonest size of the vectors that lie on the residual stream."""
    sizes = Counter(max(shape) for entry, shape in found if shape and max(shape) > 1 and _is_gain(entry))
    return min(sizes, key=lambda size: (-sizes[size], size), default=None)


def _is_gain(entry: Entry) -> bool:
    role = role_of(entry.roles[0])
    return role.form is Form.VECTOR and role.columns == "residual"


def _is_reversed(entry: Entry, shape: Sequence[int], width: int | None) -> bool | None:
    """Whether a shape contradicts the table; None where the width does not tell."""
    role: Role = role_of(entry.roles[0])
    if (
        len(shape) != MATRIX_RANK
        or not (role.reads_residual or role.writes)
        or (shape[0] == width) == (shape[1] == width)
    ):
        return None
    residual_last = role.reads_residual != entry.transposed
    return (shape[1] == width) != residual_last
