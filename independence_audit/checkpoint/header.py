"""The header of a safetensors file: read strictly, so that a file means the same to every reader or is refused.

A file is 8 bytes of length (little-endian), that many bytes of JSON, then the tensors' bytes without gaps. The format's
own library lets the last of two equal keys win and accepts entries with extra keys; both could show an auditor other
weights than a user, and both are errors here.

What tells a fingerprint from weights: both are safetensors files, and only the one that was named is ever taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple, TypeGuard

from independence_audit.checkpoint.refused_formats import check_magic
from independence_audit.checkpoint.tensors import SMALLEST, ByteSource, Notice, Packed, TensorInfo
from independence_audit.core.number_types import DTYPES
from independence_audit.core.outside_names import is_hostile, quoted
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import MalformedError

LENGTH_BYTES = 8
"""Bytes in front of the header, which hold its length."""
MAX_HEADER_BYTES = 25_000_000
"""The longest header that is read. The safetensors library accepts four times as much; the longest that were published,
of 100,000 tensors in one file, have 12 million."""
MAX_TENSORS = 250_000
"""Tensors of one file, at most, and twice as many of all of a checkpoint's: the largest published ones, of a thousand
billion parameters in packed experts, have 210,000 in all."""
MAX_EMPTY = 10_000
"""Tensors of no bytes in one file, at most: models have a few, if any, and each costs as much as one with weights."""
MANY = 8_000
"""Tensors of one file from which on their size is looked at."""
LEAST_MEAN = 1024
"""Bytes that many tensors have on average, at least: those of published models have over a hundred thousand, with the
scalars of their packings, and smaller ones cost far more than they could say."""
LARGE = 1_000_000
"""Bytes of a header from which on no other one is parsed at the same time: parsing takes some twenty times as many."""

LARGE_HEADER = "large_header"
"""The notice of a header that could hold weights."""
_ENTRY_BYTES = 256
"""Of a tensor's entry in a header: name, dtype, shape and offsets; real ones have some 130."""

_METADATA = "__metadata__"
_KEYS = frozenset({"dtype", "shape", "data_offsets"})
_LARGEST = 2**63 - 1
_MOST_DIMENSIONS = 64
_DAMAGED = "Copy or download the file again; if it stays the same, it has to be exported again."
_NOT_SAFETENSORS = "Give a *.safetensors file, or a folder that holds one; if this is one, download it again."
_SHARDS = "Export the weights in shards of fewer tensors, with the safetensors library (save_file)."
_WRITTEN_WRONG = "Export the weights again with the safetensors library (save_file)."


class _EntryError(ValueError):
    """The entry of a tensor is wrong by itself."""


