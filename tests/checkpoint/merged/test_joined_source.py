"""Adapter and base are read through one source, which does what every source must."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.merged.joined_source import IN_BASE, JoinedSource
from independence_audit.errors import ReadError
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract


class _ShortSource(MemorySource):
    """Announces more than it has."""

    def files(self) -> dict[str, int]:
        return {name: len(content) for name, content in CONTENT.items()}

    def read(self, name: str, start: int, into: memoryview) -> None:
        MemorySource(self.content).read(name, start, into)


class TestJoinedSource(SourceContract):
    """The contract, on the adapter's files."""

    @pytest.fixture
    def source(self) -> ByteSource:
        """The files as the adapter's."""
        return JoinedSource(MemorySource(CONTENT), MemorySource({}))

    @pytest.fixture
    def short_source(self) -> ByteSource:
        """The large file of the adapter ends early."""
        short = _ShortSource({**CONTENT, LARGE: CONTENT[LARGE][:-SHORT_BY]})
        return JoinedSource(short, MemorySource({}))


def test_files_of_one_name_are_kept_apart() -> None:
    """A base's model.safetensors is another file than the adapter's."""
    source = JoinedSource(MemorySource({LARGE: b"mine"}), MemorySource({LARGE: b"other"}))
    assert source.files() == {LARGE: 4, f"{IN_BASE}{LARGE}": 5}
    assert set(source.states()) == set(source.files())
    mine, other = bytearray(4), bytearray(5)
    source.read(LARGE, 0, memoryview(mine))
    source.read(f"{IN_BASE}{LARGE}", 0, memoryview(other))
    assert bytes(mine + other) == b"mineother"
    with pytest.raises(ReadError):
        source.read(f"{IN_BASE}nothing", 0, memoryview(mine))
    source.close()
