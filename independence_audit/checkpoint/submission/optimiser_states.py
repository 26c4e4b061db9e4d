"""The states that an optimiser keeps of every weight: told by their values, for names alone prove nothing.

Adam keeps two running means beside every weight, of its gradients m and of their squares v. For the usual decays 0.9
and 0.999 the Cauchy-Schwarz inequality bounds them: |m| ≤ 0.1 / sqrt(0.001 (1 - 0.81 / 0.999)) sqrt(v) = 7.27 sqrt(v),
at any step and for any gradients (Kingma & Ba 2015, section 2.1, counts the same two means). No v is negative.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.tensors import SMALLEST, ByteSource, TensorInfo
from independence_audit.core.number_types import DTYPES, decode

LARGEST_RATIO = 10.0
"""Of |m| to sqrt(v): the bound, with room for decays such as 0.9 and 0.9995 and for narrow types."""
BLOCK = 1 << 18
"""Values of a pair that are looked at together."""
BLOCKS = 8
"""Blocks of every pair that are looked at; all of a smaller one."""

_FIRST = re.compile(r"(?P<stem>.*)exp_avg(?P<end>(?:\.[^.]+)*)")
_SPREAD = 0.2
"""Of log |m| / sqrt(v), at least: a mean of gradients is now near and now far from zero where the other is not."""


def are_adam_states(source: ByteSource, tensors: Collection[TensorInfo], judged: Mapping[str, TensorInfo]) -> bool:
    """Whether all but less than a layer's bytes of some tensors are pairs of Adam's means of the judged weights.

    Raises:
        ReadError: Bytes could not be read.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    shapes = {tensor.shape for tensor in judged.values()} | {(tensor.size,) for tensor in judged.values()}
    told: set[str] = set()
    for tensor in tensors:
        named = _FIRST.fullmatch(tensor.name)
        second = by_name.get(f"{named['stem']}exp_avg_sq{named['end']}") if named else None
        if second is None or second.shape != tensor.shape or tensor.shape not in shapes:
            continue
        if _fit(source, tensor, second):
            told |= {tensor.name, second.name}
    return bool(told) and sum(t.end - t.start for t in tensors if t.name not in told) < SMALLEST


def _fit(source: ByteSource, first: TensorInfo, second: TensorInfo) -> bool:
    """Whether two tensors can be the means of gradients and of their squares."""
    if not (DTYPES[first.dtype].decodable and DTYPES[second.dtype].decodable):
        return False
    count = first.size
    starts = range(0, count, BLOCK)
    for start in starts[:: max(1, len(starts) // BLOCKS)]:
        stop = min(start + BLOCK, count)
        mean, square = _values(source, first, start, stop), _values(source, second, start, stop)
        if (square < 0).any() or (np.abs(mean) > LARGEST_RATIO * np.sqrt(square) + 1e-30).any():
            return False
        known = (mean != 0) & (square > 0)
        if known.sum() > SHORT and np.std(np.log(np.abs(mean[known]) / np.sqrt(square[known]))) < _SPREAD:
            return False
    return True


SHORT = 64
"""Values below which their spread says nothing."""


def _values(source: ByteSource, tensor: TensorInfo, start: int, stop: int) -> NDArray[np.float64]:
    width = DTYPES[tensor.dtype].bits // 8
    raw = np.empty((stop - start) * width, np.uint8)
    source.read(tensor.file, tensor.start + start * width, raw.data)
    return decode(raw, tensor.dtype).astype(np.float64)
