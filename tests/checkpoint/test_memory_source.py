"""The tests' own byte source keeps the contract, so that what is tested with it holds for others."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint import ByteSource
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract


class _ShortSource(MemorySource):
    """Announces more than it has."""

    def files(self) -> dict[str, int]:
        return {name: len(content) for name, content in CONTENT.items()}

    def read(self, name: str, start: int, into: memoryview) -> None:
        MemorySource(self.content).read(name, start, into)


class TestMemorySource(SourceContract):
    @pytest.fixture
    def source(self) -> ByteSource:
        """Files in memory."""
        return MemorySource(CONTENT)

    @pytest.fixture
    def short_source(self) -> ByteSource:
        """Files in memory, one of them cut."""
        return _ShortSource({**CONTENT, LARGE: CONTENT[LARGE][:-SHORT_BY]})
