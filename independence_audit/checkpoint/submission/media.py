"""Pictures, sounds and documents: recognised by walking through their containers to the end, not by their first bytes.

What walks through with no considerable bytes outside what the format needs passes; weights behind the end, in comments,
or raw in a picture's place do not. Weights that somebody drew as pixels and compressed are not told from a picture, so
that all of these together may hold no more than ``MOST`` bytes.

Whether bytes look like an array of floating-point weights, whatever container they were put into.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.submission.file_content import BLOCK
from independence_audit.checkpoint.tensors import SMALLEST

LARGEST = 16 << 20
"""Bytes of one such file; those beside published models have a few million at most."""
MOST = 64 << 20
"""Bytes of all of them together: the smallest model of the catalogue, of 135 million parameters, needs more at four
bits each."""

_FLAT = 0.97
"""Part of its pixels' bytes that a compressed picture keeps, at most: drawn ones keep a tenth, photographs two thirds,
noise all of it."""
_JPEG_SEGMENTS = frozenset({*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_PDF_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_END = 2048
"""Bytes at a PDF's end in which its last words stand."""


class _BrokenError(ValueError):
    """The bytes are not what they began as."""


class _Kind(NamedTuple):
    reason: str
    magic: bytes
    check: Callable[[bytes], None]


def begins(first: bytes) -> bool:
    """Whether a file's first eight bytes are those of one of these."""
    return any(first.startswith(kind.magic) for kind in _KINDS)


def media_reason(data: bytes) -> str | None:
    """What a file's bytes are, as a message key; None where they are none of these, or not all of them are."""
    for kind in _KINDS:
        if data.startswith(kind.magic):
            try:
                kind.check(data)
            except (_BrokenError, IndexError, zlib.error):
                return None
            floats = sum(
                BLOCK for first in range(0, len(data), BLOCK) if looks_like_floats(data[first : first + BLOCK])
            )
            return None if floats >= SMALLEST else kind.reason
    return None


def _need(holds: bool) -> None:  # noqa: FBT001  what a format demands
    if not holds:
        raise _BrokenError


