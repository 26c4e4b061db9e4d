"""Reading a small file whole: a regular one of bounded size, never a pipe that nobody feeds or a device without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

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
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        content = bytearray()
        if size <= most:
            while piece := file.read(min(_PIECE, most + 1 - len(content))):
                content += piece
    if max(size, len(content)) > most:
        raise OSError(errno.EFBIG, f"it has over {most:,} bytes, too many for what it is")
    return bytes(content)


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file to be read from its beginning, and refuse what is none.

    Raises:
        OSError: There is none, or it is a pipe, a device, a socket or a folder; ``strerror`` always says why.
    """
    try:
        # O_NONBLOCK: opening a pipe returns at once, so that it can be refused.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a character that no name of a file can have
        raise OSError(errno.EINVAL, "no file can have that name") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, f"it is {kind_of(mode)}, not a regular file")  # noqa: TRY301  closed below
        return open(descriptor, "rb")  # noqa: PTH123  a descriptor has no path; the caller closes it
    except BaseException:
        os.close(descriptor)
        raise


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
