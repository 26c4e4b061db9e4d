"""Reading a small file whole: a regular one of bounded size, never a pipe that nobody feeds or a device without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_PIECE = 1 << 20


def read_bounded(path: str | Path, most: int) -> bytes:
    """All bytes of a small file; its size is looked at before any of it is read.

    Args:
        path: The file; symbolic links are followed.
        most: Bytes that it may have.

    Raises:
        OSError: The file is not there, is no regular file, has more bytes (``EFBIG``), or could not be read;
            ``strerror`` always says why, in words that fit after "cannot be read:".
    """
    try:
        # O_NONBLOCK: opening a pipe returns at once, so that it can be refused.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a character that no name of a file can have
        raise OSError(errno.EINVAL, "no file can have that name") from error
    try:
        return _content(descriptor, most)
    finally:
        os.close(descriptor)


def kind_of(mode: int) -> str:
    """What something in a folder is, by its ``st_mode``."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")


def _content(descriptor: int, most: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_of(status.st_mode)}, not a regular file")
    content = bytearray()
    if status.st_size <= most:
        while piece := os.read(descriptor, min(_PIECE, most + 1 - len(content))):
            content += piece
    if max(status.st_size, len(content)) > most:
        raise OSError(errno.EFBIG, f"it has over {most:,} bytes, too many for what it is")
    return bytes(content)
