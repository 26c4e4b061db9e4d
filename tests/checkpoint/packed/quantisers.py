"""Quantisers of the common formats, written from their descriptions, the simple way: loops, whole matrices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Tensors = dict[str, torch.Tensor]
Floats = NDArray[np.float32]

NF4 = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
        -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
        0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ],
    dtype=np.float32,
)  # fmt: skip
"""The quantiles of bitsandbytes' 4-bit normal float (Dettmers et al., *QLoRA*, 2023, appendix E)."""

E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], dtype=np.float32)
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)


def weights(rows: int = 48, columns: int = 256, seed: int = 0) -> Floats:
    """A matrix with the spread of a trained one."""
    return np.asarray(np.random.default_rng(seed).normal(0.0, 0.02, (rows, columns)), dtype=np.float32)


def _words(fields: NDArray[np.int64], bits: int) -> torch.Tensor:
    """Fields along the last axis packed into int32, the lowest bits first."""
    each = 32 // bits
    padded = np.pad(fields, [(0, 0)] * (fields.ndim - 1) + [(0, -fields.shape[-1] % each)])
    groups = padded.reshape(*padded.shape[:-1], -1, each).astype(np.uint64)
    words = sum((groups[..., place] << np.uint64(place * bits)) for place in range(each))
    return torch.from_numpy(np.asarray(words, dtype=np.uint64).astype(np.uint32).view(np.int32).copy())


