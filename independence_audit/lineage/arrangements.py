"""Rows in another order: kernels with height and width exchanged, and gates of recurrent layers in another order.

Each is a fixed permutation of a matrix's rows that some library or format uses; it is tried where a pair is not found
as it stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from independence_audit.fingerprint import Sample
from independence_audit.lineage.cells import all_pairs

Rows = NDArray[np.int64]

SIDES = (2, 3, 4, 5, 7)
"""Sides of square kernels that are tried; one of 1 has nothing to exchange."""

GATES = (4, 3)
"""Gates of an LSTM and of a GRU: PyTorch has i f g o and r z n, ONNX i o f c, TensorFlow i c f o, and z r h."""

RECURRENT = re.compile(r"lstm|gru|rnn|recurrent|weight_(ih|hh)|bias_(ih|hh)", re.IGNORECASE)

KERNELS = re.compile(r"conv|kernel|generic:", re.IGNORECASE)

RIGHT = 0.95
"""Correlation in the order in which it stands from which no other order is tried: none could be stronger by the
margin that is asked for."""

SWAPPED = "kernel_sides_swapped"
REORDERED = "gates_reordered"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One order of the rows of a matrix."""

    undone: str
    """What it undoes, as a message key."""
    rows: Rows
    """For every row of the reference's sample the row at which the subject would hold it."""


def arrangements(mine: Sample, theirs: Sample) -> Iterator[Arrangement]:
    """The orders of rows that are tried for a pair of samples."""
    if mine.shape != theirs.shape or mine.members > 1:
        return
    height = theirs.shape[0]
    if RECURRENT.search(mine.role) or RECURRENT.search(mine.name):
        for gates in GATES:
            if height % gates == 0 and (height == gates or height // gates > 1):
                units = height // gates
                for order in list(permutations(range(gates)))[1:]:
                    place = np.array(order)[theirs.rows // units] * units + theirs.rows % units
                    yield Arrangement(REORDERED, place)
    elif KERNELS.search(mine.role):
        yield from (Arrangement(SWAPPED, rows) for rows in _swaps(theirs, height))


def _swaps(theirs: Sample, height: int) -> Iterator[Rows]:
    """Rows [outputs, side, side], and those of a matrix behind the flattened map [side, side, channels]."""
    for side in SIDES:
        if height % side**2:
            continue
        inner = height // side**2
        tap = theirs.rows % side**2
        yield theirs.rows - tap + (tap % side) * side + tap // side
        if inner > 1:
            place, channel = theirs.rows // inner, theirs.rows % inner
            yield ((place % side) * side + place // side) * inner + channel


def best_arrangement(mine: Sample, theirs: Sample, least: float, margin: float) -> tuple[Sample, str, int]:
    """The reference's sample in the order that makes it by far the most like the subject's.

    Args:
        mine: The subject's sample.
        theirs: The reference's, as it stands.
        least: z below which an order can never be found.
        margin: How many times as strong as every other order it must be, that in which it stands among them.

    Returns:
        The sample, what was undone, as a message key, and how many orders were tried; the sample as it stands and no
        key where no order is that much better.
    """
    tried = [Arrangement("", theirs.rows), *arrangements(mine, theirs)]
    if (
        len(tried) == 1
        or mine.raw is None
        or theirs.raw is None
        or mine.start != theirs.start
        or mine.stop != theirs.stop
    ):
        return theirs, "", 0
    results = [_agreement(mine, theirs, each.rows) for each in tried]
    best = max(range(len(tried)), key=lambda index: results[index][0])
    strength, z = results[best]
    rivals = [
        result
        for index, (result, _) in enumerate(results)
        if index != best and not np.array_equal(tried[index].rows, tried[best].rows)
    ]
    if not tried[best].undone or z < least or strength < margin * max(rivals, default=0.0):
        return theirs, "", len(tried) - 1
    return replace(theirs, rows=tried[best].rows), tried[best].undone, len(tried) - 1


def _agreement(mine: Sample, theirs: Sample, rows: Rows) -> tuple[float, float]:
    """r and z over the rows that both hold, the reference's at other places; nothing where they share none."""
    _, ours, others = np.intersect1d(mine.rows, rows, assume_unique=True, return_indices=True)
    if not len(ours):
        return 0.0, 0.0
    r, z = (float(value[0, 0]) for value in all_pairs(mine.scores[ours][None], theirs.scores[others][None]))
    return (r, z) if math.isfinite(z) else (0.0, 0.0)
