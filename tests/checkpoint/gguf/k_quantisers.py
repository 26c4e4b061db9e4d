"""Quantisers to llama.cpp's K types, from the layout that ``ggml-common.h`` gives; the library itself has none.

They choose scales the simple way, from the largest value, and round to the nearest level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
BLOCK = 256


def _halves(values: Floats) -> Bytes:
    """Numbers in fp16 as bytes, [n, 2]."""
    return np.ascontiguousarray(values.astype(np.float16)).view(np.uint8).reshape(len(values), 2)


def q6_k(weight: Floats) -> Bytes:
    """Blocks of 256 as [ql 128, qh 64, 16 scales int8, d fp16]; value = d x scale x (q - 32)."""
    groups = weight.reshape(-1, 16, 16)
    wanted = np.abs(groups).max(axis=2) / 31
    d = (wanted.max(axis=1) / 127).astype(np.float16).astype(np.float32)
    scales = np.clip(np.rint(wanted / np.maximum(d, 1e-12)[:, None]), 1, 127)
    step = (d[:, None] * scales)[:, :, None]
    q = np.clip(np.rint(groups / np.maximum(step, 1e-12)), -32, 31).astype(np.int64).reshape(-1, 2, 4, 32) + 32
    low, high = (q & 15).astype(np.uint8), (q >> 4).astype(np.uint8)
    ql = np.stack((low[:, :, 0] | low[:, :, 2] << 4, low[:, :, 1] | low[:, :, 3] << 4), axis=2)
    qh = high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6
    parts = (ql.reshape(-1, 128), qh.reshape(-1, 64), scales.astype(np.int8).view(np.uint8), _halves(d))
    return np.concatenate(parts, axis=1)


def q4_k(weight: Floats) -> Bytes:
    """Blocks of 256 as [d, dmin fp16, 12 bytes of scales and offsets at 6 bits, qs 128]; value = d s q - dmin m."""
    groups = weight.reshape(-1, 8, 32)
    offset = np.maximum(0, -groups.min(axis=2))
    scale = np.maximum(groups.max(axis=2) + offset, 1e-9) / 15
    d, dmin = ((each.max(axis=1) / 63).astype(np.float16).astype(np.float32) for each in (scale, offset))
    s = np.clip(np.rint(scale / d[:, None]), 1, 63).astype(np.int64)
    m = np.clip(np.rint(offset / np.maximum(dmin, 1e-12)[:, None]), 0, 63).astype(np.int64)
    step, low = (d[:, None] * s)[:, :, None], (dmin[:, None] * m)[:, :, None]
    q = np.clip(np.rint((groups + low) / step), 0, 15).astype(np.uint8).reshape(-1, 4, 2, 32)
    packed = np.zeros((len(groups), 12), np.uint8)
    packed[:, 0:4] = s[:, :4] | (s[:, 4:] >> 4) << 6
    packed[:, 4:8] = m[:, :4] | (m[:, 4:] >> 4) << 6
    packed[:, 8:12] = (s[:, 4:] & 15) | (m[:, 4:] & 15) << 4
    qs = (q[:, :, 0] | q[:, :, 1] << 4).reshape(-1, 128)
    return np.concatenate((_halves(d), _halves(dmin), packed, qs), axis=1)
