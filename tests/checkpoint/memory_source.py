"""The byte source of the tests: files in memory."""

from __future__ import annotations

from collections.abc import Mapping

from independence_audit.checkpoint.sources.range_requests import ReadsOneByOne, check_range
from independence_audit.checkpoint.tensors import State


class MemorySource(ReadsOneByOne):
    """Files by name and content, on this machine or as if they lay far away."""

    def __init__(self, content: Mapping[str, bytes], name: str = "memory", *, near: bool = True) -> None:
        self.name = name
        self.near = near
        self.content = content

    def files(self) -> Mapping[str, int]:
        """Every file with its size."""
        return {name: len(content) for name, content in self.content.items()}

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Copy bytes out of a file."""
        check_range(self.files(), name, start, into.nbytes)
        into[:] = self.content[name][start : start + into.nbytes]

    def states(self) -> Mapping[str, State]:
        """Sizes; nothing else tells them apart."""
        return {name: (size,) for name, size in self.files().items()}

    def confirm(self) -> None:
        """Nothing changes."""

    def close(self) -> None:
        """Nothing is open."""
