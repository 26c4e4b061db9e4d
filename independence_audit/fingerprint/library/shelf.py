"""Folders of fingerprint files, each with its digest beside it; what is put there appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from independence_audit.core.atomic import write_whole
from independence_audit.core.bounded import read_bounded
from independence_audit.core.outside_names import quoted
from independence_audit.errors import InputError, ReadError, UsageError
from independence_audit.fingerprint.fingerprint_file import SUFFIX

DIGEST_SUFFIX = ".sha256"
"""After a file's name: its digest, in the form that ``sha256sum --check`` reads."""

_DIGEST_LENGTH = 64
_LARGEST_DIGEST = 1000
"""Bytes; a digest and the name of a file have some hundred."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of fingerprints; it need not exist before something is put there."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where a model's fingerprint is, if it is there."""
        return self.folder / file_name(name)

    def holds(self, name: str) -> bool:
        """Whether a model's fingerprint is there, complete with its digest."""
        return self.path(name).is_file() and _digest_path(self.path(name)).is_file()

    def digest(self, name: str) -> str:
        """The digest that was recorded when the fingerprint was put there; empty where its file is damaged.

        Raises:
            ReadError: It could not be read.
        """
        try:
            words = read_bounded(_digest_path(self.path(name)), _LARGEST_DIGEST).split()
        except OSError as error:
            raise ReadError(f"The digest of {name} could not be read: {error.strerror}.") from error
        return words[0].decode("ascii", "replace") if words and len(words[0]) == _DIGEST_LENGTH else ""

    def put(self, name: str, staged: Path) -> Path:
        """Move a file from the staging folder to a model's place, with its digest.

        Raises:
            InputError: It could not be written.
        """
        target, digest = self.path(name), file_digest(staged)
        with writing(self.folder):
            _digest_path(target).unlink(missing_ok=True)  # first: a file with another's digest would look damaged
            staged.replace(target)
            write_whole(_digest_path(target), f"{digest}  {target.name}\n".encode("ascii"))
        return target

    def drop(self, name: str) -> None:
        """Remove a model's fingerprint.

        Raises:
            InputError: It could not be removed.
        """
        with writing(self.folder):
            _digest_path(self.path(name)).unlink(missing_ok=True)
            self.path(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """The models whose fingerprints are there, sorted."""
        found = self.folder.glob(f"*{SUFFIX}") if self.folder.is_dir() else []
        names = [path.name.removesuffix(SUFFIX).replace("__", "/") for path in found]
        return sorted(name for name in names if self.holds(name))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder of this file system to prepare files in; it is removed at the end.

        Raises:
            InputError: It could not be made.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            folder = Path(mkdtemp(prefix=".staging-", dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def file_name(name: str) -> str:
    """The file of a model's fingerprint."""
    return f"{name.replace('/', '__')}{SUFFIX}"


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        ReadError: It could not be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReadError(f"{path.name} could not be read: {error.strerror}.") from error


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + DIGEST_SUFFIX)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell the system's errors while something is written in a folder.

    Raises:
        InputError: The system refused.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The folder {folder.name!r} could not be written to: {error.strerror}.",
            "Free space, or name another folder with --library.",
        ) from error


VARIABLE = "AUDIT_LIBRARY"
_SHOWN = 60
"""Characters of a path in a sentence: its end tells more than its beginning."""


def shipped_folder() -> Path:
    """The catalogue and fingerprints that come with the program: in the installed package, or in its checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "fingerprints"


def _end_of(path: str) -> str:
    """The end of a path as a sentence can show it."""
    return quoted(path if len(path) <= _SHOWN else f"...{path[-_SHOWN:]}")


def own_folder(named: str = "") -> Path:
    """The user's own folder: the one named, or that of ``AUDIT_LIBRARY``, or the platform's place for such data.

    It need not exist yet.

    Raises:
        UsageError: It is no folder.
    """
    from platformdirs import user_data_path

    chosen = named or os.environ.get(VARIABLE, "")
    try:
        folder = Path(chosen).expanduser() if chosen else user_data_path("independence-audit", appauthor=False)
        is_other = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # no such user, or no possible path
        raise UsageError(
            f"The library {_end_of(chosen)} is no folder that can be looked at.",
            f"Name a folder with --library or {VARIABLE}.",
        ) from error
    if is_other:
        raise UsageError(
            f"The library {folder.name!r} is not a folder.", f"Name a folder with --library or {VARIABLE}."
        )
    return folder
