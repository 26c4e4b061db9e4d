"""Small files are read within bounds, whatever lies in their place."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from independence_audit.core.bounded import read_bounded


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    """Up to the last byte that is allowed, through a link as well, and from files whose size is not known."""
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "empty").touch()
    assert read_bounded(tmp_path / "a", 5) == b"12345"
    assert read_bounded(str(tmp_path / "link"), 5) == b"12345"
    assert read_bounded(tmp_path / "empty", 0) == b""
    if Path("/proc/self/status").is_file():
        assert read_bounded("/proc/self/status", 100_000).startswith(b"Name:")  # its size is said to be 0


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is looked at first: a terabyte of nothing is refused at once."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr("independence_audit.core.bounded._PIECE", None)  # any read would fail on it
    with pytest.raises(OSError, match="over 4,000,000 bytes"):
        read_bounded(tmp_path / "huge", 4_000_000)


def test_a_file_without_a_size_is_bounded_too(tmp_path: Path) -> None:
    """The system says 0 bytes of files in /proc; what they deliver counts."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("there is no /proc")
    with pytest.raises(OSError, match="over 10 bytes"):
        read_bounded("/proc/self/status", 10)


def test_nothing_but_files_is_read(tmp_path: Path) -> None:
    """A pipe nobody feeds, a device without end, a socket and a folder are refused at once, each by its name."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe"):
        read_bounded(tmp_path / "pipe", 10)
    with pytest.raises(OSError, match="a device"):
        read_bounded("/dev/zero", 10)
    with pytest.raises(OSError, match="it is a folder"):
        read_bounded(tmp_path, 10)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        with pytest.raises(OSError) as caught:  # noqa: PT011  the system's own words
            read_bounded(tmp_path / "s", 10)
    assert caught.value.strerror


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "missing", ""])
def test_names_that_nothing_has(name: str) -> None:
    """Whatever a name holds, the error is the system's kind and says why."""
    with pytest.raises(OSError) as caught:  # noqa: PT011  the system's own words
        read_bounded(name, 10)
    assert caught.value.strerror
