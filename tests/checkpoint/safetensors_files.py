"""Safetensors files byte by byte, for tests that need what the library would never write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file


def entry(begin: int, end: int, *, dtype: str = "U8", shape: list[Any] | None = None) -> dict[str, Any]:
    """A tensor's entry in a header; the shape defaults to that of bytes."""
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def many_entries(count: int, size: int) -> bytes:
    """The text of a header of ``count`` tensors of ``size`` bytes each, written by hand: it may be of megabytes."""
    entries = (
        f'"{number}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{number * size},{(number + 1) * size}]}}'
        for number in range(count)
    )
    return f"{{{','.join(entries)}}}".encode()


def file_bytes(header: Mapping[str, Any] | bytes, data: bytes = b"") -> bytes:
    """A file from its header, as an object or as it should stand there, and the bytes behind it."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(raw).to_bytes(8, "little") + raw + data


def save_zeros(path: Path, *names: str) -> Path:
    """A valid file with a small tensor of each name."""
    save_file({name: np.zeros((2, 3), np.float32) for name in names}, path)
    return path


def save_index(folder: Path, weight_map: Mapping[str, str], name: str = "model") -> Path:
    """An index with the given weight map."""
    path = folder / f"{name}.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))
    return path
