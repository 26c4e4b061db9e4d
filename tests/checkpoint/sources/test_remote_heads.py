"""Reading the heads of files ahead."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources.remote import HeadsFirst
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract


class _Recording(MemorySource):
    """Writes down what is read."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self.reads: list[tuple[str, int, int]] = []

    def read(self, name: str, start: int, into: memoryview) -> None:
        self.reads.append((name, start, into.nbytes))
        super().read(name, start, into)


class _Short(MemorySource):
    """Announces more bytes of the large file than it has."""

    def read(self, name: str, start: int, into: memoryview) -> None:
        MemorySource({**CONTENT, LARGE: CONTENT[LARGE][:-SHORT_BY]}).read(name, start, into)


@pytest.mark.parametrize("head", [1, 5000, 1_000_000])
class TestHeadsFirst(SourceContract):
    @pytest.fixture
    def source(self, head: int) -> ByteSource:
        """Files in memory behind heads of several lengths."""
        return HeadsFirst(MemorySource(CONTENT), head)

    @pytest.fixture
    def short_source(self, head: int) -> ByteSource:
        """Files of which one is shorter than announced."""
        return HeadsFirst(_Short(CONTENT), head)


def test_header_in_one_read() -> None:
    """Length and header together are one read where they fit into the head, and two where they do not."""
    recording = _Recording()
    source = HeadsFirst(recording, 1000)
    source.read(LARGE, 0, memoryview(bytearray(8)))
    source.read(LARGE, 8, memoryview(bytearray(900)))
    assert recording.reads == [(LARGE, 0, 1000)]
    rest = bytearray(3000)
    source.read(LARGE, 8, memoryview(rest))
    assert recording.reads == [(LARGE, 0, 1000), (LARGE, 1000, 2008)]
    assert rest == CONTENT[LARGE][8:3008]


def test_whole_file_is_read_at_once() -> None:
    """A read that is longer than the head is not split in two."""
    recording = _Recording()
    HeadsFirst(recording, 1000).read(LARGE, 0, memoryview(bytearray(200_000)))
    assert recording.reads == [(LARGE, 0, 200_000)]
