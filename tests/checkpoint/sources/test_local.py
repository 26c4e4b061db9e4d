"""Reading files of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from independence_audit.checkpoint import ByteSource, LocalSource
from independence_audit.errors import ChangedError, MissingError, ReadError, UnsupportedError
from tests.checkpoint.descriptors import open_descriptors
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the contract."""
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def local(folder: Path) -> Iterator[LocalSource]:
    """The source for that folder, closed afterwards."""
    source = LocalSource(folder, CONTENT, folder.name)
    yield source
    source.close()


class TestLocalSource(SourceContract):
    @pytest.fixture
    def source(self, local: LocalSource) -> ByteSource:
        """Files in a folder."""
        return local

    @pytest.fixture
    def short_source(self, folder: Path, local: LocalSource) -> ByteSource:
        """A file that shrank after the source was made."""
        os.truncate(folder / LARGE, len(CONTENT[LARGE]) - SHORT_BY)
        return local


def test_nothing_is_open_before_a_read(folder: Path) -> None:
    """A checkpoint of hundreds of shards must not take hundreds of descriptors before it is read."""
    before = open_descriptors()
    source = LocalSource(folder, CONTENT, "folder")
    assert open_descriptors() == before
    source.read(LARGE, 0, memoryview(bytearray(1)))
    assert open_descriptors() == before + 1
    source.close()
    assert open_descriptors() == before


def test_read_in_pieces(local: LocalSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may deliver fewer bytes than asked for; the read goes on until all are there."""
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda fd, views, offset: whole(fd, [views[0][:999]], offset))
    buffer = bytearray(10_000)
    local.read(LARGE, 5, memoryview(buffer))
    assert buffer == CONTENT[LARGE][5:10_005]


def test_early_end(local: LocalSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that ends in the middle of a read is an error."""
    monkeypatch.setattr(os, "preadv", lambda fd, views, offset: 0)
    with pytest.raises(ReadError, match=r"'model\.safetensors' ended early"):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_failing_system_call(local: LocalSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system reports, such as a broken disk, reaches the user as a sentence."""

    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(ReadError, match="could not be read: Input/output error"):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_file_changed_before_it_was_opened(folder: Path, local: LocalSource) -> None:
    """Bytes that are not those whose size was looked at are refused, even if there are as many."""
    (folder / LARGE).write_bytes(CONTENT[LARGE][::-1])
    os.utime(folder / LARGE, ns=(0, 0))
    with pytest.raises(ReadError, match="was changed"):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_file_grown_while_open(folder: Path, local: LocalSource) -> None:
    """A checkpoint that is still being written is not audited."""
    local.read(LARGE, 0, memoryview(bytearray(10)))
    with (folder / LARGE).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ReadError, match="was changed"):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_file_deleted_before_it_was_opened(folder: Path, local: LocalSource) -> None:
    """A file that went away is an error of reading."""
    (folder / LARGE).unlink()
    with pytest.raises(ReadError, match="No such file"):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_pipe_in_place_of_the_file(folder: Path, local: LocalSource) -> None:
    """A pipe that took the file's place neither blocks the program nor delivers bytes."""
    (folder / LARGE).unlink()
    os.mkfifo(folder / LARGE)
    with pytest.raises(ReadError):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_buffer_of_numbers(folder: Path, local: LocalSource) -> None:
    """Arrays of any type can be filled, in several system calls too."""
    values = np.zeros(500, np.float32)
    local.read(LARGE, 8, values.data)
    assert values.tobytes() == CONTENT[LARGE][8:2008]


def test_closed_source(local: LocalSource) -> None:
    """Nothing is read after closing; a descriptor's number may belong to another file by then."""
    local.close()
    with pytest.raises(ReadError, match="is closed"):
        local.read(LARGE, 0, memoryview(bytearray(1)))


def test_links_are_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Caches of the Hub are folders of links."""
    snapshot = tmp_path_factory.mktemp("snapshot")
    (snapshot / LARGE).symlink_to(folder / LARGE)
    source = LocalSource(snapshot, [LARGE], "snapshot")
    assert source.files() == {LARGE: len(CONTENT[LARGE])}
    buffer = bytearray(9)
    source.read(LARGE, 1, memoryview(buffer))
    source.close()
    assert buffer == CONTENT[LARGE][1:10]


def test_missing_file_and_broken_link(tmp_path: Path) -> None:
    """A file that is not there, or a link to nowhere, is missing."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("none", "link"):
        with pytest.raises(MissingError, match=f"'{name}' does not exist"):
            LocalSource(tmp_path, [name], "folder")


def test_link_to_itself(tmp_path: Path) -> None:
    """What cannot even be looked at is an error of reading."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ReadError, match="could not be looked at"):
        LocalSource(tmp_path, ["loop"], "folder")


def test_pipe_and_folder(tmp_path: Path) -> None:
    """Only regular files have bytes at positions."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "sub").mkdir()
    for name in ("pipe", "sub"):
        with pytest.raises(UnsupportedError, match=f"'{name}' is not a regular file"):
            LocalSource(tmp_path, [name], "folder")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems hold UTF-8 names only")
def test_name_that_is_no_text(tmp_path: Path) -> None:
    """A name that no report could hold is refused, with the way out."""
    name = os.fsdecode(b"\xff.safetensors")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UnsupportedError, match="not valid UTF-8") as caught:
        LocalSource(tmp_path, [name], "folder")
    assert caught.value.hint
    caught.value.message.encode()


def _touch_back(path: Path) -> None:
    """Change a byte and set the time of modification back, as somebody would who does not want it to be seen."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    """Put another file of the same size in its place."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    other.replace(path)


@pytest.mark.parametrize("change", [_touch_back, _replace])
def test_changes_are_seen_when_all_is_done(folder: Path, local: LocalSource, change: Callable[[Path], None]) -> None:
    """Size and time of modification may be as before, and nothing more be read: the last look tells."""
    local.read(LARGE, 0, memoryview(bytearray(10)))
    local.confirm()
    change(folder / LARGE)
    with pytest.raises(ChangedError, match=r"'model\.safetensors' was changed while it was read"):
        local.confirm()


def test_a_change_between_two_reads_is_seen_by_the_second(folder: Path, local: LocalSource) -> None:
    """A time that was set back hides nothing."""
    local.read(LARGE, 0, memoryview(bytearray(10)))
    _touch_back(folder / LARGE)
    with pytest.raises(ChangedError):
        local.read(LARGE, 0, memoryview(bytearray(10)))


def test_two_sources_of_the_same_files_have_equal_states(folder: Path, local: LocalSource) -> None:
    """A model that another process read is the one that is opened afterwards, or it is an error."""
    other = LocalSource(folder, CONTENT, "again")
    assert other.states() == local.states()
    _replace(folder / LARGE)
    assert LocalSource(folder, CONTENT, "later").states() != local.states()
