"""What a checkpoint is: files, named tensors with their bytes' places, and the source that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

State = tuple[int | str | None, ...]
"""What tells that a file is still the same: its size, and more as the source knows it. Compares, and means no more."""

Span = tuple[int, memoryview]
"""Where wanted bytes begin in a file, and the memory to fill with them."""


class ByteSource(Protocol):
    """Where a checkpoint's bytes come from. The seam that local folders, the Hub and object stores implement."""

    name: str
    """How the source is called in reports: a file's or folder's name, never a path of the machine."""
    near: bool
    """Whether the bytes lie on this machine, so that reading costs no connection and processes may share it."""

    def files(self) -> Mapping[str, int]:
        """Every file of the checkpoint by its relative name, with its size in bytes."""

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` with the bytes of file ``name`` from ``start`` on, completely or not at all.

        Raises:
            ReadError: The bytes could not be read, or fewer came than were asked for.
        """

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Fill the memory of every span of file ``name``; a source that is far away joins them into few requests.

        Raises:
            ReadError: As for :meth:`read`, if one of the spans fails.
        """

    def states(self) -> Mapping[str, State]:
        """What tells of every file that it is still the one that was opened; equal where two sources have the same."""

    def confirm(self) -> None:
        """Look once more, when all has been read: what changed meanwhile was not read as one thing.

        Raises:
            ChangedError: A file is no longer the one that was opened.
            ReadError: That could not be looked at.
        """

    def close(self) -> None:
        """Let go of open files and connections."""


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a checkpoint: what its header says and where its bytes lie."""

    name: str
    dtype: str
    """As safetensors spells it: ``BF16``, ``F8_E4M3``, ``I32``."""
    shape: tuple[int, ...]
    file: str
    start: int
    """Offset of the first byte in the file."""
    end: int
    """Offset behind the last byte in the file."""
    packing: str = ""
    """How its values are packed in the file, where they are worked out of other stored tensors: ``nf4``, ``int4``."""

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of bytes of one stored tensor."""

    tensor: TensorInfo
    start: int
    """In bytes, from the tensor's first."""
    stop: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.stop - self.start


class Packed(Protocol):
    """A weight of shape ``shape`` in C order, worked out from stored tensors."""

    @property
    def name(self) -> str:
        """Of the weight that the stored tensors stand for."""

    @property
    def scheme(self) -> str:
        """The packing, as reports call it; empty where values are as precise as they were."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight."""

    @property
    def stored(self) -> tuple[TensorInfo, ...]:
        """The tensors that it is made of, the one with the bits first."""

    def runs(self, start: int, stop: int) -> list[Run]:
        """Which stored bytes the values ``start`` to ``stop`` need."""

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """The values ``start`` to ``stop``, float32 [stop - start], from the bytes of their runs."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about an input that is no error but that a reader of the report should see."""

    key: str
    """A message key, such as ``hostile_name`` or ``shared_offset``."""
    data: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's weights as named tensors, in file order; nothing of them is in memory."""

    source: ByteSource
    files: Mapping[str, int]
    """The files that hold tensors, with their sizes in bytes, in reading order."""
    tensors: Mapping[str, TensorInfo]
    """By name, in file order and by offset within a file."""
    metadata: Mapping[str, str]
    """The ``__metadata__`` of the headers, merged; the first shard wins."""
    config: Mapping[str, Any]
    """The parsed ``config.json`` beside the weights; empty where there is none."""
    notices: tuple[Notice, ...] = ()
    revision: str = ""
    """The commit that was read; empty where the source keeps no revisions."""
    vocabulary: str = ""
    """The file beside the weights that says which token has which number; empty where there is none."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of whole files that the source states without a download, in hexadecimal by file."""
    by_itself: bool = False
    """Whether one file was named, not the folder or the index that it belongs to."""
    packed: tuple[Packed, ...] = ()
    """What tensors stand for whose container packs them itself; by the names of those tensors."""
    is_fingerprint: bool = False
    """Whether it is a fingerprint's file that was named by itself; in a folder, weights are what counts."""

    @property
    def name(self) -> str:
        """How the checkpoint is called in reports."""
        return self.source.name


WIDTH = 256
"""Channels of the narrowest layers that are worth taking: those of the smallest published language models."""

SMALLEST = 12 * WIDTH**2 * 2 // 8
"""Bytes of one such layer, 12 times the square of its width in values, at two bits each, the densest packing in use."""
