"""Stored tensors from arrays, and the values that a packed weight works out of their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.tensors import Floats, Packed, TensorInfo
from independence_audit.core.number_types import DTYPES

Arrays = Mapping[str, NDArray[Any]]

TYPES = {"uint8": "U8", "uint32": "U32", "int32": "I32", "int64": "I64", "float16": "F16", "float32": "F32"}


def info(name: str, dtype: str, *shape: int, start: int = 0) -> TensorInfo:
    """A tensor by its header."""
    return TensorInfo(name, dtype, shape, "model.safetensors", start, start + prod(shape) * DTYPES[dtype].bits // 8)


def info_of(arrays: Arrays, name: str, dtype: str = "") -> TensorInfo:
    """The header of an array that is stored under a name; bytes may stand for another type of eight bits."""
    return info(name, dtype or TYPES[arrays[name].dtype.name], *arrays[name].shape)


def worked_out(packed: Packed, arrays: Arrays, start: int, stop: int) -> Floats:
    """The values from one place to another, from no other bytes than those that are asked for."""
    content = [
        np.ascontiguousarray(arrays[run.tensor.name]).reshape(-1).view(np.uint8)[run.start : run.stop]
        for run in packed.runs(start, stop)
    ]
    return packed.values(start, stop, content)


def all_of(packed: Packed, arrays: Arrays) -> Floats:
    """All values, in their shape."""
    return worked_out(packed, arrays, 0, prod(packed.shape)).reshape(packed.shape)
