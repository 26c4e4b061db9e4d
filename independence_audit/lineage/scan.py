"""Reading a subject's tensors from front to back for rows of references, whatever their shapes and number types are.

A tensor's bytes are taken as its own number type and as every float type that weights are stored in, with several
distances between neighbours: that of a row, those of its axes, of interleaved matrices, and of transposed ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from operator import mul

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo, decode
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.fingerprint.spans import GAP
from independence_audit.lineage.decide import EXACT_VALUES
from independence_audit.lineage.layouts import Piece, Reading, laid_out, scattered
from independence_audit.lineage.windows import LONGEST, WINDOW, Hits, Segments, Windows, codes_of

FLOATS = ("BF16", "F16", "F32")
"""Number types that weights are stored in: any bytes may hold them."""

INTERLEAVED = (2, 3, 4)
"""Of how many matrices the values may take turns."""

MOST_HEIGHTS = 8
"""Heights of transposed matrices inside of a vector that are tried, the commonest first."""

CHUNK = 1 << 21
"""Values that are worked on at a time: with all that is made of them, less than 100 MB."""

WIDEST = 1 << 13
"""Distance of neighbours up to which changed copies are looked for: beyond, a block of stretches fills the memory."""

PRODUCTS = 10**11
"""Multiplications that looking for changed copies may take: some seconds."""

PIECES, MOST_PIECES = 8, 2000
"""Pieces of one matrix in one tensor and of all matrices together, at most: a model that was cut into more is found."""

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Target:
    """A matrix of a reference that is looked for, of one expert."""

    reference: str
    sample: Sample
    """What the fingerprint holds."""
    rows: Sample
    """Of it the rows of one expert."""


def targets_of(references: Sequence[Fingerprint]) -> list[Target]:
    """All matrices of references whose columns may be exchanged; computed tables are in every model."""
    return [
        Target(reference.name, sample, rows)
        for reference in references
        for sample in reference.samples
        if sample.axis is not Axis.NONE and sample.raw is not None and sample.shape[0] > 1 and len(sample.rows) > 1
        for rows in _experts(sample)
    ]


def _experts(sample: Sample) -> Iterator[Sample]:
    if sample.members == 1 or sample.raw is None:
        yield sample
        return
    for expert in np.unique(sample.experts):
        keep = sample.experts == expert
        if keep.sum() > 1:
            yield replace(
                sample,
                members=1,
                rows=sample.rows[keep],
                experts=0 * sample.experts[keep],
                raw=sample.raw[keep],
                whole=None,
            )


class Scan:
    """Looks through tensors of one subject, one after the other, and gathers what they hold of references."""

    def __init__(self, checkpoint: Checkpoint, targets: Sequence[Target], values: int) -> None:
        """Begin.

        Args:
            checkpoint: The subject's weights.
            targets: What is looked for.
            values: How many values without a counterpart are to be looked through.
        """
        self._checkpoint = checkpoint
        self._targets = targets
        rows = [target.rows for target in targets]
        self._windows = Windows(rows)
        self.verbatim_only = len(rows) * values > PRODUCTS
        """Whether changed copies could not be looked for in everything."""
        self._segments = Segments(() if self.verbatim_only else rows)
        heights = Counter(target.rows.shape[0] for target in targets)
        self._heights = [height for height, _ in heights.most_common(MOST_HEIGHTS)]
        self._found: dict[int, list[tuple[Reading, int, Hits]]] = {}
        self._products = 0
        self.tests = 0
        """Places at which rows were looked for."""

    def read(self, tensor: TensorInfo, *, closely: bool, run: tuple[int, int] | None = None) -> None:
        """Look through one tensor.

        Args:
            tensor: Which.
            closely: Whether it is looked for everything; else as it is stored, by rows and by columns.
            run: Between which of its bytes, multiples of 8; all of it by default.

        Raises:
            ReadError: Its bytes could not be read.
        """
        for dtype in _dtypes(tensor) if closely else _dtypes(tensor)[:1]:
            reading = _reading(self._checkpoint, tensor, dtype)
            strides = _strides(tensor, reading, self._heights if closely else (), closely=closely)
            for start, values in _chunks(
                self._checkpoint, tensor, reading, _overlap(strides, run, closely=closely), run
            ):
                self._look(reading, start, values, strides)

    def _look(self, reading: Reading, start: int, values: Singles, strides: Sequence[int]) -> None:
        """Look through a run of values that begins at ``start``."""
        codes = codes_of(values)
        floats = reading.dtype in FLOATS or reading.dtype == "F64"
        plausible = _is_plausible(values)
        for stride in strides:
            hits = []
            if floats:
                hits.append(self._windows.find(codes, stride).moved(start))
                self.tests += len(codes)
            if plausible and stride <= WIDEST:
                work = len(values) * self._segments.work
                if self._products + work > PRODUCTS:
                    self.verbatim_only = True
                else:
                    self._products += work
                    ahead = -start % (stride * LONGEST)
                    hits.append(self._segments.find(values[ahead:], stride).moved(start + ahead))
                    self.tests += work // 64
            self._keep(reading, stride, Hits.joined(hits))

    def _keep(self, reading: Reading, stride: int, hits: Hits) -> None:
        for target in np.unique(hits.target).tolist():
            self._found.setdefault(target, []).append((reading, stride, hits.of(target)))

    def pieces(self) -> Iterator[tuple[Target, Piece]]:
        """What was found.

        Raises:
            ReadError: Bytes could not be read.
        """
        told = 0
        for number, found in sorted(self._found.items()):
            if told >= MOST_PIECES:
                return
            target = self._targets[number]
            for piece in _pieces_of(target.rows, found):
                yield target, piece
                told += not piece.measured.repeated


def _pieces_of(target: Sample, found: Sequence[tuple[Reading, int, Hits]]) -> Iterator[Piece]:
    """What tensors hold of one matrix: what is laid out evenly, then rows that stand anywhere.

    Two rows fit any distance, and a few more of a small matrix do by chance. So the rows of a piece that has fewer
    values than a finding takes are counted among those that stand anywhere as well, and told as a piece only where
    these come to nothing.
    """
    small, left = [], []
    held: set[str] = set()
    for reading, stride, hits in sorted(_merged(found), key=_likeliest):
        if reading.tensor in held:
            continue  # bits of one float type are another's, about
        rest, anywhere = hits, Hits.none()
        for _ in range(PIECES):
            laid = laid_out(target, reading, stride, rest) if len(rest) else None
            if laid is None:
                break
            piece, explained = laid
            if piece.measured.numbers.compared_values < EXACT_VALUES:
                small.append(piece)
                anywhere = Hits.joined([anywhere, rest.where(explained)])
            else:
                held.add(reading.tensor)
                yield piece
            rest = rest.where(~explained)
        left.append((reading, stride, Hits.joined([anywhere, rest])))
    apart = scattered(target, left)
    yield from apart
    yield from (piece for piece in small if piece.tensor not in {other.tensor for other in apart})


def _likeliest(found: tuple[Reading, int, Hits]) -> tuple[bool, int]:
    """A tensor's own type first, then what shows most."""
    reading, _, hits = found
    return not reading.as_stored, -len(hits)


