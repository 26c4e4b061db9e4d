"""Checkpoints in memory and anatomies by hand, for tests that need neither files nor names that a family knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Axis, Component, Kind, Part, View
from independence_audit.checkpoint import Checkpoint, TensorInfo
from tests.checkpoint.memory_source import MemorySource

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "uint8": "F8_E4M3", "int64": "I64", "bool": "BOOL"}
"""How arrays are stored; a uint8 array holds the codes of 8-bit floats, a uint16 array those of bfloat16."""


def bf16(values: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Codes of the nearest bfloat16 values, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def checkpoint_of(
    *files: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None, name: str = "memory"
) -> Checkpoint:
    """A checkpoint whose shards hold the given arrays, one behind the other after a few bytes of header."""
    content: dict[str, bytes] = {}
    tensors: dict[str, TensorInfo] = {}
    for number, file in enumerate(files):
        shard = f"shard-{number}"
        data = b"\xee" * 11
        for tensor, values in file.items():
            dtype = DTYPES.get(str(values.dtype), "BF16")
            raw = values.tobytes()
            tensors[tensor] = TensorInfo(tensor, dtype, values.shape, shard, len(data), len(data) + len(raw))
            data += raw
        content[shard] = data
    source = MemorySource(content, name)
    return Checkpoint(source, source.files(), tensors, metadata or {}, {})


def dense(rows: int, columns: int, offset: int = 0) -> View:
    """A matrix stored row by row."""
    return View(offset, (rows,), (columns,), columns, 1)


def transposed(rows: int, columns: int) -> View:
    """A matrix stored column by column."""
    return View(0, (rows,), (1,), columns, rows)


def part_of(tensor: str, view: View, **facts: Any) -> Part:
    """A part of a tensor; its role is the tensor's name unless told otherwise."""
    known = {"component": "model", "layer": None, "role": tensor, "expert": None, "axis": Axis.RESIDUAL} | facts
    return Part(tensor=tensor, view=view, **known)


def anatomy_of(parts: Sequence[Part], kind: Kind = Kind.TEXT_DECODER) -> Anatomy:
    """An anatomy of one component for each component name among the parts."""
    names = dict.fromkeys(part.component for part in parts)
    sizes = {name: sum(part.view.size for part in parts if part.component == name) for name in names}
    return Anatomy(tuple(Component(name, kind, "handmade", sizes[name]) for name in names), tuple(parts))
