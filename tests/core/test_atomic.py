"""Files are written whole or not at all, and nothing but a file is ever replaced."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from independence_audit.core.atomic import check_place, replacing, write_whole


@pytest.fixture
def umask() -> Iterator[None]:
    """A usual umask, whatever the one of the tests is."""
    before = os.umask(0o027)
    yield
    os.umask(before)


def found(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_file_is_whole_and_of_the_usual_mode(tmp_path: Path, umask: None) -> None:
    """And nothing else is left."""
    write_whole(tmp_path / "a.toml", b"x = 1")
    assert found(tmp_path) == {"a.toml": b"x = 1"}
    assert stat.S_IMODE((tmp_path / "a.toml").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_mode(tmp_path: Path, umask: None) -> None:
    """What its owner closed to others stays closed, from the first byte on; its other names keep what was there."""
    place = tmp_path / "a"
    place.write_bytes(b"old")
    place.chmod(0o600)
    (tmp_path / "other").hardlink_to(place)
    with replacing(place) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        file.write(b"new")
    assert found(tmp_path) == {"a": b"new", "other": b"old"}
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def fail_after(_: int, failure: type[BaseException]) -> None:
    """Raise."""
    raise failure


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError, MemoryError])
def test_a_failure_leaves_what_was_there(tmp_path: Path, failure: type[BaseException]) -> None:
    """Even an interrupt in the middle, and no unfinished file stays."""
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(failure), replacing(tmp_path / "a") as file:
        fail_after(file.write(b"ne"), failure)
    assert found(tmp_path) == {"a": b"old"}


@pytest.mark.parametrize("step", ["fsync", "rename", "open"])
def test_the_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """At whatever step the disk turns out to be full."""
    (tmp_path / "a").write_bytes(b"old")
    real = os.open

    def refuse(*arguments: Any, **options: Any) -> int:
        if step == "open" and "dir_fd" not in options:
            return real(*arguments)  # the folder can be opened
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new")
    monkeypatch.undo()
    assert found(tmp_path) == {"a": b"old"}


def test_unfinished_files_have_names_nobody_can_guess(tmp_path: Path) -> None:
    """What lies under the old names of unfinished files, links included, is neither followed nor touched."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("a.partial", ".a.partial", f".a.{os.getpid()}.partial"):
        (tmp_path / name).symlink_to(victim)
    names = set()
    for _ in range(2):
        with replacing(tmp_path / "a") as file:
            names |= {path.name for path in tmp_path.iterdir() if path.name.startswith(".audit-")}
            file.write(b"new")
    assert len(names) == 2
    assert victim.read_bytes() == b"precious"
    assert sum(path.is_symlink() for path in tmp_path.iterdir()) == 3


def test_an_unfinished_file_of_another_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the name be taken against all odds, nobody's file is opened, followed or removed."""
    monkeypatch.setattr("secrets.token_hex", lambda count: "taken")
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / ".audit-taken").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", b"new")
    assert found(tmp_path) == {"victim": b"precious", ".audit-taken": b"precious"}


def test_nothing_but_a_file_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links, also those that point nowhere, pipes, folders and devices stay what they are."""
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "nowhere").symlink_to("missing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    places = [
        Path(),
        *(tmp_path / name for name in ("link", "nowhere", "pipe", "folder", ".", "..")),
        Path("/dev/null"),
    ]
    for place in places:
        for refused in (check_place, lambda place: write_whole(place, b"new")):
            with pytest.raises(OSError, match="is there, which is not replaced"):
                refused(place)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert not (tmp_path / "missing").exists()
    assert len(list(tmp_path.iterdir())) == 5


def test_a_link_that_appears_while_writing_is_left_alone(tmp_path: Path) -> None:
    """The place is looked at again before the finished file moves there."""
    (tmp_path / "target").write_bytes(b"precious")
    unfinished = replacing(tmp_path / "a")
    unfinished.__enter__().write(b"new")
    (tmp_path / "a").symlink_to("target")
    with pytest.raises(OSError, match="a link is there"):
        unfinished.__exit__(None, None, None)
    assert found(tmp_path) == {"target": b"precious", "a": b"precious"}


def test_a_folder_that_is_moved_takes_its_file_along(tmp_path: Path) -> None:
    """A link put in the folder's place does not lead the file elsewhere."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    with replacing(tmp_path / "folder" / "a") as file:
        (tmp_path / "folder").rename(tmp_path / "moved")
        (tmp_path / "folder").symlink_to("elsewhere")
        file.write(b"new")
    assert found(tmp_path / "moved") == {"a": b"new"}
    assert found(tmp_path / "elsewhere") == {}


@pytest.mark.parametrize("linking", [True, False], ids=["links", "no links"])
def test_a_fresh_file_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, linking: bool) -> None:
    """Also where it appears while it is written, and on file systems without links."""
    if not linking:

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
    write_whole(tmp_path / "a", b"1", fresh=True)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", b"2", fresh=True)
    unfinished = replacing(tmp_path / "b", fresh=True)
    unfinished.__enter__().write(b"2")
    (tmp_path / "b").write_bytes(b"1")
    with pytest.raises(FileExistsError):
        unfinished.__exit__(None, None, None)
    assert found(tmp_path) == {"a": b"1", "b": b"1"}


def test_a_place_is_known_before_it_is_written(tmp_path: Path) -> None:
    """Nothing is left by the look, not even where a file is there; and two paths to one file are one place."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "way").symlink_to("folder")
    place = tmp_path / "folder" / "a"
    same = [place, tmp_path / "way" / "a", tmp_path / "folder" / ".." / "folder" / "a"]
    assert len({check_place(one) for one in same}) == 1
    place.write_bytes(b"old")
    assert {check_place(one) for one in same} == {check_place(place)}
    assert check_place(tmp_path / "folder" / "b") != check_place(place) != check_place(tmp_path / "a")
    assert found(tmp_path / "folder") == {"a": b"old"}


def test_places_that_differ_in_case_are_one_where_the_file_system_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that ignores case is told by a file that is there under the other case."""
    upper, lower = tmp_path / "A", tmp_path / "a"
    (tmp_path / "probe").touch()
    ignores = (tmp_path / "PROBE").exists()
    assert (check_place(upper) == check_place(lower)) == ignores
    monkeypatch.setattr("independence_audit.core.atomic._lies_in", lambda name, folder: True)
    assert check_place(upper) == check_place(lower)


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 256, "too long"), ("missing/a", "No such file"), ("a\0b", "no file can have that name")]
)
def test_a_place_that_cannot_be(tmp_path: Path, name: str, reason: str) -> None:
    """Is told before anything is written."""
    with pytest.raises(OSError, match=reason):
        check_place(tmp_path / name)
    check_place(tmp_path / ("x" * 255))  # an unfinished file has a short name of its own


def test_a_folder_without_permission(tmp_path: Path) -> None:
    """Is told as well."""
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everywhere")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError):
        check_place(tmp_path / "a")
