"""The configuration beside the weights."""

from __future__ import annotations

import math

import pytest

from independence_audit.checkpoint import Notice
from independence_audit.checkpoint.sidecars import MAX_CONFIG_BYTES, read_config
from independence_audit.errors import ReadError
from tests.checkpoint.memory_source import MemorySource


def test_config() -> None:
    """A config is what its JSON says, Python's Infinity included."""
    config, notices = read_config(MemorySource({"c": b'{"hidden_size": 8, "limit": [0.0, Infinity]}'}), "c")
    assert config == {"hidden_size": 8, "limit": [0.0, math.inf]}
    assert notices == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not valid JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"a": [' + b"[]," * 600_000 + b"1]}", "holds more than 1,000,000 values"),
        (b" " * (MAX_CONFIG_BYTES + 1), "has over 10000000 bytes"),
    ],
)
def test_broken_config(content: bytes, reason: str) -> None:
    """A broken config is a notice: the weights can be audited without it."""
    cause = "too_large" if len(content) > MAX_CONFIG_BYTES else "malformed"
    assert read_config(MemorySource({"c": content}), "c") == (
        {},
        (Notice("broken_config", {"file": "c", "reason": reason, "cause": cause}),),
    )


def test_unreadable_config() -> None:
    """A failed read is an error, also here: nothing may look like an answer that is none."""

    class Failing(MemorySource):
        """Cannot be read."""

        def read(self, name: str, start: int, into: memoryview) -> None:
            raise ReadError("gone")

    with pytest.raises(ReadError):
        read_config(Failing({"c": b"{}"}), "c")
