"""Two byte sources as one: an adapter's files under their own names, its base's under names that no file can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from independence_audit.checkpoint.tensors import ByteSource, Span, State

IN_BASE = "base://"
"""Begins the names of the base's files: no file below a folder has two slashes in its name."""


class JoinedSource:
    """Reads an adapter's files and its base's.

    Implements :class:`~independence_audit.checkpoint.tensors.ByteSource`.
    """

    def __init__(self, adapter: ByteSource, base: ByteSource) -> None:
        self.name = adapter.name
        self.near = adapter.near and base.near
        self._adapter = adapter
        self._base = base

    def files(self) -> Mapping[str, int]:
        """Every file of both with its size."""
        return {**self._adapter.files(), **{IN_BASE + name: size for name, size in self._base.files().items()}}

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` from a file of either.

        Raises:
            ReadError: The bytes could not be read.
        """
        self.read_many(name, [(start, into)])

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Fill every span from a file of either.

        Raises:
            ReadError: A span could not be read.
        """
        if name.startswith(IN_BASE):
            self._base.read_many(name.removeprefix(IN_BASE), spans)
        else:
            self._adapter.read_many(name, spans)

    def states(self) -> Mapping[str, State]:
        """Those of both."""
        return {**self._adapter.states(), **{IN_BASE + name: state for name, state in self._base.states().items()}}

    def confirm(self) -> None:
        """Look once more at both.

        Raises:
            ChangedError: A file is no longer the one that was opened.
            ReadError: That could not be looked at.
        """
        self._adapter.confirm()
        self._base.confirm()

    def close(self) -> None:
        """Close both."""
        self._adapter.close()
        self._base.close()