class _Fields(NamedTuple):
    """What the entry of a tensor says."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Header(NamedTuple):
    """What a file of weights says about itself."""

    tensors: list[TensorInfo]
    """By offset; tensors of no bytes come before the one that begins at the same offset."""
    metadata: dict[str, str]
    notices: list[Notice]
    packed: tuple[Packed, ...] = ()
    """What tensors stand for whose container packs them itself."""
    config: Mapping[str, Any] = MappingProxyType({})
    """What the file says of the model in the words of ``config.json``; empty where it does not."""
    has_tokens: bool = False
    """Whether the file says which token has which number."""


def read_header(source: ByteSource, file: str, alone: AbstractContextManager[object] | None = None) -> Header:
    """Read and parse the header of one file of a source.

    Args:
        source: Where the bytes come from.
        file: The file's name.
        alone: Is entered while a large header is in memory, so that several threads do not hold several of them.

    Raises:
        MalformedError: The file is no safetensors file, is cut short, or its header contradicts itself.
        UnsupportedError: The file is of a format that is refused.
        MissingError: The file is a Git LFS pointer.
        ReadError: Its bytes could not be read.
    """
    file_size = source.files()[file]
    length = bytearray(min(LENGTH_BYTES, file_size))
    source.read(file, 0, memoryview(length))
    if file_size < LENGTH_BYTES:
        raise MalformedError(f"{quoted(file)} is cut short: it has only {file_size} bytes.", _DAMAGED)
    header_size = int.from_bytes(length, "little")
    if header_size > MAX_HEADER_BYTES:
        check_magic(bytes(length), file)
        raise MalformedError(
            f"{quoted(file)} is not a safetensors file: its first bytes announce a header of {header_size:,} bytes, "
            f"and no more than {MAX_HEADER_BYTES:,} are read.",
            _NOT_SAFETENSORS,
        )
    if header_size > file_size - LENGTH_BYTES:
        raise MalformedError(
            f"{quoted(file)} is cut short: its header should have {header_size} bytes, "
            f"but only {file_size - LENGTH_BYTES} follow.",
            _DAMAGED,
        )
    with alone if alone is not None and header_size > LARGE else nullcontext():
        raw_json = bytearray(header_size)
        source.read(file, LENGTH_BYTES, memoryview(raw_json))
        return parse_header(raw_json, file_size, file)


def parse_header(raw_json: bytes | bytearray, file_size: int, file: str) -> Header:
    """Parse a header. Pure: depends on nothing but its arguments.

    Args:
        raw_json: The header's bytes, without the 8 bytes of its length.
        file_size: Size of the whole file in bytes.
        file: The file's name, for messages and for the tensors.

    Raises:
        MalformedError: The header contradicts itself, the format or the file's size.
    """
    data_start = LENGTH_BYTES + len(raw_json)
    _check_length(raw_json, file_size - data_start, file)
    entries = _entries(raw_json, file)
    metadata = _metadata(entries.pop(_METADATA, {}), file)
    tensors = [_tensor(name, entry, data_start, file) for name, entry in entries.items()]
    if sum(tensor.start == tensor.end for tensor in tensors) > MAX_EMPTY:
        raise MalformedError(f"{quoted(file)} has over {MAX_EMPTY:,} tensors without a single byte.", _WRITTEN_WRONG)
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    _check_cover(tensors, data_start, file_size, file)
    notices = [*_hostile_names(tensors), *_shared_offsets(tensors), *_large_header(tensors, len(raw_json), file)]
    return Header(tensors, metadata, notices)


def _check_length(raw_json: bytes | bytearray, data_size: int, file: str) -> None:
    """Raise where a header is larger, or describes more, than is worth parsing."""
    if len(raw_json) > MAX_HEADER_BYTES:
        raise MalformedError(f"The header of {quoted(file)} has over {MAX_HEADER_BYTES:,} bytes.", _SHARDS)
    tensors = raw_json.count(b'"data_offsets"')
    if tensors > MAX_TENSORS:
        raise MalformedError(f"{quoted(file)} has over {MAX_TENSORS:,} tensors, more than are read.", _SHARDS)
    if tensors > MANY and data_size < LEAST_MEAN * tensors:
        raise MalformedError(
            f"{quoted(file)} has {tensors:,} tensors, but only {data_size:,} bytes for them.", _WRITTEN_WRONG
        )


def _entries(raw_json: bytes | bytearray, file: str) -> dict[str, object]:
    """The header's JSON object, with what its tensors' entries say in place of these."""
    if not raw_json.startswith(b"{"):
        raise MalformedError(
            f"{quoted(file)} is not a safetensors file: its header is not a JSON object.", _NOT_SAFETENSORS
        )
    try:
        return parse_object(raw_json, make=_made)
    except JsonError as error:
        raise MalformedError(f"The header of {quoted(file)} {error}.", _WRITTEN_WRONG) from error


def _metadata(value: object, file: str) -> dict[str, str]:
    """The ``__metadata__`` of a header: texts by text keys; null, as MLX writes it, where there are none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"The {_METADATA} of {quoted(file)} is not an object.", _WRITTEN_WRONG)
    for key, text in value.items():
        if not isinstance(text, str):
            raise MalformedError(f"The {_METADATA} of {quoted(file)} holds no text at {quoted(key)}.", _WRITTEN_WRONG)
    return value


def _tensor(name: str, entry: object, data_start: int, file: str) -> TensorInfo:
    """One tensor from its entry, checked for itself."""
    try:
        fields = entry if isinstance(entry, _Fields) else _fields(entry)
    except _EntryError as error:
        raise MalformedError(f"Tensor {quoted(name)} of {quoted(file)} {error}.", _WRITTEN_WRONG) from error
    return TensorInfo(name, fields.dtype, fields.shape, file, data_start + fields.begin, data_start + fields.end)


