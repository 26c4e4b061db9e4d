"""Whole files: bytes and digests."""

from __future__ import annotations

import hashlib

import pytest

from independence_audit.checkpoint.sidecars import file_bytes, file_sha256
from independence_audit.errors import ReadError
from tests.checkpoint.memory_source import MemorySource

CONTENT = bytes(range(256)) * 5


@pytest.mark.parametrize("buffer_size", [1, 7, 256, 1279, 1280, 1281, 1 << 20])
def test_digest_does_not_depend_on_the_buffer(buffer_size: int) -> None:
    """However a file is cut into pieces, its digest is that of its bytes."""
    source = MemorySource({"file": CONTENT})
    assert file_sha256(source, "file", buffer_size) == hashlib.sha256(CONTENT).hexdigest()


def test_digest_of_nothing() -> None:
    """An empty file has the digest of no bytes."""
    assert file_sha256(MemorySource({"file": b""}), "file") == hashlib.sha256().hexdigest()


def test_digest_of_a_failing_read() -> None:
    """A digest of half a file is never given."""

    class Failing(MemorySource):
        """Fails at the second piece."""

        def read(self, name: str, start: int, into: memoryview) -> None:
            if start:
                raise ReadError("gone")
            super().read(name, start, into)

    with pytest.raises(ReadError):
        file_sha256(Failing({"file": CONTENT}), "file", 100)


def test_bytes() -> None:
    """All bytes of a small file."""
    assert file_bytes(MemorySource({"file": CONTENT}), "file") == CONTENT
