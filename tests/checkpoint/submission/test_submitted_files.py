"""Everything below a submission's folder is found, or it is said why it was not looked into."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from independence_audit.checkpoint.sources.local import LocalSource
from independence_audit.checkpoint.submission import submitted_files
from independence_audit.checkpoint.submission.submitted_files import siblings_of, submission_of
from independence_audit.checkpoint.tensors import ByteSource, Checkpoint
from tests.checkpoint.memory_source import MemorySource

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files at several depths."""
    folder = tmp_path / "model"
    for name, content in {WEIGHTS: b"weights", "README.md": b"#", ".cache/a/b": b"12", "empty/none": b""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


SIZES = {WEIGHTS: 7, "README.md": 1, ".cache/a/b": 2, "empty/none": 0}


def checkpoint(source: ByteSource, *, by_itself: bool = False) -> Checkpoint:
    """A checkpoint whose weights are one file."""
    return Checkpoint(source, {WEIGHTS: 7}, {}, {}, {}, by_itself=by_itself)


def near(folder: Path, *, by_itself: bool = False) -> Checkpoint:
    """A checkpoint of a folder on this machine."""
    return checkpoint(LocalSource(folder, [WEIGHTS], "model"), by_itself=by_itself)


def found_in(folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Files with their sizes, and what could not be looked into."""
    own = near(folder)
    found = submission_of(str(folder), own)
    own.source.close()
    return dict(found.sizes), dict(found.untold)


def test_all_files_below_a_folder(folder: Path) -> None:
    """Hidden ones and empty ones, whether the folder was named or its index; each can be read."""
    for named in (folder, folder / "model.safetensors.index.json"):
        own = near(folder)
        found = submission_of(str(named), own)
        assert (found.sizes, found.untold, found.folder) == (SIZES, {}, folder)
        source, into = found.open(".cache/a/b"), bytearray(2)
        source.read(".cache/a/b", 0, memoryview(into))
        assert into == b"12"
        source.close()
        own.source.close()


def test_a_file_that_was_named_by_itself_is_all(folder: Path) -> None:
    """What lies beside it is said to be there, and is not submitted; of a folder nothing lies beside it."""
    own = near(folder, by_itself=True)
    assert submission_of(str(folder / WEIGHTS), own).sizes == {WEIGHTS: 7}
    assert siblings_of(str(folder / WEIGHTS), own) == {"README.md": 1}
    own.source.close()
    whole = near(folder)
    assert siblings_of(str(folder), whole) == {}
    whole.source.close()


def test_files_elsewhere_are_those_that_are_listed() -> None:
    """They are read from the checkpoint's own source; beside a far file nothing can be seen."""
    far = MemorySource({WEIGHTS: b"weights", "README.md": b"#"}, "team/toy", near=False)
    found = submission_of("team/toy", checkpoint(far))
    assert (found.sizes, found.untold, found.folder) == ({WEIGHTS: 7, "README.md": 1}, {}, None)
    assert found.open("README.md") is far
    alone = checkpoint(far, by_itself=True)
    assert submission_of("s3://a/model.safetensors", alone).sizes == {WEIGHTS: 7}
    assert siblings_of("s3://a/model.safetensors", alone) == {}


def test_links_are_followed_once(folder: Path, tmp_path: Path) -> None:
    """Files wherever they lie, folders of the submission where they are met anyway, and no others: these are said."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere.bin").write_bytes(b"123")
    (folder / "file").symlink_to(tmp_path / "elsewhere.bin")
    (folder / "again").symlink_to(folder)
    (folder / ".cache/up").symlink_to(folder / "empty")
    (folder / "outside").symlink_to(tmp_path / "elsewhere")
    (folder / "nothing").symlink_to(tmp_path / "none")
    assert found_in(folder) == (SIZES | {"file": 3}, {"outside": "link_outside"})


def test_a_folder_whose_name_begins_alike_is_outside(folder: Path, tmp_path: Path) -> None:
    """``model-2`` is no part of ``model``."""
    (tmp_path / "model-2").mkdir()
    (folder / "link").symlink_to(tmp_path / "model-2")
    assert found_in(folder) == (SIZES, {"link": "link_outside"})


def test_what_is_no_file_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe and a socket hold bytes that nobody can look at beforehand."""
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert found_in(folder) == (SIZES, {"pipe": "special", "socket": "special"})


def test_folders_without_end_are_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too deep, or too many entries: what was seen until then counts, and the rest is not passed in silence."""
    monkeypatch.setattr(submitted_files, "DEEPEST", 1)
    assert found_in(folder) == (
        {name: size for name, size in SIZES.items() if "/a/" not in name},
        {".cache/a": "too_deep"},
    )
    monkeypatch.setattr(submitted_files, "MOST_ENTRIES", 3)
    sizes, untold = found_in(folder)
    assert len(sizes) < len(SIZES)
    assert untold["."] == "too_many_files"


def test_a_folder_that_cannot_be_listed_is_said(folder: Path, tmp_path: Path) -> None:
    """One that is gone when it is looked at is not taken for an empty one."""
    own = near(folder)
    folder.rename(tmp_path / "moved")
    found = submission_of(str(folder / WEIGHTS), own)
    assert (found.sizes, found.untold) == ({}, {".": "unlistable"})
    own.source.close()
