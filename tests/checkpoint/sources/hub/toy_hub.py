"""The repository that tests of the Hub read from, how they connect to it, and what they read."""

from __future__ import annotations

from collections.abc import Callable

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.hub_source import HubSource
from tests.checkpoint.source_contract import LARGE

NAME = HubName("team/toy")
TRIES = 3
Connect = Callable[..., HubSource]


def read(source: ByteSource, start: int, stop: int, name: str = LARGE) -> bytes:
    """Bytes of a file."""
    buffer = bytearray(stop - start)
    source.read(name, start, memoryview(buffer))
    return bytes(buffer)
