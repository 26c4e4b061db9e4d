"""Which stored tensors are packed weights, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from independence_audit.checkpoint.packed.affine import Affine
from independence_audit.checkpoint.packed.codes import Bitsandbytes, Mxfp4, Nested
from independence_audit.checkpoint.packed.fp8 import Fp8Scaled
from independence_audit.checkpoint.packed.integer_words import ByInputs, ByRows
from independence_audit.checkpoint.tensors import ByteSource, Packed, TensorInfo
from independence_audit.core.number_types import decode
from independence_audit.core.strict_json import JsonError, parse_object

FP8 = frozenset({"F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
STATES = (".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4")
SMALL = 1 << 16
"""Bytes of a description of a packed tensor, at most; real ones have some hundred."""

BESIDE = {
    ".weight_packed": (".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx"),
    ".qweight": (".qzeros", ".scales", ".g_idx"),
}
"""What stands beside the bits, by the suffix of their own name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A packed weight, or the name of one whose tensors contradict each other."""

    name: str
    packed: Packed | None
    consumed: tuple[str, ...]
    """Names of all stored tensors that it is made of."""


def find_packed(source: ByteSource, tensors: Mapping[str, TensorInfo], config: Mapping[str, Any]) -> list[Found]:
    """Every packed weight among the tensors.

    Args:
        source: Where the small tensors that describe others are read.
        tensors: All stored tensors, by name.
        config: The parsed config; its ``quantization_config`` and ``quantization`` are believed where shapes agree
            with them.

    Raises:
        ReadError: A description could not be read.
    """
    settings = _part(config, "quantization_config")
    mlx = _part(config, "quantization") or settings
    small = _read_small(
        source, [tensor for name, tensor in tensors.items() if name.endswith((*STATES, "weight_shape"))]
    )
    return [
        found for name in tensors for found in (*_candidates(name, tensors, settings, small), *_mlx(name, tensors, mlx))
    ]


def _part(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of a config; empty where there is none."""
    found = config.get(key)
    return found if isinstance(found, dict) else {}


def _read_small(source: ByteSource, wanted: list[TensorInfo]) -> dict[str, bytes]:
    """The bytes of small tensors, by name, asked for file by file."""
    content = {tensor.name: bytearray(tensor.end - tensor.start) for tensor in wanted if _size(tensor) <= SMALL}
    for file in dict.fromkeys(tensor.file for tensor in wanted):
        spans = [(t.start, memoryview(content[t.name])) for t in wanted if t.file == file and t.name in content]
        source.read_many(file, [(start, into) for start, into in spans if into.nbytes])
    return {name: bytes(own) for name, own in content.items()}


def _size(tensor: TensorInfo) -> int:
    return tensor.end - tensor.start


def _candidates(
    name: str, tensors: Mapping[str, TensorInfo], settings: Mapping[str, Any], small: Mapping[str, bytes]
) -> Iterator[Found]:
    """What the tensor of a name packs, if anything."""
    tensor = tensors[name]
    if tensor.dtype in FP8:
        for suffix in ("_scale_inv", "_scale"):
            if name + suffix in tensors:
                sides = settings.get("weight_block_size")
                sides = sides if isinstance(sides, list) and all(isinstance(side, int) for side in sides) else ()
                scale = tensors[name + suffix]
                yield Found(name, Fp8Scaled.of(tensor, scale, sides), (name, scale.name))
                return
    for suffix, beside in BESIDE.items():
        if name.endswith(suffix) and tensor.dtype in {"I32", "U32"}:
            stem = name.removesuffix(suffix)
            others = {each: tensors[stem + each] for each in beside if stem + each in tensors}
            make = _by_rows if suffix == ".weight_packed" else _by_inputs
            packed = make(f"{stem}.weight", tensor, others, settings, small)
            yield Found(f"{stem}.weight", packed, (name, *(other.name for other in others.values())))
    if tensor.dtype == "U8" and f"{name}.absmax" in tensors:
        consumed = tuple(each for each in tensors if each == name or each.startswith(f"{name}."))
        yield Found(name, _bitsandbytes(tensor, tensors, small), consumed)
    if name.endswith("_blocks") and tensor.dtype == "U8":
        stem = name.removesuffix("_blocks")
        scales = tensors.get(f"{stem}_scales")
        if scales is not None and scales.dtype in {"U8", "F8_E8M0"}:
            yield Found(stem, Mxfp4.of(stem, tensor, scales), (name, scales.name))