def fp8_block(name: str, weight: Floats, side: int = 128) -> tuple[Tensors, Floats]:
    """DeepSeek: e4m3 with a scale for every square block."""
    rows, columns = weight.shape
    scales = np.zeros((-(-rows // side), -(-columns // side)), np.float32)
    stored = torch.zeros(rows, columns, dtype=torch.float8_e4m3fn)
    meant = np.zeros_like(weight)
    for i in range(scales.shape[0]):
        for j in range(scales.shape[1]):
            part = slice(i * side, (i + 1) * side), slice(j * side, (j + 1) * side)
            scales[i, j] = np.abs(weight[part]).max() / 448
            stored[part] = torch.from_numpy(weight[part] / scales[i, j]).to(torch.float8_e4m3fn)
            meant[part] = stored[part].float().numpy() * scales[i, j]
    return {name: stored, f"{name}_scale_inv": torch.from_numpy(scales)}, meant


def fp8_rows(name: str, weight: Floats) -> tuple[Tensors, Floats]:
    """compressed-tensors float-quantized: a bf16 scale for every row."""
    scales = torch.from_numpy(np.abs(weight).max(axis=1, keepdims=True) / 448).bfloat16()
    stored = (torch.from_numpy(weight) / scales.float()).to(torch.float8_e4m3fn)
    return {name: stored, f"{name}_scale": scales}, (stored.float() * scales.float()).numpy()


def compressed(
    name: str, weight: Floats, *, bits: int = 4, group: int = 64, zero: bool = False
) -> tuple[Tensors, Floats]:
    """compressed-tensors pack-quantized, symmetric or with zero points."""
    rows, columns = weight.shape
    grouped = weight.reshape(rows, -1, group)
    middle, top = 1 << (bits - 1), (1 << bits) - 1
    if zero:
        low, high = grouped.min(axis=2), grouped.max(axis=2)
        scale = ((high - low) / top).astype(np.float32)
        zeros = np.clip(np.rint(-low / scale), 0, top)
    else:
        scale = (np.abs(grouped).max(axis=2) / (middle - 1)).astype(np.float32)
        zeros = np.full(scale.shape, middle)
    q = np.clip(np.rint(grouped / scale[..., None]) + zeros[..., None], 0, top).astype(np.int64)
    meant = ((q - zeros[..., None]) * scale[..., None]).astype(np.float32).reshape(rows, columns)
    stem = name.removesuffix(".weight")
    tensors = {
        f"{stem}.weight_packed": _words(q.reshape(rows, columns), bits),
        f"{stem}.weight_scale": torch.from_numpy(scale),
        f"{stem}.weight_shape": torch.tensor([rows, columns]),
    }
    if zero:
        packed = _words(zeros.astype(np.int64).T.copy(), bits).T.contiguous()  # along the outputs
        tensors[f"{stem}.weight_zero_point"] = packed
    return tensors, meant


def _grouped_inputs(weight: Floats, group: NDArray[np.int64], groups: int) -> tuple[Any, Any, Any]:
    """Asymmetric 4-bit quantisation of [out, in] by groups of inputs: q [in, out], zeros and scales [groups, out]."""
    turned = weight.T
    scales, zeros = (np.zeros((groups, weight.shape[0]), np.float32) for _ in range(2))
    q = np.zeros(turned.shape, np.int64)
    for number in range(groups):
        rows = group == number
        low, high = turned[rows].min(axis=0), turned[rows].max(axis=0)
        scales[number] = ((high - low) / 15).astype(np.float16)
        zeros[number] = np.clip(np.rint(-low / scales[number]), 1, 15)
        q[rows] = np.clip(np.rint(turned[rows] / scales[number]) + zeros[number], 0, 15)
    return q, zeros.astype(np.int64), scales


def gptq(name: str, weight: Floats, *, size: int = 64, ordered: bool = True) -> tuple[Tensors, Floats]:
    """GPTQ, first format (zero points stored less one), with groups in order or by ``desc_act``."""
    inputs = weight.shape[1]
    group = np.arange(inputs) // size
    if not ordered:
        group = np.random.default_rng(5).permutation(group)
    q, zeros, scales = _grouped_inputs(weight, group, inputs // size)
    stem = name.removesuffix(".weight")
    tensors = {
        f"{stem}.qweight": _words(q.T.copy(), 4).T.contiguous(),
        f"{stem}.qzeros": _words(zeros - 1, 4),
        f"{stem}.scales": torch.from_numpy(scales).half(),
        f"{stem}.g_idx": torch.from_numpy(group.astype(np.int32)),
    }
    return tensors, ((q - zeros[group]) * scales[group]).T.astype(np.float32)


def awq(name: str, weight: Floats, *, size: int = 64) -> tuple[Tensors, Floats]:
    """AWQ's GEMM layout: eight outputs a word, in its own order."""
    group = np.arange(weight.shape[1]) // size
    q, zeros, scales = _grouped_inputs(weight, group, weight.shape[1] // size)

    def packed(fields: NDArray[np.int64]) -> torch.Tensor:
        shuffled = fields.reshape(len(fields), -1, 8)[..., list(AWQ_ORDER)].reshape(fields.shape)
        return _words(shuffled, 4)

    stem = name.removesuffix(".weight")
    tensors = {
        f"{stem}.qweight": packed(q),
        f"{stem}.qzeros": packed(zeros),
        f"{stem}.scales": torch.from_numpy(scales).half(),
    }
    return tensors, ((q - zeros[group]) * scales[group]).T.astype(np.float32)


def nf4(name: str, weight: Floats, *, block: int = 64, nested: bool = False) -> tuple[Tensors, Floats]:
    """bitsandbytes' NF4, with scales as they are or quantised again."""
    flat = weight.reshape(-1, block)
    absmax = np.abs(flat).max(axis=1).astype(np.float32)
    state: dict[str, Any] = {"quant_type": "nf4", "blocksize": block, "dtype": "bfloat16", "shape": list(weight.shape)}
    extra: Tensors = {}
    stored: torch.Tensor = torch.from_numpy(absmax)
    if nested:
        table = np.linspace(-1, 1, 256).astype(np.float32)
        offset = float(absmax.mean())
        outer = np.array([np.abs(part - offset).max() for part in np.split(absmax, range(16, len(absmax), 16))])
        outer = outer.astype(np.float32)
        place = np.arange(len(absmax)) // 16
        codes = np.abs((absmax - offset)[:, None] / outer[place][:, None] - table).argmin(axis=1)
        absmax = table[codes] * outer[place] + np.float32(offset)
        stored = torch.from_numpy(codes.astype(np.uint8))
        state |= {"nested_blocksize": 16, "nested_offset": offset, "nested_dtype": "float32"}
        extra = {f"{name}.nested_absmax": torch.from_numpy(outer), f"{name}.nested_quant_map": torch.from_numpy(table)}
    codes = np.abs((flat / absmax[:, None])[..., None] - NF4).argmin(axis=2)
    meant = (NF4[codes] * absmax[:, None]).astype(np.float32).reshape(weight.shape)
    halves = codes.reshape(-1, 2).astype(np.uint8)
    return {
        name: torch.from_numpy(((halves[:, :1] << 4) | halves[:, 1:]).copy()),
        f"{name}.absmax": stored,
        f"{name}.quant_map": torch.from_numpy(NF4.copy()),
        f"{name}.quant_state.bitsandbytes__nf4": torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8),
        **extra,
    }, meant


def mxfp4(name: str, weight: Floats) -> tuple[Tensors, Floats]:
    """gpt-oss: E2M1 in blocks of 32 with a power of two."""
    grouped = weight.reshape(*weight.shape[:-1], -1, 32)
    exponents = np.floor(np.log2(np.abs(grouped).max(axis=-1))) - 2
    codes = np.abs(np.ldexp(grouped, -exponents[..., None].astype(int))[..., None] - E2M1).argmin(axis=-1)
    meant = (E2M1[codes] * np.exp2(exponents)[..., None]).astype(np.float32).reshape(weight.shape)
    pairs = codes.reshape(*codes.shape[:-1], 16, 2).astype(np.uint8)
    return {
        f"{name}_blocks": torch.from_numpy((pairs[..., 0] | (pairs[..., 1] << 4)).copy()),
        f"{name}_scales": torch.from_numpy((exponents + 127).astype(np.uint8)),
    }, meant


def mlx(name: str, weight: Floats, *, bits: int = 4, group: int = 64) -> tuple[Tensors, Floats]:
    """MLX, mode affine: a row is one stream of bits, and the smallest of a group stands for zero."""
    rows, columns = weight.shape
    grouped = weight.reshape(rows, -1, group)
    bias = grouped.min(axis=2)
    scale = ((grouped.max(axis=2) - bias) / ((1 << bits) - 1)).astype(np.float32)
    q = np.clip(np.rint((grouped - bias[..., None]) / scale[..., None]), 0, (1 << bits) - 1).astype(np.int64)
    words = np.zeros((rows, columns * bits // 32), np.uint32)
    for row, values in enumerate(q.reshape(rows, columns).tolist()):
        stream = sum(value << (place * bits) for place, value in enumerate(values))
        words[row] = [stream >> (32 * place) & 0xFFFFFFFF for place in range(words.shape[1])]
    stem = name.removesuffix(".weight")
    tensors = {
        name: torch.from_numpy(words),
        f"{stem}.scales": torch.from_numpy(scale),
        f"{stem}.biases": torch.from_numpy(bias),
    }
    return tensors, (q.astype(np.float32) * scale[..., None] + bias[..., None]).reshape(rows, columns)


def scheme(which: str, name: str, weight: Floats) -> tuple[Tensors, Floats]:
    """A weight quantised by one of the formats, and the values that are meant."""
    makers: Mapping[str, Any] = {
        "fp8 blocks": fp8_block,
        "fp8 rows": fp8_rows,
        "int4": compressed,
        "int4 with zero points": lambda n, w: compressed(n, w, zero=True),
        "int8": lambda n, w: compressed(n, w, bits=8),
        "gptq": gptq,
        "gptq by activation": lambda n, w: gptq(n, w, ordered=False),
        "awq": awq,
        "nf4": nf4,
        "nf4 nested": lambda n, w: nf4(n, w, nested=True),
        "mlx": mlx,
        "mlx 3 bits": lambda n, w: mlx(n, w, bits=3, group=32),
        "mlx 8 bits": lambda n, w: mlx(n, w, bits=8),
    }
    made: tuple[Tensors, Floats] = makers[which](name, weight)
    return made


SCHEMES = (
    "fp8 blocks", "fp8 rows", "int4", "int4 with zero points", "int8", "gptq", "gptq by activation", "awq", "nf4",
    "nf4 nested", "mlx", "mlx 3 bits", "mlx 8 bits",
)  # fmt: skip

CONFIGS = {
    "mlx": '{"quantization": {"group_size": 64, "bits": 4}}',
    "mlx 3 bits": '{"quantization": {"group_size": 32, "bits": 3, "mode": "affine"}}',
    "mlx 8 bits": '{"quantization_config": {"group_size": 64, "bits": 8}}',
}
"""The configs of those whose shapes do not tell everything."""
