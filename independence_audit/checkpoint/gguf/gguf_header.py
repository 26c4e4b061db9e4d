"""The header of a GGUF file: read strictly and by position, so that what no tensor needs and no rule allows is refused.

A file is ``GGUF``, a version, two counts, metadata as keys with typed values, the tensors' names, dimensions, types and
offsets, and then the tensors' bytes, each tensor padded to the alignment. Versions 2 and 3 are the same little-endian
(https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from independence_audit.checkpoint.gguf.gguf_cursor import DAMAGED, Cursor
from independence_audit.checkpoint.gguf.gguf_types import BlockType, block_type, can_decode
from independence_audit.checkpoint.header import LEAST_MEAN, MANY, MAX_TENSORS
from independence_audit.checkpoint.tensors import ByteSource
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MalformedError, UnsupportedError

MAGIC = b"GGUF"
MOST_KEYS = 4096
"""Keys of metadata, at most; models have some fifty."""
LONGEST_KEY = 1 << 16
LONGEST_NAME = 1 << 8
"""Bytes of a tensor's name, at most; the format's own programs allow 64."""
LONGEST_TEXT = 1 << 12
"""Bytes of a text that is kept; templates of chats are longer and are not looked at."""
LONGEST_LIST = 1 << 10
"""Numbers of a list that is kept: one a layer, not one a token."""
DIMENSIONS = 4
USUAL_ALIGNMENT = 32
_LARGEST = 2**63 - 1
_WRITTEN_WRONG = "Convert the model again with the converter of llama.cpp."

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""Types of metadata's values that are numbers or truths, in the forms of the ``struct`` module."""
_TEXT, _LIST = 8, 9


@dataclass(frozen=True, slots=True)
class Skipped:
    """A value of metadata that was not kept: where it stands in the file."""

    count: int
    """Entries of a list; 1 for a text."""
    start: int
    end: int
    is_texts: bool


Value = int | float | bool | str | list[int | float | bool] | Skipped


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor as the header describes it."""

    name: str
    shape: tuple[int, ...]
    """Rows before columns: the format stores the innermost dimension first."""
    kind: BlockType
    start: int
    """Offset of the first byte in the file."""
    end: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself."""

    metadata: Mapping[str, Value]
    tensors: tuple[GgufTensor, ...]
    """By offset."""


