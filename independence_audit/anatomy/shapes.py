"""What shapes alone say: which axes of a tensor are outputs, inputs and taps, and which sizes are hidden widths.

A hidden width is a size that recurs. It is sure where one tensor writes it and another reads it; a size that stands
on one side only may count classes or tokens, whose order means something.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from independence_audit.anatomy.tensor_names import Segments, split_name
from independence_audit.checkpoint.tensors import TensorInfo

LEAST_WIDTH = 32
"""Smaller sizes recur by chance: taps, colours, heads, classes."""

MOST_TAPS = 11
"""The largest side of a kernel in use."""

MATRIX_RANK = 2

RecurrentLayer = tuple[Segments, str]
"""The name of a recurrent layer, and what follows ``weight_hh`` in the names of its tensors."""

_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)(.*)", re.DOTALL)
_GATE_COUNTS = (4, 3, 1)
"""Gates of an LSTM, of a GRU, and of a plain recurrent layer."""


@dataclass(frozen=True, slots=True)
class Widths:
    """What the shapes of a checkpoint say together.

    Attributes:
        inner: Recurring sizes that one tensor writes and another reads.
        outer: Sizes that recur in matrices, but on one side only.
        one_sided: Sizes that matrices only write or only read, recurring or not.
        tensors: How many tensors have a size.
        inputs_first: Whether kernels and matrices are stored [taps, in, out], not [out, in, taps].
        gates: Gates and units of recurrent layers.
    """

    inner: frozenset[int]
    outer: frozenset[int]
    one_sided: frozenset[int]
    tensors: Mapping[int, int]
    inputs_first: bool
    gates: Mapping[RecurrentLayer, tuple[int, int]]


def hidden_widths(tensors: Collection[TensorInfo]) -> Widths:
    """The sizes that recur in the shapes of a checkpoint."""
    orders = Counter(_kernel_order(tensor.shape) for tensor in tensors)
    inputs_first = orders[True] > orders[False]
    gates = dict(_recurrent_gates(tensors))
    sides: dict[int, set[bool]] = defaultdict(set)
    for tensor in tensors:
        for size, written in _written_and_read(tensor, gates, inputs_first=inputs_first):
            sides[size].add(written)
    one_sided = frozenset(size for size, seen in sides.items() if len(seen) == 1)
    everywhere = Counter(size for tensor in tensors for size in set(tensor.shape))
    in_matrices = Counter(size for tensor in tensors if len(tensor.shape) > 1 for size in set(tensor.shape))
    return Widths(
        inner=frozenset(size for size in sides if size not in one_sided and _recurs(size, everywhere)),
        outer=frozenset(size for size in one_sided if _recurs(size, in_matrices)),
        one_sided=one_sided,
        tensors=everywhere,
        inputs_first=inputs_first,
        gates=gates,
    )


def outputs_and_inputs(shape: Sequence[int], *, inputs_first: bool) -> tuple[int, int] | None:
    """The axes of a tensor's outputs and inputs; None where its shape is not that of a matrix or a kernel.

    Args:
        shape: The tensor's shape.
        inputs_first: How the checkpoint's other kernels are stored, where this shape does not tell.
    """
    rank = len(shape)
    order: bool | None = inputs_first
    if rank == MATRIX_RANK + 1:
        order = inputs_first if _are_taps(shape[:1] if inputs_first else shape[2:]) else None
    elif rank != MATRIX_RANK and not (_are_taps(shape[2:]) and _are_taps(shape[:-2]) and _kernel_order(shape) is None):
        order = _kernel_order(shape)
    if rank < MATRIX_RANK or order is None:
        return None
    return (rank - 1, rank - 2) if order else (0, 1)


def column_axis(shape: Sequence[int], widths: Widths) -> int | None:
    """The axis of a matrix or larger tensor along which a hidden width runs; None where none does.

    Of a matrix or kernel the inputs, else the outputs; of sizes that are not sure only the smaller one, for there are
    more tokens than channels. Of other tensors the last axis, else that of the commonest width.
    """
    sides = outputs_and_inputs(shape, inputs_first=widths.inputs_first)
    if sides is not None:
        out, into = sides
        sure = [axis for axis in (into, out) if shape[axis] in widths.inner]
        smaller = into if shape[into] <= shape[out] else out
        likely = [smaller] if shape[smaller] in widths.outer else []
        return next(iter(sure + likely), None)
    for candidates in (widths.inner, widths.outer):
        axes = [axis for axis, size in enumerate(shape) if size in candidates]
        if axes:
            return max(axes, key=lambda axis: (axis == len(shape) - 1, widths.tensors[shape[axis]], axis))
    return None


def axis_order(shape: Sequence[int], widths: Widths) -> tuple[int, ...]:
    """The axes of a matrix or kernel in the order outputs, inputs, taps; of other tensors as they are."""
    sides = outputs_and_inputs(shape, inputs_first=widths.inputs_first) or ()
    return (*sides, *(axis for axis in range(len(shape)) if axis not in sides))


def recurrent_layer(name: str) -> RecurrentLayer | None:
    """The recurrent layer that a tensor belongs to by its name; None where it is no such tensor."""
    *front, last = split_name(name)
    found = _RECURRENT.fullmatch(last)
    return None if found is None else (tuple(front), found[3])


def _recurrent_gates(tensors: Collection[TensorInfo]) -> Iterator[tuple[RecurrentLayer, tuple[int, int]]]:
    """Gates and units of every recurrent layer, from its [gates x units, units] matrix."""
    for tensor in tensors:
        layer = recurrent_layer(tensor.name)
        if layer is None or len(tensor.shape) != MATRIX_RANK or "weight_hh" not in tensor.name:
            continue
        rows, units = tensor.shape
        if units and rows in {gates * units for gates in _GATE_COUNTS}:
            yield layer, (rows // units, units)


def _written_and_read(
    tensor: TensorInfo, gates: Mapping[RecurrentLayer, tuple[int, int]], *, inputs_first: bool
) -> Iterator[tuple[int, bool]]:
    """The sizes that a tensor writes (True) and reads (False); those of tensors that are no matrix count as both."""
    shape = tensor.shape
    sides = outputs_and_inputs(shape, inputs_first=inputs_first)
    layer = recurrent_layer(tensor.name)
    if layer is not None and layer in gates and len(shape) == MATRIX_RANK:
        yield gates[layer][1], True
        yield shape[1], False
    elif sides is not None:
        yield shape[sides[0]], True
        yield shape[sides[1]], False
    elif len(shape) > MATRIX_RANK:
        for size in shape:
            yield size, True
            yield size, False


def _kernel_order(shape: Sequence[int]) -> bool | None:
    """Whether a kernel is stored [taps, in, out]; None where the shape does not tell or is no kernel's.

    Kernels of one axis do not tell: [8, 128, 16] may be eight heads.
    """
    if len(shape) <= MATRIX_RANK + 1:
        return None
    first, last = _are_taps(shape[:-2]), _are_taps(shape[2:])
    if first and last:  # [3, 3, 3, 10]: kernels are square
        first, last = len(set(shape[:-2])) == 1, len(set(shape[2:])) == 1
    return first if first != last else None


def _are_taps(sizes: Sequence[int]) -> bool:
    return all(size <= MOST_TAPS for size in sizes)


def _recurs(size: int, tensors: Mapping[int, int]) -> bool:
    return size >= LEAST_WIDTH and tensors[size] > 1
