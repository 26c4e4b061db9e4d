"""Small files beside a checkpoint's weights, such as its model card."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from independence_audit.checkpoint.model import ByteSource
from independence_audit.checkpoint.whole_files import file_bytes
from independence_audit.core.bounded import read_bounded
from independence_audit.core.names import quoted
from independence_audit.errors import MalformedError, ReadError

LARGEST = 4_000_000
"""Bytes of a file that is read whole; cards, declarations and signatures have some thousand."""


def folder_of(name: str) -> Path | None:
    """The folder on this machine that a checkpoint's files lie in; None where it lies elsewhere."""
    if not os.path.lexists(name):
        return None
    path = Path(name)
    return path if path.is_dir() else path.parent


def read_beside(name: str, source: ByteSource, file: str) -> bytes | None:
    """All bytes of a file beside a checkpoint's weights; None where there is none.

    Args:
        name: What the user called the checkpoint: on this machine its folder is looked into.
        source: The checkpoint's source, which is asked where it lies elsewhere.
        file: The file's name.

    Raises:
        MalformedError: The file is far too large for what it is said to be.
        ReadError: It is there and could not be read.
    """
    folder = folder_of(name)
    if folder is not None:
        return _read(folder / file)
    size = source.files().get(file)
    if size is None:
        return None
    if size > LARGEST:
        raise _too_large(file)
    return file_bytes(source, file)


def _read(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    try:
        return read_bounded(path, LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_large(path.name) from error
        raise ReadError(
            f"{quoted(path.name)} could not be read: {error.strerror}.", "Check its permissions."
        ) from error


def _too_large(file: str) -> MalformedError:
    return MalformedError(f"{quoted(file)} has over {LARGEST} bytes, too many for what it is.", "Remove it.")
