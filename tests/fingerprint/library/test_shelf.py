"""One folder of fingerprint files."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from independence_audit.errors import InputError, ReadError
from independence_audit.fingerprint.library.shelf import Shelf, file_digest, file_name


def put(shelf: Shelf, name: str, content: bytes) -> Path:
    """Put a file there."""
    with shelf.staging() as folder:
        staged = folder / "x"
        staged.write_bytes(content)
        return shelf.put(name, staged)


def test_what_was_put_there_is_there_with_its_digest(tmp_path: Path) -> None:
    """And nothing else is left in the folder, which did not exist before."""
    shelf = Shelf(tmp_path / "new" / "shelf")
    path = put(shelf, "example/egg", b"yolk")
    assert path == shelf.path("example/egg") == shelf.folder / "example__egg.fp.safetensors"
    assert path.read_bytes() == b"yolk"
    assert shelf.holds("example/egg")
    assert shelf.digest("example/egg") == hashlib.sha256(b"yolk").hexdigest() == file_digest(path)
    assert sorted(entry.name for entry in shelf.folder.iterdir()) == [path.name, f"{path.name}.sha256"]
    assert shelf.names() == ["example/egg"]


def test_the_digest_is_one_that_common_tools_check(tmp_path: Path) -> None:
    """``sha256sum --check`` says OK."""
    shelf = Shelf(tmp_path)
    put(shelf, "a", b"content")
    command = ["sha256sum", "--check", f"{file_name('a')}.sha256"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_putting_again_replaces(tmp_path: Path) -> None:
    """File and digest together."""
    shelf = Shelf(tmp_path)
    put(shelf, "a", b"old")
    put(shelf, "a", b"new")
    assert shelf.path("a").read_bytes() == b"new"
    assert shelf.digest("a") == hashlib.sha256(b"new").hexdigest()


def test_dropping_leaves_nothing(tmp_path: Path) -> None:
    """Not even the digest; dropping again does no harm."""
    shelf = Shelf(tmp_path)
    put(shelf, "a", b"x")
    shelf.drop("a")
    shelf.drop("a")
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_its_digest_is_not_there(tmp_path: Path) -> None:
    """It may be half of something that was interrupted."""
    shelf = Shelf(tmp_path)
    put(shelf, "a", b"x")
    (tmp_path / f"{file_name('a')}.sha256").unlink()
    assert not shelf.holds("a")
    assert shelf.names() == []


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64 + b"  x"])
def test_a_damaged_digest_matches_nothing(tmp_path: Path, content: bytes) -> None:
    """It is never taken for the digest of a file."""
    shelf = Shelf(tmp_path)
    put(shelf, "a", b"x")
    (tmp_path / f"{file_name('a')}.sha256").write_bytes(content)
    assert shelf.digest("a") != file_digest(shelf.path("a"))


def test_staging_leaves_nothing_behind(tmp_path: Path) -> None:
    """Whatever happens inside."""
    with pytest.raises(FileNotFoundError), Shelf(tmp_path).staging() as folder:
        (folder / "missing" / "half").touch()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With a way out, and no path of the machine."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="could not be written") as caught, Shelf(tmp_path / "file").staging():
        pass
    assert caught.value.hint
    assert str(tmp_path) not in caught.value.message
    with pytest.raises(ReadError):
        file_digest(tmp_path / "nowhere")
    with pytest.raises(ReadError):
        Shelf(tmp_path).digest("nowhere")
