"""Where the library's folders are."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.errors import UsageError
from independence_audit.fingerprint.library import own_folder, shelf, shipped_folder


def test_the_named_folder_goes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--library``, then ``AUDIT_LIBRARY``; neither need exist."""
    monkeypatch.setenv("AUDIT_LIBRARY", str(tmp_path / "b"))
    assert own_folder(str(tmp_path / "a")) == tmp_path / "a"
    assert own_folder() == tmp_path / "b"


def test_otherwise_it_is_the_platforms_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable counts as none."""
    monkeypatch.setenv("AUDIT_LIBRARY", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_folder().name == "independence-audit"
    assert own_folder().is_relative_to(tmp_path)


def test_a_file_is_no_library(tmp_path: Path) -> None:
    """Wrong usage, told before anything is read."""
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="not a folder"):
        own_folder(str(tmp_path / "notes.txt"))


def test_an_installed_package_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel brings the folder inside the package."""
    package = tmp_path / "independence_audit"
    (package / "shipped").mkdir(parents=True)
    monkeypatch.setattr(shelf, "__file__", str(package / "fingerprint" / "library" / "shelf.py"))
    assert shipped_folder() == package / "shipped"


@pytest.mark.parametrize("named", ["~nobody-of-that-name/library", "a" * 5000])
def test_a_folder_that_cannot_be(named: str) -> None:
    """No such user, or no possible path: a setting is wrong, not the program."""
    with pytest.raises(UsageError) as caught:
        own_folder(named)
    assert len(caught.value.message) < 200
