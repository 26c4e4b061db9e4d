"""Stretches of references' rows, found by correlation wherever they stand in other values: copies that were changed.

A stretch is looked for at multiples of its length with several distances between neighbours: wherever whole matrices
were put one behind the other, halved, stacked or transposed, their rows begin there.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.fingerprint import Sample
from independence_audit.lineage.windows import Hits

LONGEST, SHORTEST = 256, 32
"""Lengths of stretches. At r = 0.9 one of 64 values comes to 7 standard deviations, of 256 to 14."""

CURIOUS = 5.5
"""Standard deviations from which a place is looked at: of strangers' 10⁷ places one comes that far by chance."""

CLIPPED = 3.0
"""Standard deviations at which values are cut off, so that no outlier carries a stretch."""

TOGETHER = 1 << 12
"""Stretches of the subject that are multiplied at a time."""

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Bank:
    """Stretches of one length: unit vectors [stretches, length], and matrix, row and column of each."""

    vectors: Singles
    places: NDArray[np.int64]


class Segments:
    """Stretches of the matrices that are looked for, by their lengths."""

    def __init__(self, targets: Sequence[Sample]) -> None:
        found: dict[int, list[tuple[Singles, tuple[int, int, int]]]] = defaultdict(list)
        for number, sample in enumerate(targets):
            length = stretch_of(sample.shape[1])
            for row, column in _chosen(sample, length):
                values = sample.values()[row, column - sample.start : column - sample.start + length]
                vector = standard(values[None].astype(np.float32))[0]
                if vector.any():
                    found[length].append((vector, (number, row, column)))
        self._banks = {
            length: _Bank(np.stack([vector for vector, _ in each]), np.array([place for _, place in each]))
            for length, each in found.items()
        }

    @property
    def work(self) -> int:
        """Multiplications that each value of the subject takes, for each distance of neighbours."""
        return sum(len(bank.vectors) for bank in self._banks.values())

    def find(self, values: Singles, stride: int) -> Hits:
        """Where stretches seem to stand whose neighbours are ``stride`` values apart.

        Args:
            values: The subject's, one behind the other, from the first of a tensor.
            stride: Distance of neighbours.
        """
        return Hits.joined([self._found(values, stride, length, bank) for length, bank in self._banks.items()])

    @staticmethod
    def _found(values: Singles, stride: int, length: int, bank: _Bank) -> Hits:
        blocks = len(values) // (stride * length)
        if not blocks:
            return Hits.none()
        cut = values[: blocks * stride * length].reshape(blocks, length, stride).transpose(0, 2, 1)
        stretches = cut.reshape(-1, length)
        least = CURIOUS / math.sqrt(length)
        found = []
        for first in range(0, len(stretches), TOGETHER):
            agreement = standard(stretches[first : first + TOGETHER]) @ bank.vectors.T
            where, which = np.nonzero(np.abs(agreement) >= least)
            block, lane = np.divmod(where + first, stride)
            target, row, column = bank.places[which].T
            found.append(Hits(target, row, column, block * length * stride + lane))
        return Hits.joined(found)


def stretch_of(columns: int) -> int:
    """How long stretches of a row are: they fill it several times, as its halves and quarters."""
    even = columns & -columns
    length = min(LONGEST, even if even < columns else columns // 2)
    return length if length >= SHORTEST else min(columns, LONGEST)


def _chosen(sample: Sample, length: int) -> list[tuple[int, int]]:
    """Two rows of a sample, each with its first and its last whole stretch: row and column in the whole matrix."""
    first = -(-sample.start // length) * length
    last = (sample.stop // length - 1) * length
    if last < first:
        return []
    order = np.argsort(sample.rows, kind="stable")
    rows = {int(order[len(order) // 4]), int(order[3 * len(order) // 4])}
    return [(row, column) for row in sorted(rows) for column in sorted({first, last})]


def standard(values: Singles) -> Singles:
    """Rows about their means, without outliers, as unit vectors; a constant row is zero."""
    with np.errstate(all="ignore"):
        centred = values - values.mean(axis=1, keepdims=True)
        spread = centred.std(axis=1, keepdims=True)
        clipped = np.clip(centred, -CLIPPED * spread, CLIPPED * spread)
        unit = clipped / np.maximum(np.linalg.norm(clipped, axis=1, keepdims=True), 1e-30)
    return np.asarray(np.nan_to_num(unit, nan=0.0, posinf=0.0, neginf=0.0), dtype=np.float32)
