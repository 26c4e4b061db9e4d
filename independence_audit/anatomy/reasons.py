"""Why a tensor is never evidence, whatever its role: its stored values are no weights, or there are none."""

from __future__ import annotations

from collections.abc import Container

from independence_audit.checkpoint.model import TensorInfo
from independence_audit.core.number_types import DTYPES


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
