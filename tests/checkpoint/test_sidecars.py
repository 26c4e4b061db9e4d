"""The configuration and other small files beside the weights."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from independence_audit.checkpoint import Notice
from independence_audit.checkpoint.sidecars import LARGEST, MAX_CONFIG_BYTES, folder_of, read_config, read_sidecar
from independence_audit.errors import MalformedError, ReadError
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


def test_sidecars_on_this_machine_are_looked_for_in_the_folder(tmp_path: Path) -> None:
    """Of a folder, and of a file in it, whatever its source lists: a card is no file of a checkpoint."""
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "README.md").write_bytes(b"# A model")
    nothing = MemorySource({})
    for name in (tmp_path, tmp_path / "model.safetensors"):
        assert folder_of(str(name)) == tmp_path
        assert read_sidecar(str(name), nothing, "README.md") == b"# A model"
        assert read_sidecar(str(name), nothing, "LICENSE") is None


def test_sidecars_elsewhere_are_asked_of_the_source() -> None:
    """What is no path of this machine has the files that its source lists."""
    source = MemorySource({"README.md": b"# A model"}, near=False)
    assert folder_of("team/toy") is None
    assert read_sidecar("team/toy", source, "README.md") == b"# A model"
    assert read_sidecar("team/toy", source, "LICENSE") is None


def test_sidecars_that_are_too_large_are_refused(tmp_path: Path) -> None:
    """A card of megabytes is none, here and elsewhere, and is not taken for a missing one."""
    content = bytes(LARGEST + 1)
    (tmp_path / "README.md").write_bytes(content)
    for name in (str(tmp_path), "team/toy"):
        with pytest.raises(MalformedError, match=f"'README.md' has over {LARGEST} bytes, too many"):
            read_sidecar(name, MemorySource({"README.md": content}, near=False), "README.md")
