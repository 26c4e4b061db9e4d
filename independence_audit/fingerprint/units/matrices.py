"""Reading whole matrices, or some rows of them, as numbers: views in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Part
from independence_audit.checkpoint import DTYPES, Checkpoint, decode
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import plan_spans

Matrix = NDArray[np.float32]

BLOCK = 8 << 20
"""Values in memory at a time, where the layout allows it."""


def is_readable(checkpoint: Checkpoint, part: Part) -> bool:
    """Whether the values of a part can be decoded."""
    return DTYPES[checkpoint.tensors[part.tensor].dtype].decodable


def read_rows(checkpoint: Checkpoint, part: Part, rows: NDArray[np.int64]) -> Matrix:
    """Some rows of a part's matrix, whole, [k, columns].

    Raises:
        ReadError: Bytes could not be read.
    """
    tensor = checkpoint.tensors[part.tensor]
    item = DTYPES[tensor.dtype].bits // 8
    spans = plan_spans(part.view, Plan(rows, 0, part.view.columns), item)
    raw = np.empty(spans.size, dtype=np.uint8)
    filled, wanted = 0, []
    for start, stop in zip(spans.starts.tolist(), spans.stops.tolist(), strict=True):
        wanted.append((tensor.start + start, raw[filled : filled + stop - start].data))
        filled += stop - start
    checkpoint.source.read_many(tensor.file, wanted)
    values = np.ascontiguousarray(np.take(raw.view(f"u{item}"), spans.places)).view(np.uint8).reshape(-1)
    return np.asarray(decode(values, tensor.dtype), dtype=np.float32).reshape(spans.places.shape)


def row_blocks(checkpoint: Checkpoint, part: Part) -> Iterator[tuple[int, Matrix]]:
    """All rows of a part's matrix, block by block, each with the number of its first row.

    A matrix whose rows lie one behind the other is read in blocks; one that is stored in another order at once.

    Raises:
        ReadError: Bytes could not be read.
    """
    view = part.view
    height, width = view.shape
    dense = view.column_stride == 1 and view.row_strides in ((width,), ())
    step = max(1, BLOCK // max(1, width)) if dense else max(1, height)
    for first in range(0, height, step):
        rows = min(step, height - first)
        if dense:
            yield first, _span(checkpoint, part, first * width, rows * width).reshape(rows, width)
        else:
            strides = (*view.row_strides, view.column_stride)
            shape = (*(view.rows or (1,) * len(view.row_strides)), width)
            flat = _span(checkpoint, part, 0, 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True)))
            seen = np.lib.stride_tricks.as_strided(flat, shape, [4 * stride for stride in strides], writeable=False)
            yield 0, np.ascontiguousarray(seen).reshape(height, width)


def whole_matrix(checkpoint: Checkpoint, part: Part) -> Matrix:
    """A part's matrix at once, [rows, columns].

    Raises:
        ReadError: Bytes could not be read.
    """
    return np.concatenate([block for _, block in row_blocks(checkpoint, part)])


def _span(checkpoint: Checkpoint, part: Part, first: int, count: int) -> Matrix:
    """Adjacent values of a part's tensor, counted from the view's first."""
    tensor = checkpoint.tensors[part.tensor]
    item = DTYPES[tensor.dtype].bits // 8
    raw = np.empty(count * item, dtype=np.uint8)
    checkpoint.source.read(tensor.file, tensor.start + (part.view.offset + first) * item, raw.data)
    return np.asarray(decode(raw, tensor.dtype), dtype=np.float32)
