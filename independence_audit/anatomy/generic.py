"""Tensors whose names no family knows: placed by the words in their names and by the sizes that recur in shapes.

It says as well why a tensor is never evidence, whatever its role: its stored values are no weights, or there are none.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from independence_audit.anatomy.component import GENERIC, Axis, Part
from independence_audit.anatomy.lattice import Lattice
from independence_audit.anatomy.shapes import Widths, axis_order, column_axis, recurrent_layer
from independence_audit.anatomy.tensor_names import is_number, words
from independence_audit.checkpoint.tensors import TensorInfo
from independence_audit.core.number_types import DTYPES


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where the columns run, and the values in the order in which they are rows and columns."""

    lattice: Lattice
    columns: int = -1
    reason: str = ""


def layer_and_role(segments: Sequence[str]) -> tuple[int | None, str]:
    """The first number of a name as its layer, and the rest of the name as its role."""
    for place, segment in enumerate(segments):
        if is_number(segment):
            return int(segment), GENERIC + ".".join((*segments[:place], *segments[place + 1 :]))
    return None, GENERIC + ".".join(segments)


def generic_part(
    tensor: TensorInfo, component: str, segments: Sequence[str], widths: Widths, names: Container[str]
) -> Part:
    """Place one tensor by its name and shape.

    Args:
        tensor: The tensor.
        component: The component it belongs to.
        segments: Its name within the component.
        widths: What the checkpoint's shapes say together.
        names: All names of the checkpoint.
    """
    layer, role = layer_and_role(segments)
    packed = words().is_packed(segments)
    reason = silence(tensor, names, packed=packed) or ("computed" if words().is_buffer(segments) else "")
    placed = _Placed(Lattice.of(tensor.shape), reason=reason) if reason else _by_shape(tensor, widths)
    axis = Axis.NONE if placed.reason else Axis.HIDDEN
    return Part(tensor.name, component, layer, role, None, placed.lattice.view(placed.columns), axis, placed.reason)


def _by_shape(tensor: TensorInfo, widths: Widths) -> _Placed:
    """Along which axis a hidden width runs."""
    lattice = Lattice.of(tensor.shape)
    recurrent = _recurrent(tensor, widths)
    if recurrent is not None:
        return recurrent
    vector = lattice.squeeze()
    if vector.rank == 1:
        return _Placed(vector, reason="no_exchangeable_axis" if vector.shape[0] in widths.one_sided else "")
    order = axis_order(tensor.shape, widths)
    ordered = lattice.reorder(order)
    axis = column_axis(tensor.shape, widths)
    if axis is None:
        return _Placed(ordered, columns=1, reason="no_exchangeable_axis")
    return _Placed(ordered, columns=order.index(axis))


def _recurrent(tensor: TensorInfo, widths: Widths) -> _Placed | None:
    """A tensor of a recurrent layer, gates as rows and units as columns; None where it is no such tensor."""
    layer = recurrent_layer(tensor.name)
    if layer is None or layer not in widths.gates:
        return None
    gates, units = widths.gates[layer]
    if tensor.shape[0] != gates * units:
        return None
    lattice = Lattice.of(tensor.shape).fold(0, (gates, units))
    reads_hidden = len(tensor.shape) > 1 and tensor.shape[1] in widths.inner
    return _Placed(lattice, columns=-1 if reads_hidden else 1)


def silence(tensor: TensorInfo, names: Container[str], *, packed: bool) -> str:
    """The reason why a tensor's stored values are no evidence; empty where they may be.

    Args:
        tensor: The tensor.
        names: All names of the checkpoint: a quantised weight has its scale beside it.
        packed: Whether its name is that of a quantiser's tensor.
    """
    if tensor.size == 0:
        return "empty"
    if packed:
        return "packed"
    if DTYPES[tensor.dtype].is_float:
        return "scalar" if tensor.size == 1 else ""
    if tensor.dtype.startswith("C"):
        return "computed"
    return "packed" if tensor.dtype.startswith("F") or _has_scale(tensor.name, names) else "integer"


def _has_scale(name: str, names: Container[str]) -> bool:
    stem = name.removesuffix("weight")
    scales = (f"{name}_scale", f"{name}_scale_inv", f"{name}.absmax", f"{stem}SCB", f"{stem}scales")
    return any(scale in names for scale in scales)