def _png(data: bytes) -> None:
    """Chunks with their sums to the end, pixels that inflate to the picture's size, little beside them."""
    at, beside, pixels = 8, 0, []
    width = height = row = 0
    name = b""
    while name != b"IEND":
        _need(at + 12 <= len(data))  # behind the end every sum of nothing is right, for ever
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        _need(len(body) == length)
        _need(zlib.crc32(name + body) == int.from_bytes(data[at + 8 + length : at + 12 + length], "big"))
        if name == b"IHDR":
            width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
            channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(body[9], 0)
            row = 1 + -(-width * channels * body[8] // 8)
        elif name in {b"IDAT", b"fdAT"}:
            pixels.append(body if name == b"IDAT" else body[4:])
        else:
            beside += length
        at += 12 + length
    _need(at == len(data) and beside < SMALLEST and width * height > 0)
    compressed = sum(map(len, pixels))
    drawn, floats, rest = 0, 0, b""
    for piece in _inflated(pixels):
        drawn += len(piece)
        rows, rest = _rows(rest + piece, row)
        floats += sum(BLOCK for first in range(0, len(rows), BLOCK) if looks_like_floats(rows[first : first + BLOCK]))
    _need(0.9 * row * height <= drawn <= 2 * row * height and floats < SMALLEST)  # interlacing adds a little
    _need(compressed < SMALLEST or compressed <= _FLAT * drawn)


def _rows(drawn: bytes, row: int) -> tuple[bytes, bytes]:
    """The pixels of all whole rows, without the byte before each that says how it was filtered; and what is left."""
    whole = len(drawn) // row * row
    pixels = np.frombuffer(drawn, np.uint8, whole).reshape(-1, row)[:, 1:]
    return pixels.tobytes(), drawn[whole:]


def _inflated(compressed: list[bytes]) -> Iterator[bytes]:
    """What a stream inflates to, in pieces of bounded size."""
    inflate = zlib.decompressobj()
    left = b"".join(compressed)
    total = 0
    while left and not inflate.eof:
        piece = inflate.decompress(left, 1 << 20)
        left = inflate.unconsumed_tail
        total += len(piece)
        _need(total <= LARGEST * 32)
        yield piece
    _need(inflate.eof and len(inflate.unused_data) < SMALLEST)


def _jpeg(data: bytes) -> None:
    """Segments to the end mark, a picture no denser than the best quality, little beside it."""
    at, beside, pixels = 2, 0, 0
    while data[at + 1] != 0xD9:  # noqa: PLR2004  the end mark
        marker = data[at + 1]
        _need(data[at] == 0xFF and marker in _JPEG_SEGMENTS)  # noqa: PLR2004  begins every mark
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in {0xC0, 0xC1, 0xC2}:
            pixels = int.from_bytes(data[at + 5 : at + 7], "big") * int.from_bytes(data[at + 7 : at + 9], "big")
        elif marker != 0xDA:  # noqa: PLR2004  the scan itself
            beside += length
        at += 2 + length
        if marker == 0xDA:  # noqa: PLR2004
            found = _MARKER.search(data, at)
            _need(found is not None)
            at = found.end() - 2 if found else at
    _need(len(data) - at - 2 + beside < SMALLEST and len(data) <= 3 * pixels + SMALLEST)


def _gif(data: bytes) -> None:
    """Blocks to the trailer."""
    flags = data[10]
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    pixels = 0
    while data[at] != 0x3B:  # noqa: PLR2004  the trailer
        if data[at] == 0x21:  # noqa: PLR2004  an extension
            at += 2
        else:
            _need(data[at] == 0x2C)  # noqa: PLR2004  a picture
            flags = data[at + 9]
            pixels += int.from_bytes(data[at + 5 : at + 7], "little") * int.from_bytes(data[at + 7 : at + 9], "little")
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        while data[at]:
            at += 1 + data[at]
        at += 1
    _need(len(data) - at < SMALLEST and len(data) <= 2 * pixels + SMALLEST)


def _riff(data: bytes) -> None:
    """Chunks to the end; the sound or picture is the largest of them."""
    _need(data[8:12] in {b"WEBP", b"WAVE"} and abs(int.from_bytes(data[4:8], "little") + 8 - len(data)) < SMALLEST)
    at, beside = 12, 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name not in {b"VP8 ", b"VP8L", b"ALPH", b"ANMF", b"data"}:
            beside += length
        at += 8 + length + length % 2
    _need(beside < SMALLEST)


def _pdf(data: bytes) -> None:
    """Streams that are compressed or pictures, and words between them."""
    end = data[-_END:]
    _need(b"%%EOF" in end and b"startxref" in end)
    odd, inside = 0, 0
    for stream in _PDF_STREAM.finditer(data):
        body = stream[1]
        inside += len(body)
        if len(body) >= 1 << 12 and not _is_packed(body):
            odd += len(body)
    _need(odd + (len(data) - inside) // 8 < SMALLEST)


def _is_packed(body: bytes) -> bool:
    if body.startswith((b"\xff\xd8", b"\0\0\0\x0cjP")):
        return True
    try:
        piece = zlib.decompressobj().decompress(body, BLOCK)
    except zlib.error:
        return False
    return not looks_like_floats(piece)


_KINDS = (
    _Kind("image", b"\x89PNG\r\n\x1a\n", _png),
    _Kind("image", b"\xff\xd8\xff", _jpeg),
    _Kind("image", b"GIF8", _gif),
    _Kind("media", b"RIFF", _riff),
    _Kind("document", b"%PDF-", _pdf),
)


FEWEST = 16 << 10
"""Bytes of a block below which nothing is said."""
LARGEST_ENTROPY = 5.0
"""Bits that the magnitude's upper seven bits have, at most: exponents of trained weights take a few values. In half
precision two bits of the fraction are among them."""
SMALLEST_ENTROPY = 7.5
"""Bits that the lowest byte has, at least: a fraction's are all but uniform."""
LARGEST_DISTANCE = 0.15
"""Total variation between the magnitudes of negative and of positive values: weights are symmetrical, two's complement
numbers, texts and pictures are not."""


def looks_like_floats(block: bytes) -> bool:
    """Whether values of two or four bytes, at any alignment, have the shape of weights."""
    return len(block) >= FEWEST and any(
        _is_array(np.frombuffer(block, np.uint8, (len(block) - first) // width * width, first).reshape(-1, width))
        for width in (2, 4)
        for first in range(width)
    )


def _is_array(values: NDArray[np.uint8]) -> bool:
    top, lowest = values[:, -1], values[:, 0]
    counts = np.bincount(top, minlength=256).reshape(2, 128).astype(np.float64)
    signs = counts.sum(axis=1)
    if not 0.35 < signs[0] / signs.sum() < 0.65:  # noqa: PLR2004  about as many of either sign
        return False
    distance = 0.5 * np.abs(counts[0] / signs[0] - counts[1] / signs[1]).sum()
    return bool(
        distance < LARGEST_DISTANCE
        and _entropy(counts.sum(axis=0)) < LARGEST_ENTROPY
        and _entropy(np.bincount(lowest, minlength=256).astype(np.float64)) > SMALLEST_ENTROPY
    )


def _entropy(counts: NDArray[np.float64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
