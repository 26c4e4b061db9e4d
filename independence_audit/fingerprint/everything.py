"""Reading every byte of a checkpoint once, in file order and in pieces: digests, norms and sketches of all values.

One thread reads a file and keeps its digest; others work on what was read, and several processes read several files.
Results are added in the order of reading, so that they do not depend on how many there are. No tensor is in memory as a
whole in any but its stored type.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part, PartKey, View
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo, decode_into
from independence_audit.errors import ReadError
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.fingerprint.pools import PoolKey, pool_parts
from independence_audit.fingerprint.whole_tensor import (
    SIDE,
    TILE,
    Tiles,
    Whole,
    content_digest,
    matrix_digest,
    sketch_of,
    tiles_of,
    to_bf16,
)
from independence_audit.work import Algorithm, Executor, Here, Processes, Task, cores

BAND = 32 << 20
"""Bytes read at a time, about: a few of them are in memory."""

STRIP = 16384
"""Columns worked on at a time: a strip of 256 rows is 16 MiB in single precision."""

THREADS = 4
"""Threads at most beside the one that reads: it cannot feed more."""

_TINY = 1e-20
"""Sums of squares below are added up again in double precision: single precision may have lost them."""


@dataclass(frozen=True, slots=True)
class Everything:
    """What a checkpoint's bytes come to."""

    wholes: Mapping[PoolKey, Whole | None]
    """By sample; None where the values cannot be decoded."""
    files: tuple[FileEvidence, ...]
    read_bytes: int


@dataclass(frozen=True, slots=True)
class _Block:
    """A rectangle of a part's matrix that lies in one band; it begins at a multiple of TILE."""

    part: Part
    rows: slice
    columns: slice


@dataclass(frozen=True, slots=True)
class _Band:
    """A run of a tensor's values, and the blocks that lie in it."""

    start: int
    stop: int
    blocks: Sequence[_Block]


@dataclass(slots=True)
class _Sums:
    """What has been added up of one part's matrix."""

    dtype: str = ""
    stored: Tiles = field(default_factory=dict)
    narrow: Tiles = field(default_factory=dict)
    """Tiles of the values rounded to bfloat16."""
    squared_norm: float = 0.0
    values: int = 0
    non_finite: int = 0
    sketch: NDArray[np.float64] = field(default_factory=lambda: np.zeros((SIDE, SIDE)))

    def add(self, other: _Sums) -> None:
        """Add what a further block gave."""
        self.dtype = other.dtype
        self.stored.update(other.stored)
        self.narrow.update(other.narrow)
        self.squared_norm += other.squared_norm
        self.values += other.values
        self.non_finite += other.non_finite
        self.sketch += other.sketch


def read_everything(checkpoint: Checkpoint, anatomy: Anatomy, progress: Callable[[str, int, int], None]) -> Everything:
    """Read all files of a checkpoint once.

    Args:
        checkpoint: What to read.
        anatomy: Its tensors in their places.
        progress: Told the tensor just read, how many are done and how many there are.

    Raises:
        ReadError: Bytes could not be read, or are not those whose digest the source states.
    """
    pools = pool_parts(anatomy)
    reader = _Reader(checkpoint, anatomy, pools)
    several = len(checkpoint.files) > 1 and checkpoint.source.near
    executor: Executor = Processes(cores()) if several else Here()
    begin = partial(reader.begin, None if several else progress)
    results = executor.results(Algorithm("full-fingerprint", 1, begin), map(Task, checkpoint.files))
    totals: dict[PartKey, _Sums] = {}
    files: list[FileEvidence] = []
    read_bytes = 0
    for done, (file, result) in enumerate(zip(checkpoint.files, results, strict=True), 1):
        totals |= result.sums
        files.append(result.file)
        read_bytes += result.read_bytes
        if several:
            progress(file, done, len(checkpoint.files))
    return Everything(
        wholes={key: _whole(parts, [totals.get(part.key) for part in parts]) for key, parts in pools.items()},
        files=tuple(files),
        read_bytes=read_bytes,
    )


@dataclass(frozen=True, slots=True)
class _OneFile:
    """What one file of a checkpoint gives."""

    sums: Mapping[PartKey, _Sums]
    file: FileEvidence
    read_bytes: int