def _merged(found: Sequence[tuple[Reading, int, Hits]]) -> Iterator[tuple[Reading, int, Hits]]:
    """Hits of one reading and distance together, whatever chunks they were found in."""
    together: dict[tuple[str, str, int], tuple[Reading, list[Hits]]] = {}
    for reading, stride, hits in found:
        together.setdefault((reading.tensor, reading.dtype, stride), (reading, []))[1].append(hits)
    for (_, _, stride), (reading, each) in together.items():
        yield reading, stride, Hits.joined(each)


def _dtypes(tensor: TensorInfo) -> list[str]:
    """The types that a tensor's bytes are taken for, its own first."""
    own = [tensor.dtype] if DTYPES[tensor.dtype].decodable else []
    size = tensor.end - tensor.start
    plain = not tensor.packing
    return own + [other for other in FLOATS if plain and other not in own and size % (DTYPES[other].bits // 8) == 0]


def _reading(checkpoint: Checkpoint, tensor: TensorInfo, dtype: str) -> Reading:
    size = (tensor.end - tensor.start) * 8 // DTYPES[dtype].bits
    last = tensor.shape[-1] if tensor.shape else 1
    return Reading(
        tensor.name,
        dtype,
        size,
        max(1, last * size // max(1, tensor.size)),
        dtype == tensor.dtype,
        partial(_read_places, checkpoint, tensor, DTYPES[dtype].bits // 8),
    )


def _strides(tensor: TensorInfo, reading: Reading, heights: Sequence[int], *, closely: bool) -> list[int]:
    """Distances of neighbours that are tried."""
    scale = reading.size / max(1, tensor.size)
    inner = [round(size * scale) for size in accumulate(reversed(tensor.shape[1:]), mul)]
    tried = dict.fromkeys([1, *inner, *(INTERLEAVED if closely else ()), *heights])
    return [stride for stride in tried if stride > 0 and stride * (WINDOW - 1) < reading.size] or [1]


def _overlap(strides: Sequence[int], run: tuple[int, int] | None, *, closely: bool) -> int:
    """Values by which chunks overlap: what a run of neighbours or a block of stretches takes.

    A part of a tensor that is looked through for everything stays by itself: what lies across its end is not worth
    reading as much again at every distance.
    """
    widest = max(strides)
    if run is None:
        return max((WINDOW - 1) * widest, LONGEST * min(widest, WIDEST))
    return 0 if closely else (WINDOW - 1) * widest


def _chunks(
    checkpoint: Checkpoint, tensor: TensorInfo, reading: Reading, overlap: int, run: tuple[int, int] | None
) -> Iterator[tuple[int, Singles]]:
    """Runs of a tensor's values, each with as many of the next as they overlap by."""
    item = DTYPES[reading.dtype].bits // 8
    first, last = (0, reading.size) if run is None else (run[0] // item, min(reading.size, run[1] // item))
    for start in range(first, last, CHUNK):
        stop = min(reading.size, min(start + CHUNK, last) + overlap)
        raw = np.empty((stop - start) * item, np.uint8)
        checkpoint.source.read(tensor.file, tensor.start + start * item, raw.data)
        with np.errstate(over="ignore", invalid="ignore"):
            yield start, decode(raw, reading.dtype).astype(np.float32, copy=False)


def _is_plausible(values: Singles) -> bool:
    """Whether values may be weights: bytes of another type have sizes all over the range of a float."""
    some = np.abs(values[:: max(1, len(values) // 4096)])
    ordinary = (some == 0.0) | ((some > 1e-12) & (some < 1e6))  # noqa: PLR2004  no weight is beyond
    return bool(ordinary.mean() >= 0.95)  # noqa: PLR2004


def _read_places(checkpoint: Checkpoint, tensor: TensorInfo, item: int, places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Values of a tensor at places [rows, columns], as stored."""
    wanted, where = np.unique(places, return_inverse=True)
    apart = np.flatnonzero(np.diff(wanted) > GAP // item) + 1
    firsts, lasts = wanted[np.concatenate(([0], apart))], wanted[np.concatenate((apart, [len(wanted)])) - 1] + 1
    before = np.concatenate(([0], np.cumsum(lasts - firsts)))
    raw = np.empty(int(before[-1]) * item, np.uint8)
    spans = [
        (tensor.start + first * item, raw[at * item : (at + last - first) * item].data)
        for first, last, at in zip(firsts.tolist(), lasts.tolist(), before[:-1].tolist(), strict=True)
    ]
    checkpoint.source.read_many(tensor.file, spans)
    run = np.searchsorted(firsts, wanted, side="right") - 1
    values = raw.reshape(-1, item)[wanted - firsts[run] + before[run]]
    return np.ascontiguousarray(values[where.reshape(-1)]).reshape(*places.shape, item)
