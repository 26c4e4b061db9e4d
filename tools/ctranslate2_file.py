"""Reads the tensors of a CTranslate2 ``model.bin``, and names a Whisper encoder's as Hugging Face does.

The format, version 6, little-endian: version (u32), name of the specification, its revision (u32), number of variables
(u32); of each its name, rank (u8), sizes (u32 each), type (u8), number of bytes (u32) and values; then the number of
aliases (u32), two names each. A name is its length (u16) and its bytes, of which the last is zero. Source:
``ModelSpec.save`` in CTranslate2's ``python/ctranslate2/specs/model_spec.py``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod

import numpy as np
from numpy.typing import NDArray

VERSION = 6
TYPES = tuple(np.dtype(code) for code in ("<f4", "i1", "<i2", "<i4", "<f2"))
"""By the number that the file gives them."""
MOST_VARIABLES, LARGEST_RANK = 100_000, 8

_LAYER = {
    "self_attention/layer_norm/gamma": "self_attn_layer_norm.weight",
    "self_attention/layer_norm/beta": "self_attn_layer_norm.bias",
    "self_attention/linear_1/weight": "self_attn.out_proj.weight",
    "self_attention/linear_1/bias": "self_attn.out_proj.bias",
    "ffn/layer_norm/gamma": "final_layer_norm.weight",
    "ffn/layer_norm/beta": "final_layer_norm.bias",
    "ffn/linear_0/weight": "fc1.weight",
    "ffn/linear_0/bias": "fc1.bias",
    "ffn/linear_1/weight": "fc2.weight",
    "ffn/linear_1/bias": "fc2.bias",
}
_OUTSIDE = {
    "conv1/weight": "conv1.weight",
    "conv1/bias": "conv1.bias",
    "conv2/weight": "conv2.weight",
    "conv2/bias": "conv2.bias",
    "position_encodings/encodings": "embed_positions.weight",
    "layer_norm/gamma": "layer_norm.weight",
    "layer_norm/beta": "layer_norm.bias",
}
_FUSED = "self_attention/linear_0/"


class FormatError(Exception):
    """A file is not what the format says."""


Values = NDArray[np.generic]


def read_variables(content: memoryview) -> dict[str, Values]:
    """Every variable of a file, as views of its bytes.

    Raises:
        FormatError: It ends early, goes on after its end, or contradicts itself.
    """
    cursor = _Cursor(content)
    version = cursor.number("<I")
    if version != VERSION:
        raise FormatError(f"the version is {version}, known is {VERSION}")
    cursor.name()
    cursor.number("<I")
    count = cursor.number("<I")
    if count > MOST_VARIABLES:
        raise FormatError(f"it says that it has {count} variables")
    variables: dict[str, Values] = {}
    for _ in range(count):
        name, values = cursor.variable()
        if name in variables:
            raise FormatError(f"it has {name!r} twice")
        variables[name] = values
    for _ in range(cursor.number("<I")):
        cursor.name()
        if (target := cursor.name()) not in variables:
            raise FormatError(f"an alias leads to {target!r}, which is not there")
    if cursor.position != len(content):
        raise FormatError(f"{len(content) - cursor.position} bytes follow its end")
    return variables


def whisper_encoder(variables: Mapping[str, Values]) -> dict[str, Values]:
    """A Whisper encoder's tensors by the names of Hugging Face's ``WhisperModel``.

    Queries, keys and values are one matrix [3 x width, width] there and three here. Keys have no bias in Whisper: the
    third of the fused one that is theirs must be zero.

    Raises:
        FormatError: A variable of the encoder has no place, or keys have a bias.
    """
    tensors: dict[str, Values] = {}
    for name, values in variables.items():
        part, _, rest = name.partition("/")
        if part != "encoder" or rest == "num_heads":
            continue
        layer, _, inner = rest.partition("/")
        prefix = f"model.encoder.layers.{layer.removeprefix('layer_')}"
        if rest in _OUTSIDE:
            tensors[f"model.encoder.{_OUTSIDE[rest]}"] = values
        elif inner in _LAYER:
            tensors[f"{prefix}.{_LAYER[inner]}"] = values
        elif inner.startswith(_FUSED) and len(values) % 3 == 0:
            kind = inner.removeprefix(_FUSED)
            query, key, value = np.split(values, 3)
            tensors |= {f"{prefix}.self_attn.q_proj.{kind}": query, f"{prefix}.self_attn.v_proj.{kind}": value}
            if kind == "weight":
                tensors[f"{prefix}.self_attn.k_proj.weight"] = key
            elif np.any(key):
                raise FormatError(f"{name!r} gives keys a bias, which Whisper does not have")
        else:
            raise FormatError(f"{name!r} is no variable of a Whisper encoder")
    return tensors


class _Cursor:
    """A place in a file's bytes that only goes forward, and never beyond the end."""

    def __init__(self, content: memoryview) -> None:
        self.content = content
        self.position = 0

    def take(self, size: int) -> memoryview:
        if size > len(self.content) - self.position:
            raise FormatError(f"it ends at byte {len(self.content)}, where {size} more are needed")
        start, self.position = self.position, self.position + size
        return self.content[start : self.position]

    def number(self, code: str) -> int:
        value: int = struct.unpack(code, self.take(struct.calcsize(code)))[0]
        return value

    def name(self) -> str:
        raw = bytes(self.take(self.number("<H")))
        if not raw.endswith(b"\0") or not raw[:-1].isascii() or b"\0" in raw[:-1]:
            raise FormatError(f"a name before byte {self.position} is none")
        return raw[:-1].decode("ascii")

    def variable(self) -> tuple[str, Values]:
        name, rank = self.name(), self.number("B")
        if rank > LARGEST_RANK:
            raise FormatError(f"{name!r} has {rank} dimensions")
        shape = tuple(self.number("<I") for _ in range(rank))
        code, size = self.number("B"), self.number("<I")
        if code >= len(TYPES):
            raise FormatError(f"{name!r} has the unknown type {code}")
        if size != prod(shape) * TYPES[code].itemsize:
            raise FormatError(f"{name!r} has {size} bytes, which are not those of {shape}")
        return name, np.frombuffer(self.take(size), TYPES[code]).reshape(shape)