class _Reader:
    """Reads a file from front to back, while threads add up what was read; tensors lie in one file each."""

    def __init__(self, checkpoint: Checkpoint, anatomy: Anatomy, pools: Mapping[PoolKey, Sequence[Part]]) -> None:
        self._checkpoint = checkpoint
        numbered = ((part, number) for parts in pools.values() for number, part in enumerate(parts))
        self._first_rows = {part.key: number * part.view.row_count for part, number in numbered}
        self._parts: dict[str, list[Part]] = defaultdict(list)
        for part in anatomy.parts:
            self._parts[part.tensor].append(part)
        self._progress: Callable[[str, int, int], None] | None = None
        self._done = 0

    def begin(self, progress: Callable[[str, int, int], None] | None) -> Callable[[str], _OneFile]:
        """What reads one file, and tells of every tensor where it is this process that shows it."""
        self._progress = progress
        return self.read

    def read(self, name: str) -> _OneFile:
        """Everything that a file's bytes come to.

        Raises:
            ReadError: Bytes could not be read, or are not those whose digest the source states.
        """
        totals: dict[PartKey, _Sums] = defaultdict(_Sums)
        file, tensors = _File(self._checkpoint, name), self._checkpoint.tensors
        with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
            waiting: deque[Future[list[tuple[PartKey, _Sums]]]] = deque()
            for tensor in (tensor for tensor in tensors.values() if tensor.file == name):
                item = DTYPES[tensor.dtype].bits // 8
                for band in _bands(tensor, self._parts[tensor.name]):
                    raw = file.read(tensor.start + band.start * item, (band.stop - band.start) * item)
                    waiting.append(threads.submit(_work, raw, tensor.dtype, band, self._first_rows))
                    if len(waiting) > THREADS:
                        _collect(waiting, totals)
                self._done += 1
                if self._progress is not None:
                    self._progress(tensor.name, self._done, len(tensors))
            while waiting:
                _collect(waiting, totals)
        return _OneFile(totals, file.evidence(), file.read_bytes)


def _collect(waiting: deque[Future[list[tuple[PartKey, _Sums]]]], totals: dict[PartKey, _Sums]) -> None:
    """Add up what was read first."""
    for part, sums in waiting.popleft().result():
        totals[part].add(sums)


class _File:
    """One file, read from front to back, and its digest; bytes that no tensor holds are read for the digest alone."""

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        self.read_bytes = 0
        self._source = checkpoint.source
        self._name = name
        self._size = checkpoint.files[name]
        self._stated = checkpoint.digests.get(name)
        self._digest = hashlib.sha256()
        self._position = 0

    def read(self, start: int, size: int) -> NDArray[np.uint8]:
        """Bytes of the file, or worked out of packed ones behind its end."""
        if start < self._size:
            self._pass_to(start)
        raw = self._fetch(start, size)
        if start < self._size and start + size > self._position:  # tensors may share bytes: each counts once
            self._digest.update(raw[self._position - start :].data)
            self._position = start + size
        return raw

    def evidence(self) -> FileEvidence:
        """Name, size and digest of the whole file.

        Raises:
            ReadError: The source states another digest.
        """
        self._pass_to(self._size)
        digest = self._digest.hexdigest()
        if self._stated not in (None, digest):
            raise ReadError(
                f"What was read of {self._name!r} is not the file whose digest its source states.",
                "Try again; if it happens again, ask the repository's owner.",
            )
        return FileEvidence(name=self._name, size=self._size, sha256=digest, digest_scope="file")

    def _pass_to(self, position: int) -> None:
        while self._position < position:
            raw = self._fetch(self._position, min(BAND, position - self._position))
            self._digest.update(raw.data)
            self._position += len(raw)

    def _fetch(self, start: int, size: int) -> NDArray[np.uint8]:
        raw = np.empty(size, np.uint8)
        self._source.read(self._name, start, raw.data)
        self.read_bytes += size
        return raw