def _made(entry: dict[str, object]) -> object:
    """What an object of the header says as the entry of a tensor, a third of its size; what is none stays as it is."""
    try:
        return _fields(entry)
    except _EntryError:
        return entry


def _fields(entry: object) -> _Fields:
    """What an entry says; the text of an error is the end of a sentence."""
    if not isinstance(entry, dict) or entry.keys() != _KEYS:
        raise _EntryError("is not described by exactly dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _EntryError(f"has the unknown dtype {quoted(str(dtype))}")
    if not _is_whole_numbers(shape) or len(shape) > _MOST_DIMENSIONS or prod(filter(None, shape)) > _LARGEST:
        raise _EntryError("has an impossible shape")
    if not _is_whole_numbers(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:  # noqa: PLR2004 - begin and end
        raise _EntryError("has impossible data_offsets")
    begin, end = offsets
    bits, spanned = DTYPES[dtype].bits * prod(shape), 8 * (end - begin)
    if bits != spanned:
        raise _EntryError(f"is {dtype} {shape}, which is {bits} bits, but its data_offsets span {spanned}")
    return _Fields(DTYPES[dtype].name, tuple(shape), begin, end)


def _is_whole_numbers(value: object) -> TypeGuard[list[int]]:
    """Whether a JSON value is a list of integers from 0 to 2**63 - 1; ``true`` is none, though Python counts it."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= _LARGEST for item in value)


def _check_cover(tensors: list[TensorInfo], data_start: int, file_size: int, file: str) -> None:
    """Raise unless the tensors cover the file from the header's end to its own end, each byte once."""
    covered, before = data_start, "the header"
    for tensor in tensors:
        if tensor.start != covered:
            fault = "overlaps" if tensor.start < covered else "leaves a gap behind"
            raise MalformedError(
                f"Tensor {quoted(tensor.name)} of {quoted(file)} {fault} {before}.",
                _WRITTEN_WRONG,
            )
        covered, before = tensor.end, f"tensor {quoted(tensor.name)}"
    if covered > file_size:
        raise MalformedError(
            f"{quoted(file)} is cut short: {before} ends at byte {covered}, but the file has {file_size} bytes.",
            _DAMAGED,
        )
    if covered < file_size:
        raise MalformedError(
            f"{quoted(file)} has {file_size - covered} bytes behind {before} that belong to no tensor.", _WRITTEN_WRONG
        )


def _hostile_names(tensors: list[TensorInfo]) -> Iterator[Notice]:
    """A notice for every tensor whose name could mislead."""
    return (Notice("hostile_name", {"tensor": tensor.name}) for tensor in tensors if is_hostile(tensor.name))


def _large_header(tensors: list[TensorInfo], size: int, file: str) -> Iterator[Notice]:
    """A notice where a header has so much beside what its tensors need that a layer could be written into it."""
    spare = size - _ENTRY_BYTES * sum(tensor.start < tensor.end for tensor in tensors)
    if spare >= SMALLEST:
        yield Notice(LARGE_HEADER, {"file": file, "bytes": spare})


def _shared_offsets(tensors: list[TensorInfo]) -> Iterator[Notice]:
    """A notice for every tensor without bytes that begins where the next one does."""
    return (
        Notice("shared_offset", {"tensor": tensor.name, "other": following.name})
        for tensor, following in pairwise(tensors)
        if tensor.start == following.start
    )


KEY = "independence_audit_fingerprint"
"""The metadata entry that holds a fingerprint's table."""

_STORED = re.compile(r"(?:sample|sketch|anchors|units)\.[0-9]{4,}(?:\..*)?")
"""How the tensors of a fingerprint are called."""


def is_fingerprint(header: Header) -> bool:
    """Whether a file is a fingerprint throughout: weights with a fingerprint's entry in their metadata are weights."""
    return KEY in header.metadata and all(_STORED.fullmatch(tensor.name) for tensor in header.tensors)
