"""Reading scattered values of a tensor: element offsets to few byte ranges, and back to a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import View
from independence_audit.fingerprint.sampler import Plan

GAP = 4096
"""Bytes between two wanted values that are read along rather than skipped: a page."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Byte ranges of a tensor, ascending and disjoint, and where each wanted value lies in their concatenation."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    places: NDArray[np.int64]
    """[rows, columns], counted in values."""

    @property
    def size(self) -> int:
        """Bytes in all ranges together."""
        return int((self.stops - self.starts).sum())


def plan_spans(view: View, plan: Plan, item: int) -> Spans:
    """Byte ranges, relative to the tensor's first byte, that hold the planned values of a view.

    Args:
        view: The matrix inside the flat tensor.
        plan: Which of its rows and columns.
        item: Bytes per value.
    """
    places = np.unravel_index(plan.rows, view.rows) if view.rows else ()
    rows = np.full(len(plan.rows), view.offset, dtype=np.int64)
    for index, stride in zip(places, view.row_strides, strict=True):
        rows = rows + index.astype(np.int64) * stride
    columns = np.arange(plan.start, plan.stop, dtype=np.int64) * view.column_stride
    offsets = rows[:, None] + columns[None, :]
    if offsets.size == 0:
        empty = np.zeros(0, dtype=np.int64)
        return Spans(empty, empty, offsets)
    dense = view.column_stride == 1
    firsts = np.sort(rows + plan.start) if dense else np.sort(offsets, axis=None)
    lasts = firsts + (plan.stop - plan.start if dense else 1)
    apart = np.flatnonzero(firsts[1:] - np.maximum.accumulate(lasts)[:-1] > GAP // item)
    starts = firsts[np.concatenate(([0], apart + 1))]
    stops = np.maximum.accumulate(lasts)[np.concatenate((apart, [len(lasts) - 1]))]
    before = np.concatenate(([0], np.cumsum(stops - starts)))
    span = np.searchsorted(starts, offsets, side="right") - 1
    return Spans(starts * item, stops * item, offsets - starts[span] + before[span])