def _bands(tensor: TensorInfo, parts: Sequence[Part]) -> Iterator[_Band]:
    """Every value of a tensor that belongs to a part, in memory order; nothing where it cannot be decoded."""
    if not DTYPES[tensor.dtype].decodable:
        return
    most = max(1, BAND * 8 // DTYPES[tensor.dtype].bits)
    together: list[Part] = []
    stop = 0
    for part in sorted((part for part in parts if part.view.size), key=lambda part: part.view.offset):
        if together and part.view.offset >= stop:
            yield from _cut(together, stop, most)
            together = []
        together.append(part)
        stop = max(stop, part.view.offset + _extent(part.view))
    if together:
        yield from _cut(together, stop, most)


def _cut(parts: Sequence[Part], stop: int, most: int) -> Iterator[_Band]:
    """One run of memory, in pieces where it is a plain matrix stored by rows or by columns; else interleaved, whole."""
    view, start = parts[0].view, parts[0].view.offset
    all_rows, all_columns = slice(0, view.row_count), slice(0, view.columns)
    by_rows, by_columns = _is_packed(view, 1, view.columns), _is_packed(view, view.row_count, 1)
    if len(parts) > 1 or not (by_rows or by_columns):
        yield _Band(
            start, stop, [_Block(part, slice(0, part.view.row_count), slice(0, part.view.columns)) for part in parts]
        )
        return
    length, width = (view.row_count, view.columns) if by_rows else (view.columns, view.row_count)
    step = max(1, most // width // TILE) * TILE
    for first in range(0, length, step):
        run = slice(first, min(first + step, length))
        block = _Block(parts[0], run, all_columns) if by_rows else _Block(parts[0], all_rows, run)
        yield _Band(start + run.start * width, start + run.stop * width, [block])


def _is_packed(view: View, column_stride: int, row_stride: int) -> bool:
    """Whether rows follow each other at one distance and columns at another."""
    steps = [row_stride]
    for count in view.rows[:0:-1]:
        steps.insert(0, steps[0] * count)
    strides = zip(view.rows, view.row_strides, steps if view.rows else [], strict=True)
    even = all(count == 1 or stride == step for count, stride, step in strides)
    return even and (view.columns == 1 or view.column_stride == column_stride)


def _extent(view: View) -> int:
    """Values from the first to behind the last in memory."""
    last = (view.columns - 1) * view.column_stride
    return 1 + last + sum((count - 1) * stride for count, stride in zip(view.rows, view.row_strides, strict=True))


def _matrix(raw: NDArray[np.uint8], item: int, band: _Band, block: _Block) -> NDArray[np.unsignedinteger]:
    """A block's values as unsigned integers [rows, columns], in place where its layout allows that."""
    values: NDArray[np.unsignedinteger] = raw.view(f"u{item}")
    view = block.part.view
    if block.rows.stop - block.rows.start == view.row_count:
        first = view.offset + block.columns.start * view.column_stride - band.start
        shape = (*view.rows, block.columns.stop - block.columns.start)
        strides = [stride * item for stride in (*view.row_strides, view.column_stride)]
        return as_strided(values[first:], shape, strides, writeable=False).reshape(view.row_count, shape[-1])
    return values.reshape(-1, view.columns)


def _work(
    raw: NDArray[np.uint8], dtype: str, band: _Band, first_rows: Mapping[PartKey, int]
) -> list[tuple[PartKey, _Sums]]:
    """Everything that the blocks of a band give, by their parts."""
    found = []
    for block in band.blocks:
        sums = _Sums(dtype)
        matrix = _matrix(raw, DTYPES[dtype].bits // 8, band, block)
        for row in range(0, matrix.shape[0], TILE):
            for column in range(0, matrix.shape[1], STRIP):
                codes = np.ascontiguousarray(matrix[row : row + TILE, column : column + STRIP])
                place = block.rows.start + row, block.columns.start + column
                _add(sums, codes, place, first_rows[block.part.key])
        found.append((block.part.key, sums))
    return found


def _add(sums: _Sums, codes: NDArray[np.unsignedinteger], place: tuple[int, int], first_row: int) -> None:
    """Add a strip of a matrix.

    Args:
        sums: To what.
        codes: The stored values [rows, columns].
        place: Row and column of the first of them.
        first_row: Of the part's matrix among those of all experts.
    """
    values = np.empty(codes.shape, np.float32)
    decode_into(codes.reshape(-1).view(np.uint8), sums.dtype, values.reshape(-1))
    stored = dict(tiles_of(codes, *place))
    with np.errstate(all="ignore"):
        norm = float(np.vecdot(values, values).sum(dtype=np.float64))
    finite = values.size
    if sums.dtype == "BF16" and np.isfinite(norm):  # no NaN, whose many codes are one: already what it would become
        sums.narrow |= stored
    else:
        sums.narrow |= dict(tiles_of(to_bf16(values), *place))
    if not _TINY < norm < np.inf:
        mask = np.isfinite(values)
        finite = int(np.count_nonzero(mask))
        values[~mask] = 0.0
        norm = float(np.square(values, dtype=np.float64).sum())
    sums.stored |= stored
    sums.squared_norm += norm
    sums.values += finite
    sums.non_finite += values.size - finite
    with np.errstate(all="ignore"):
        sums.sketch += sketch_of(values, first_row + place[0], place[1])


def _whole(parts: Sequence[Part], sums: Sequence[_Sums | None]) -> Whole | None:
    """What all matrices of a sample come to; None where one could not be decoded, or is beyond single precision."""
    found = [one or _Sums() for one in sums]
    if any(one is None and part.view.size for one, part in zip(sums, parts, strict=True)):
        return None
    sketch = np.sum([one.sketch for one in found], axis=0).astype(np.float32)
    if not np.isfinite(sketch).all():
        return None
    both = list(zip(parts, found, strict=True))
    return Whole(
        content=content_digest(matrix_digest(one.dtype, part.view.shape, one.stored) for part, one in both),
        content_bf16=content_digest(matrix_digest("BF16", part.view.shape, one.narrow) for part, one in both),
        values=sum(one.values for one in found),
        non_finite=sum(one.non_finite for one in found),
        squared_norm=float(f"{sum(one.squared_norm for one in found):.10g}"),  # as many digits as a file keeps
        sketch=sketch,
    )
