"""GGUF files for tests: written by the format's own library, and byte by byte where it would not write them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, quants
from numpy.typing import NDArray

Array = NDArray[Any]


def write(
    path: Path,
    architecture: str,
    tensors: Mapping[str, Array | tuple[Array, str]],
    numbers: Mapping[str, int | float | str | Sequence[int]] | None = None,
    tokens: Sequence[str] = (),
) -> Path:
    """A file with these tensors under stored names; a pair says the type to quantise to.

    Args:
        path: Where.
        architecture: ``general.architecture``.
        tensors: Values by stored name, rows before columns.
        numbers: Metadata under the architecture's own prefix.
        tokens: The vocabulary.
    """
    writer = GGUFWriter(path, architecture)
    for key, number in (numbers or {}).items():
        if isinstance(number, str):
            writer.add_string(f"{architecture}.{key}", number)
        elif isinstance(number, float):
            writer.add_float32(f"{architecture}.{key}", number)
        elif isinstance(number, int):
            writer.add_uint32(f"{architecture}.{key}", number)
        else:
            writer.add_array(f"{architecture}.{key}", list(number))
    if tokens:
        writer.add_token_list(list(tokens))
        writer.add_token_scores([0.0] * len(tokens))
    for name, told in tensors.items():
        values, kind = told if isinstance(told, tuple) else (told, "")
        if kind:
            of = GGMLQuantizationType[kind]
            writer.add_tensor(name, quants.quantize(values, of), raw_dtype=of)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def text(content: str | bytes) -> bytes:
    """A text as the format writes it."""
    raw = content.encode() if isinstance(content, str) else content
    return struct.pack("<Q", len(raw)) + raw


def key(name: str, kind: int, value: bytes) -> bytes:
    """A key of metadata with a value of a type."""
    return text(name) + struct.pack("<I", kind) + value


def entry(name: str, dimensions: Sequence[int] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    """A tensor's entry; dimensions as they are stored, the innermost first."""
    return (
        text(name)
        + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        + struct.pack("<IQ", kind, offset)
    )


def raw(
    keys: Sequence[bytes] = (),
    entries: Sequence[bytes] = (),
    data: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    """A file of its parts, with other counts than there are where these are to lie."""
    tensors, pairs = counts if counts is not None else (len(entries), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + b"".join(keys) + b"".join(entries)
    return head + bytes(-len(head) % alignment) + data


def paired(values: Array, heads: int) -> Array:
    """Rows as llama.cpp's converter orders those of q and k (``LlamaModel.permute`` in ``convert_hf_to_gguf.py``)."""
    split = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(split.swapaxes(1, 2).reshape(values.shape))
