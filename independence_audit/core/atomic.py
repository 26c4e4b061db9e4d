"""Writing a file whole or not at all: prepared beside its place under a name that nobody can guess, then moved there.

Only a regular file is ever replaced: a link, a device or a pipe in the place is refused, and so left as it is.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from independence_audit.core.bounded import kind_of

PREFIX = ".audit-"
"""How the names of unfinished files begin; they are short whatever the name of the file will be."""

_PROBE = bytes(4096)
"""Written to learn whether anything can be: a full disk or quota still makes empty files."""

_PERMISSIONS = 0o777
"""Of a mode; programs that run as their owner are nothing that an audit writes."""


@contextmanager
def replacing(path: Path, *, durable: bool = True, fresh: bool = False) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place when the block ends and disappears when the block fails.

    Args:
        path: The place, in a folder that exists. A file that is there keeps its permissions.
        durable: Wait until the content is on the disk, so that a power cut leaves the old file or the new one.
        fresh: Refuse to replace anything.

    Raises:
        OSError: Something else than a file is in the place, the disk is full, or the folder may not be written;
            ``strerror`` says why.
    """
    folder = _open_folder(path.parent)
    try:
        with _unfinished(folder, _mode_of(path.name, folder, fresh=fresh)) as (name, file):
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
            _mode_of(path.name, folder, fresh=fresh)  # again: much can happen while an audit writes
            if fresh:
                _link(name, path.name, folder)
            else:
                os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        if durable:
            with suppress(OSError):  # not every file system can: the content is safe by now
                os.fsync(folder)
    finally:
        os.close(folder)


def write_whole(path: Path, content: bytes, *, durable: bool = True, fresh: bool = False) -> None:
    """Write a file, whole or not at all; see :func:`replacing`.

    Raises:
        OSError: The content could not be written; the place is as it was.
    """
    with replacing(path, durable=durable, fresh=fresh) as file:
        file.write(content)


class Place(NamedTuple):
    """Where a file is or would be; equal for all paths to it, whatever links and spellings lead there."""

    device: int
    folder: int
    """The folder's inode."""
    name: str
    """The file's name, as its file system tells names apart."""


def check_place(path: Path) -> Place:
    """Check that a file could be written to a place, without touching what is there.

    Raises:
        OSError: It could not; ``strerror`` says why.
    """
    folder = _open_folder(path.parent)
    try:
        _mode_of(path.name, folder, fresh=False)
        with _unfinished(folder, None) as (unfinished, file):
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
            ignores_case = _lies_in(unfinished.upper(), folder)
        status = os.fstat(folder)
    finally:
        os.close(folder)
    name = unicodedata.normalize("NFC", path.name.casefold()) if ignores_case else path.name
    return Place(status.st_dev, status.st_ino, name)


@contextmanager
def _unfinished(folder: int, mode: int | None) -> Iterator[tuple[str, BinaryIO]]:
    """A new file of this process alone, by its name and open for writing; it is gone afterwards unless it was moved."""
    name = f"{PREFIX}{secrets.token_hex(8)}"
    exclusively = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    taken = False
    try:
        try:
            # The system takes the umask from a new file's mode by itself; that of a replaced file is as it was chosen.
            descriptor = os.open(name, exclusively, 0o666 if mode is None else 0o600, dir_fd=folder)
        except FileExistsError:
            taken = True
            raise
        with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield name, file
    finally:
        if not taken:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


def _open_folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have that name") from error


def _mode_of(name: str, folder: int, *, fresh: bool) -> int | None:
    """The permissions of the file in the place; None where nothing is.

    Raises:
        OSError: What is there is not replaced.
    """
    try:
        # The name of a folder itself, as of ".", is empty.
        status = os.stat(name or ".", dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise OSError(errno.EINVAL, "no file can have that name") from error
    if fresh:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"{kind_of(status.st_mode)} is there, which is not replaced")
    return status.st_mode & _PERMISSIONS


def _link(name: str, place: str, folder: int) -> None:
    """Give a finished file its name, unless the name is taken."""
    try:
        os.link(name, place, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: what can be done is to look and to move
        if _lies_in(place, folder):
            raise
        os.rename(name, place, src_dir_fd=folder, dst_dir_fd=folder)


def _lies_in(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
