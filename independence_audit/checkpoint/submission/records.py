"""Files of records that lie beside models: sentencepiece's tokenizers and TensorBoard's events, parsed to their end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from independence_audit.checkpoint.submission.file_content import reads_as_text
from independence_audit.checkpoint.tensors import SMALLEST

LARGEST = 64 << 20
"""Bytes of such a file that is parsed; a tokenizer of 260,000 pieces has four million."""
LONGEST_PIECE = 512
"""Bytes of a piece of a vocabulary; real ones have some ten."""
LONGEST_TAG = 256
_LONGEST_TENSOR = 64
"""Bytes of an event's tensor: newer writers store one number as one."""
_CHARMAP = 1 << 19
"""Bytes of sentencepiece's own table of characters; that of NFKC has a quarter million."""
_FIXED64, _BYTES, _FIXED32 = 1, 2, 5

Field = tuple[int, int, bytes]
"""Number, wire type and content; that of a varint is empty."""


class _BrokenError(ValueError):
    """The bytes are not what they began as."""


def begins(first: bytes) -> bool:
    """Whether a file's first twelve bytes can be those of one of these."""
    return first[:1] == b"\x0a" or _masked(first[:8]) == int.from_bytes(first[8:12], "little")


def is_sentencepiece(data: bytes) -> bool:
    """Whether bytes are a model of sentencepiece: pieces of text with their scores, and its settings."""
    try:
        pieces, beside, text = 0, 0, bytearray()
        for number, kind, content in _fields(data):
            if number == 1 and kind == _BYTES:
                text += _piece(content) + b" "
                pieces += 1
            elif number in {2, 3, 4, 5} and kind == _BYTES:
                beside += len(content)
            else:
                return False
    except (_BrokenError, IndexError, UnicodeDecodeError):
        return False
    blocks = (bytes(text[first : first + (64 << 10)]) for first in range(0, len(text), 64 << 10))
    return pieces > 0 and beside < _CHARMAP and all(reads_as_text(block) for block in blocks)


def _piece(content: bytes) -> bytes:
    """The text of a piece, which has a score and a type beside it and nothing else."""
    text = b""
    for number, kind, inner in _fields(content):
        if number == 1 and kind == _BYTES and len(inner) <= LONGEST_PIECE:
            inner.decode("utf-8")
            text = inner
        elif (number, kind) not in {(2, _FIXED32), (3, 0)}:
            raise _BrokenError
    return text


def is_events(data: bytes) -> bool:
    """Whether bytes are TensorBoard's events, with no more than a layer's bytes in anything but scalars."""
    at, other = 0, 0
    try:
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")
            if _masked(data[at : at + 8]) != int.from_bytes(data[at + 8 : at + 12], "little"):
                return False
            record = data[at + 12 : at + 12 + length]
            at += 16 + length
            if at > len(data):
                return False
            other += _beside_scalars(record)
            if other >= SMALLEST:
                return False
    except (_BrokenError, IndexError):
        return False
    return at > 0


def _beside_scalars(record: bytes) -> int:
    """Bytes of an event that are no time, step, tag or scalar."""
    other = 0
    for number, kind, content in _fields(record):
        if number == 5 and kind == _BYTES:  # noqa: PLR2004  the summary
            for inner, inner_kind, value in _fields(content):
                other += _beside_scalar(value) if (inner, inner_kind) == (1, _BYTES) else len(value)
        elif kind == _BYTES:
            other += len(content)
        elif (number, kind) not in {(1, _FIXED64), (2, 0)}:
            raise _BrokenError
    return other


def _beside_scalar(value: bytes) -> int:
    other = 0
    for number, kind, content in _fields(value):
        if number == 1 and kind == _BYTES and len(content) <= LONGEST_TAG:
            other += 0 if reads_as_text(content) else len(content)
        elif (number, kind) != (2, _FIXED32) and not (number == 8 and len(content) <= _LONGEST_TENSOR):  # noqa: PLR2004
            other += len(content)
    return other


def _fields(data: bytes) -> Iterator[Field]:
    """The fields of a protocol buffer's message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            _, at = _varint(data, at)
            yield number, kind, b""
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in {_FIXED64, _FIXED32}:
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _BrokenError
        if at + length > len(data):
            raise _BrokenError
        yield number, kind, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  the last one
            return value, at
        if shift > 63:  # noqa: PLR2004
            raise _BrokenError


def _masked(data: bytes) -> int:
    """The checksum of a record's length: CRC-32C (Castagnoli), rotated as TensorFlow's record format demands."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _table()[(value ^ byte) & 0xFF] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        value = entry
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return tuple(entries)