def read_gguf_header(source: ByteSource, file: str) -> GgufHeader:
    """Read and parse the header of one GGUF file.

    Raises:
        MalformedError: The file is no GGUF file, is cut short, or its header contradicts itself.
        UnsupportedError: Its version, its byte order or the type of a tensor is not read.
        ReadError: Its bytes could not be read.
    """
    cursor = Cursor(source, file)
    tensors, keys = _counts(cursor, file)
    metadata = dict(_metadata(cursor, keys, file))
    described = [_described(cursor, file) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", USUAL_ALIGNMENT)
    if type(alignment) is not int or alignment <= 0 or alignment % 8:
        raise MalformedError(f"{quoted(file)} has an impossible alignment of its tensors.", _WRITTEN_WRONG)
    size = -(-cursor.place // alignment) * alignment
    placed = sorted((_placed(one, offset, size) for one, offset in described), key=lambda one: one.start)
    seen: set[str] = set()
    for one in placed:
        if one.name in seen:
            raise MalformedError(f"Tensor {quoted(one.name)} is in {quoted(file)} twice.", _WRITTEN_WRONG)
        seen.add(one.name)
    _check_cover(placed, size, cursor.size, alignment, file)
    return GgufHeader(metadata, tuple(placed))


def read_gguf_value(source: ByteSource, file: str, key: str) -> Value | None:
    """The value of one key of a file's metadata; None where it has none. What follows the key is not read.

    Raises:
        InputError: As :func:`read_gguf_header`.
    """
    cursor = Cursor(source, file)
    _, keys = _counts(cursor, file)
    return next((value for each, value in _metadata(cursor, keys, file) if each == key), None)


def _counts(cursor: Cursor, file: str) -> tuple[int, int]:
    """How many tensors and keys a file announces."""
    _check_beginning(cursor, file)
    tensors, keys = cursor.number("Q"), cursor.number("Q")
    if tensors > MAX_TENSORS or keys > MOST_KEYS:
        raise MalformedError(
            f"{quoted(file)} announces {tensors:,} tensors and {keys:,} keys; no more than {MAX_TENSORS:,} and "
            f"{MOST_KEYS:,} are read.",
            _WRITTEN_WRONG,
        )
    if tensors > MANY and cursor.size < LEAST_MEAN * tensors:
        raise MalformedError(
            f"{quoted(file)} announces {tensors:,} tensors, but has only {cursor.size:,} bytes.", _WRITTEN_WRONG
        )
    return tensors, keys


def read_texts(source: ByteSource, file: str, texts: Skipped) -> list[str]:
    """A list of texts that was not kept; bytes that are no UTF-8 are replaced.

    Raises:
        ReadError: It could not be read.
        ValueError: The texts do not fill their place.
    """
    content = bytearray(texts.end - texts.start)
    source.read(file, texts.start, memoryview(content))
    found, place = [], 0
    for _ in range(texts.count):
        if place + 8 > len(content):
            raise ValueError("the texts do not fill their place")
        (length,) = struct.unpack_from("<Q", content, place)
        found.append(content[place + 8 : place + 8 + length].decode("utf-8", "replace"))
        place += 8 + length
    return found


def _check_beginning(cursor: Cursor, file: str) -> None:
    if cursor.size < 24 or cursor.take(4) != MAGIC:  # noqa: PLR2004  magic, version and the two counts
        raise MalformedError(
            f"{quoted(file)} is not a GGUF file: it does not begin as one.",
            "Give a *.gguf file; if this is one, download it again (git lfs pull fetches what a pointer stands for).",
        )
    version = cursor.number("I")
    if version in {2, 3}:
        return
    if version in {2 << 24, 3 << 24}:
        raise UnsupportedError(
            f"{quoted(file)} is a big-endian GGUF file; only little-endian ones are read.",
            "Convert it: gguf_convert_endian.py of llama.cpp.",
        )
    raise UnsupportedError(
        f"{quoted(file)} is a GGUF file of version {version}; versions 2 and 3 are read.", _WRITTEN_WRONG
    )


def _metadata(cursor: Cursor, keys: int, file: str) -> Iterator[tuple[str, Value]]:
    seen: set[str] = set()
    for _ in range(keys):
        key = _text(cursor, LONGEST_KEY, "a key", file)
        if key in seen:
            raise MalformedError(f"{quoted(file)} has the key {quoted(key)} twice.", _WRITTEN_WRONG)
        seen.add(key)
        yield key, _value(cursor, cursor.number("I"), key, file)


def _value(cursor: Cursor, kind: int, key: str, file: str) -> Value:
    if kind in _NUMBERS:
        return _numbers(cursor, kind, 1)[0]
    if kind == _TEXT:
        return _one_text(cursor)
    inner, count = (cursor.number("I"), cursor.number("Q")) if kind == _LIST else (-1, 0)
    start = cursor.place
    if inner == _TEXT:
        cursor.skip_texts(count)
        return Skipped(count, start, cursor.place, is_texts=True)
    if inner not in _NUMBERS:
        raise MalformedError(f"The key {quoted(key)} of {quoted(file)} has a value of an unknown type.", _WRITTEN_WRONG)
    if count <= LONGEST_LIST:
        return _numbers(cursor, inner, count)
    cursor.skip(count * struct.calcsize(_NUMBERS[inner]))
    return Skipped(count, start, cursor.place, is_texts=False)


def _one_text(cursor: Cursor) -> str | Skipped:
    start = cursor.place
    length = cursor.number("Q")
    if length <= LONGEST_TEXT:
        return cursor.take(length).decode("utf-8", "replace")
    cursor.skip(length)
    return Skipped(1, start, cursor.place, is_texts=True)


def _numbers(cursor: Cursor, kind: int, count: int) -> list[int | float | bool]:
    form = f"<{count}{_NUMBERS[kind]}"
    return list(struct.unpack(form, cursor.take(struct.calcsize(form))))


def _text(cursor: Cursor, longest: int, what: str, file: str) -> str:
    length = cursor.number("Q")
    if length > longest:
        raise MalformedError(f"{quoted(file)} has {what} of {length:,} bytes.", _WRITTEN_WRONG)
    try:
        return cursor.take(length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"{quoted(file)} has {what} that is no text.", _WRITTEN_WRONG) from error


def _described(cursor: Cursor, file: str) -> tuple[GgufTensor, int]:
    """One tensor's entry, as if the tensors began at the file's first byte, and its offset."""
    name = _text(cursor, LONGEST_NAME, "a tensor's name", file)
    count = cursor.number("I")
    if not 0 < count <= DIMENSIONS:
        raise MalformedError(f"Tensor {quoted(name)} of {quoted(file)} has {count} dimensions.", _WRITTEN_WRONG)
    shape = tuple(cursor.number("Q") for _ in range(count))[::-1]
    number, offset = cursor.number("I"), cursor.number("Q")
    kind = block_type(number)
    if kind is None:
        raise UnsupportedError(
            f"Tensor {quoted(name)} of {quoted(file)} is of type {number}, which the gguf library does not know.",
            "Update the gguf package, or give the model in another precision.",
        )
    if not can_decode(kind):
        raise UnsupportedError(
            f"Tensor {quoted(name)} of {quoted(file)} is of type {kind.name}, which the gguf library does not "
            "dequantise.",
            "Give the model in another precision.",
        )
    if 0 in shape or prod(shape) > _LARGEST or shape[-1] % kind.values:
        raise MalformedError(f"Tensor {quoted(name)} of {quoted(file)} has an impossible shape.", _WRITTEN_WRONG)
    return GgufTensor(name, shape, kind, 0, prod(shape) // kind.values * kind.bytes), offset


def _placed(tensor: GgufTensor, offset: int, size: int) -> GgufTensor:
    start = size + offset
    return GgufTensor(tensor.name, tensor.shape, tensor.kind, start, start + tensor.end)


def _check_cover(tensors: list[GgufTensor], start: int, size: int, alignment: int, file: str) -> None:
    """Raise unless the tensors cover the file, each byte once, and nothing but padding stands between them."""
    covered, before = start, "the header"
    for tensor in tensors:
        if tensor.start != covered:
            fault = "overlaps" if tensor.start < covered else "leaves a gap behind"
            raise MalformedError(f"Tensor {quoted(tensor.name)} of {quoted(file)} {fault} {before}.", _WRITTEN_WRONG)
        if tensor.end > size:
            raise MalformedError(
                f"{quoted(file)} is cut short: tensor {quoted(tensor.name)} ends at byte {tensor.end:,}, "
                f"but the file has {size:,} bytes.",
                DAMAGED,
            )
        covered, before = -(-tensor.end // alignment) * alignment, f"tensor {quoted(tensor.name)}"
    if size > covered:
        raise MalformedError(
            f"{quoted(file)} has {size - covered:,} bytes behind {before} that belong to no tensor.", _WRITTEN_WRONG
        )