def _mlx(name: str, tensors: Mapping[str, TensorInfo], settings: Mapping[str, Any]) -> Iterator[Found]:
    """What words with scales beside them pack, as MLX's quantised layers keep them.

    The config holds bits, group and mode of all layers, and under a layer's own name those that differ.
    """
    weight, stem = tensors[name], name.removesuffix(".weight")
    scales, biases = tensors.get(f"{stem}.scales"), tensors.get(f"{stem}.biases")
    if stem == name or weight.dtype != "U32" or scales is None:
        return
    told = {**settings, **_part(settings, stem)}
    mode = told.get("mode", "affine")
    if mode == "affine" and biases is not None and {"bits", "group_size"} <= set(told):
        packed = Affine.of((weight, scales, biases), told.get("bits"), told.get("group_size"))
        yield Found(name, packed, (name, scales.name, biases.name))
    elif mode == "mxfp4" and biases is None and scales.dtype == "U8":
        yield Found(name, Mxfp4.in_words(weight, scales), (name, scales.name))


def _by_rows(
    name: str,
    packed: TensorInfo,
    others: Mapping[str, TensorInfo],
    _: Mapping[str, Any],
    small: Mapping[str, bytes],
) -> Packed | None:
    scale, shape = others.get(".weight_scale"), others.get(".weight_shape")
    if scale is None or shape is None or ".weight_g_idx" in others or shape.name not in small or shape.size != 2:  # noqa: PLR2004
        return None
    rows, columns = decode(np.frombuffer(small[shape.name], np.uint8), shape.dtype).astype(np.int64).tolist()
    return ByRows.of(name, (rows, columns), packed, scale, others.get(".weight_zero_point"))


def _by_inputs(
    name: str,
    packed: TensorInfo,
    others: Mapping[str, TensorInfo],
    settings: Mapping[str, Any],
    _: Mapping[str, bytes],
) -> Packed | None:
    zeros, scales = others.get(".qzeros"), others.get(".scales")
    if zeros is None or scales is None:
        return None
    second = settings.get("checkpoint_format") == "gptq_v2"
    return ByInputs.of(name, (packed, zeros, scales), others.get(".g_idx"), second=second)


def _bitsandbytes(weight: TensorInfo, tensors: Mapping[str, TensorInfo], small: Mapping[str, bytes]) -> Packed | None:
    """What 4-bit codes stand for, by the description that bitsandbytes stores beside them."""
    state = next((weight.name + suffix for suffix in STATES if weight.name + suffix in small), None)
    absmax, table = tensors[f"{weight.name}.absmax"], tensors.get(f"{weight.name}.quant_map")
    if state is None or table is None:
        return None
    try:
        told = parse_object(small[state])
    except JsonError:
        return None
    shape, block = told.get("shape"), told.get("blocksize")
    sides = [side for side in shape if isinstance(side, int) and side > 0] if isinstance(shape, list) else []
    if not sides or not isinstance(block, int) or block < 1 or sides != shape:
        return None
    blocks = -(-prod(sides) // block)
    if weight.size != -(-prod(sides) // 2) or absmax.size != blocks or table.size != 16:  # noqa: PLR2004  4 bits
        return None
    nested = None
    if absmax.dtype == "U8":
        nested = _nested(weight, tensors, told, blocks)
        if nested is None:
            return None
    stored = (weight, absmax, table, *((nested.absmax, nested.table) if nested else ()))
    return Bitsandbytes(weight.name, tuple(sides), stored, block, nested, state.rpartition("__")[2])


def _nested(
    weight: TensorInfo, tensors: Mapping[str, TensorInfo], told: Mapping[str, object], blocks: int
) -> Nested | None:
    absmax = tensors.get(f"{weight.name}.nested_absmax")
    table = tensors.get(f"{weight.name}.nested_quant_map")
    block, offset = told.get("nested_blocksize"), told.get("nested_offset")
    if absmax is None or table is None or not isinstance(block, int) or block < 1:
        return None
    if not isinstance(offset, int | float) or absmax.size != -(-blocks // block) or table.size != 256:  # noqa: PLR2004
        return None
    return Nested(absmax, table, block, float(offset))
