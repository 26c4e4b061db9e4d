"""Runs of a few consecutive values of references, found wherever they stand in other values, bit for bit in bfloat16.

Every run of WINDOW values of the subject is hashed, at every place and with several distances between neighbours, so
that no alignment is needed; of the references some runs of every sampled row are kept. Whatever was cast among float
types meets all the same: both sides are rounded to bfloat16 first.

Stretches of references' rows, found by correlation wherever they stand in other values: copies that were changed.

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
from independence_audit.fingerprint.whole_tensor import to_bf16

WINDOW = 8
"""Values of a run. Of trained weights each holds 9 bits and more in bfloat16: eight 72."""

INFORMATION = 48.0
"""Bits that a run must hold by the frequencies of its matrix's values. Of 10⁹ places and 30,000 runs one in ten audits
has one that agrees by chance, which costs a reading: a finding takes 1,024 equal values. Constants, zeros, masks and
values of a few levels hold less."""

PER_ROW = 8
"""Runs of every sampled row that are looked for, spread over its columns."""

MOST_PLACES = 8
"""Places of one run in one reading that are looked at: a value table that repeats itself is no more than one."""

_TABLE_BITS = 22
_FACTORS = np.array(
    [0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD3A2646D, 0xFD7046C5, 0xB55A4F09], dtype=np.uint32
)
"""Odd multipliers of a sum modulo 2³²; the first five are those of xxHash32."""

Codes = NDArray[np.uint32]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hits:
    """Places in a subject's values at which a row of a reference's matrix seems to stand."""

    target: Numbers
    """Which of the matrices that are looked for."""
    row: Numbers
    """Which of its sampled rows."""
    column: Numbers
    """The column, counted in the whole matrix, at which the run begins."""
    place: Numbers
    """Where its first value stands among the subject's."""

    @staticmethod
    def none() -> Hits:
        """No place."""
        empty = np.zeros(0, dtype=np.int64)
        return Hits(empty, empty, empty, empty)

    @staticmethod
    def joined(hits: Sequence[Hits]) -> Hits:
        """All of several."""
        if not hits:
            return Hits.none()
        return Hits(
            *(np.concatenate([getattr(one, name) for one in hits]) for name in ("target", "row", "column", "place"))
        )

    def of(self, target: int) -> Hits:
        """Those of one matrix."""
        return self.where(self.target == target)

    def where(self, keep: NDArray[np.bool_]) -> Hits:
        """Those that are kept."""
        return Hits(self.target[keep], self.row[keep], self.column[keep], self.place[keep])

    def moved(self, by: int) -> Hits:
        """The same with places counted from further ahead."""
        return Hits(self.target, self.row, self.column, self.place + by)

    def __len__(self) -> int:
        """How many."""
        return len(self.place)


def codes_of(values: NDArray[np.float32] | NDArray[np.float64]) -> Codes:
    """Codes of the nearest bfloat16 values, one in a word."""
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    return to_bf16(single).astype(np.uint32)


class Windows:
    """Runs of the matrices that are looked for, by their hashes."""

    def __init__(self, targets: Sequence[Sample], per_row: int = PER_ROW) -> None:
        kept = [_runs(number, sample, per_row) for number, sample in enumerate(targets)]
        codes, places = (
            (np.concatenate(arrays) if arrays else None for arrays in zip(*kept, strict=True))
            if kept
            else (
                None,
                None,
            )
        )
        self._codes = np.zeros((0, WINDOW), np.uint32) if codes is None else codes
        self._places = np.zeros((0, 3), np.int64) if places is None else places
        hashes = (self._codes * _FACTORS).sum(axis=1, dtype=np.uint32)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._codes, self._places = hashes[order], self._codes[order], self._places[order]
        self._table = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._table[self._hashes >> np.uint32(32 - _TABLE_BITS)] = True

    def __len__(self) -> int:
        """How many runs are looked for."""
        return len(self._hashes)

    def find(self, codes: Codes, stride: int) -> Hits:
        """Where runs stand whose neighbours are ``stride`` values apart.

        Args:
            codes: Values one behind the other, as of :func:`codes_of`.
            stride: Distance of neighbours.
        """
        count = len(codes) - (WINDOW - 1) * stride
        if count <= 0 or not len(self):
            return Hits.none()
        hashes = codes[:count] * _FACTORS[0]
        product = np.empty_like(hashes)
        for step in range(1, WINDOW):
            np.multiply(codes[step * stride : step * stride + count], _FACTORS[step], out=product)
            hashes += product
        places = np.flatnonzero(self._table[hashes >> np.uint32(32 - _TABLE_BITS)])
        return self._agreeing(codes, stride, places, hashes[places])

    def _agreeing(self, codes: Codes, stride: int, places: Numbers, hashes: Codes) -> Hits:
        """Of places whose hashes may be those of runs the ones whose values are."""
        first = np.searchsorted(self._hashes, hashes, side="left")
        counts = np.searchsorted(self._hashes, hashes, side="right") - first
        places, first, counts = places[counts > 0], first[counts > 0], counts[counts > 0]
        if not len(places):
            return Hits.none()
        repeated = np.repeat(np.arange(len(places)), counts)
        run = np.arange(len(repeated)) - np.repeat(np.cumsum(counts) - counts, counts) + first[repeated]
        place = places[repeated]
        equal = (codes[place[:, None] + np.arange(WINDOW) * stride] == self._codes[run]).all(axis=1)
        run, place = run[equal], place[equal]
        order = np.argsort(run, kind="stable")
        run, place = run[order], place[order]
        rank = np.arange(len(run)) - np.searchsorted(run, run, side="left")
        run, place = run[rank < MOST_PLACES], place[rank < MOST_PLACES]
        target, row, column = self._places[run].T
        return Hits(target, row, column, place)


def _runs(number: int, sample: Sample, per_row: int) -> tuple[Codes, Numbers]:
    """Runs of a sample that hold enough to be looked for: codes [runs, WINDOW], and matrix, row and column of each."""
    codes = codes_of(sample.values())
    columns = codes.shape[1]
    firsts = np.arange(0, columns - WINDOW + 1, WINDOW)
    if not len(firsts):
        return np.zeros((0, WINDOW), np.uint32), np.zeros((0, 3), np.int64)
    counts = np.bincount(codes.ravel(), minlength=1 << 16)
    held = -np.log2(counts[codes] / codes.size)
    bits = np.lib.stride_tricks.sliding_window_view(held, WINDOW, axis=1)[:, firsts].sum(axis=2)
    chosen = firsts[np.unique(np.linspace(0, len(firsts) - 1, per_row).astype(int))]
    row, column = np.nonzero(bits[:, np.searchsorted(firsts, chosen)] >= INFORMATION)
    first = chosen[column]
    places = np.stack([np.full(len(row), number), row, first + sample.start], axis=1)
    return codes[row[:, None], first[:, None] + np.arange(WINDOW)], places.astype(np.int64)


LONGEST, SHORTEST = 256, 32
"""Lengths of stretches. At r = 0.9 one of 64 values comes to 7 standard deviations, of 256 to 14."""

CURIOUS = 5.5
"""Standard deviations from which a place is looked at: of unrelated models' 10⁷ places one comes that far by chance."""

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
