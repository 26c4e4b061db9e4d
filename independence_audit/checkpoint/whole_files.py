"""Whole files of a source: the bytes of small ones, the digests of large ones."""

from __future__ import annotations

import hashlib

from independence_audit.checkpoint.model import ByteSource

BUFFER_SIZE = 16 << 20
"""Bytes read at a time: large enough for disks and networks, small beside everything else in memory."""


def file_bytes(source: ByteSource, name: str) -> bytes:
    """All bytes of one file, which must be known to be small.

    Raises:
        ReadError: The file could not be read completely.
    """
    content = bytearray(source.files()[name])
    source.read(name, 0, memoryview(content))
    return bytes(content)


def file_sha256(source: ByteSource, name: str, buffer_size: int = BUFFER_SIZE) -> str:
    """The SHA-256 of all bytes of one file, in hexadecimal; at most ``buffer_size`` bytes are in memory.

    Raises:
        ReadError: The file could not be read completely.
    """
    size = source.files()[name]
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(buffer_size, size)))
    for start in range(0, size, buffer_size):
        piece = buffer[: min(buffer_size, size - start)]
        source.read(name, start, piece)
        digest.update(piece)
    return digest.hexdigest()
