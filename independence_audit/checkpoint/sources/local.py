"""The byte source for files on this machine: positioned reads into the caller's buffer, never a memory map.

A map turns a file that shrinks into a dead process (SIGBUS) and is many times slower on network file systems.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from independence_audit.checkpoint.sources.range_requests import ReadsOneByOne, check_range
from independence_audit.checkpoint.tensors import State
from independence_audit.core.outside_names import quoted
from independence_audit.errors import ChangedError, MissingError, ReadError, UnsupportedError

_STABLE = "Audit a checkpoint that nothing writes to any more."


class _State(NamedTuple):
    """What tells that a file is still the one that was opened.

    A time of modification can be set back; the time of the status's last change cannot, and a file that took the
    place of another has another number.
    """

    size: int
    modified_ns: int
    changed_ns: int
    device: int
    inode: int


class LocalSource(ReadsOneByOne):
    """Files of one folder, by name; symbolic links are followed, because caches of the Hub consist of them.

    Reads may run in several threads at once; :meth:`close` may not run beside them.
    """

    __slots__ = ("_closed", "_descriptors", "_lock", "_root", "_sizes", "_states", "name", "near")

    def __init__(self, root: Path, files: Iterable[str], name: str) -> None:
        """Look at the files without opening them.

        Args:
            root: The folder.
            files: Names in it.
            name: How the source is called in reports.

        Raises:
            MissingError: A file does not exist, or a link points nowhere.
            UnsupportedError: A file is a pipe, a device or a folder.
            ReadError: A file may not be looked at.
        """
        self.name = name
        self.near = True
        self._root = root
        self._states = {file: _look_at(root, file) for file in files}
        self._sizes = MappingProxyType({file: state.size for file, state in self._states.items()})
        self._descriptors: dict[str, int] = {}
        self._lock = Lock()
        self._closed = False

    def files(self) -> Mapping[str, int]:
        """Every file by its name, with its size in bytes."""
        return self._sizes

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill ``into`` with the bytes of file ``name`` from ``start`` on.

        Raises:
            ReadError: The range is not in the file, or the system could not read it.
            ChangedError: The file changed since the source was made.
        """
        check_range(self._sizes, name, start, into.nbytes)
        try:
            descriptor = self._descriptor(name)
            target = into.cast("B")
            filled = 0
            while filled < len(target):
                count = os.preadv(descriptor, [target[filled:]], start + filled)
                if count == 0:
                    raise ChangedError(f"{quoted(name)} ended early while it was read.", _STABLE)
                filled += count
            self._compare(name, os.fstat(descriptor))
        except OSError as error:
            raise ReadError(f"{quoted(name)} could not be read: {error.strerror}.") from error

    def states(self) -> Mapping[str, State]:
        """Size, times and number of every file when the source was made."""
        return dict(self._states)

    def confirm(self) -> None:
        """Look at every file once more.

        Raises:
            ChangedError: One is no longer the one that was opened.
            MissingError: One is no longer there.
            ReadError: One may not be looked at any more.
        """
        for name, state in self._states.items():
            if _look_at(self._root, name) != state:
                raise _changed(name)

    def _compare(self, name: str, status: os.stat_result) -> None:
        """Raise where an open file is no longer the one that was looked at."""
        if _state(status) != self._states[name]:
            raise _changed(name)

    def close(self) -> None:
        """Close all files; nothing can be read afterwards."""
        with self._lock:
            self._closed = True
            while self._descriptors:
                os.close(self._descriptors.popitem()[1])

    def _descriptor(self, name: str) -> int:
        """The open file descriptor of a file, opened when it is first read."""
        with self._lock:
            if self._closed:
                raise ReadError(f"{quoted(self.name)} is closed and cannot be read any more.")
            if name not in self._descriptors:
                # O_NONBLOCK: a pipe that took the file's place must not stop the program; its first read fails.
                self._descriptors[name] = os.open(self._root / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            return self._descriptors[name]


def display_name(name: str) -> str:
    """A file system's name as text that any report can hold: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _look_at(root: Path, file: str) -> _State:
    """The state of a regular file."""
    if display_name(file) != file:
        raise UnsupportedError(f"The file name {quoted(file)} is not valid UTF-8.", "Rename the file.")
    try:
        status = os.stat(root / file)  # noqa: PTH116 - beside os.fstat, which Path does not have
    except FileNotFoundError as error:
        raise MissingError(f"{quoted(file)} does not exist, or is a link that points nowhere.") from error
    except OSError as error:
        raise ReadError(f"{quoted(file)} could not be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnsupportedError(
            f"{quoted(file)} is not a regular file.", "Copy what it delivers into a file, and give that."
        )
    return _state(status)


def _state(status: os.stat_result) -> _State:
    """The part of a file's status that changes when its bytes do."""
    return _State(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev, status.st_ino)


def _changed(name: str) -> ChangedError:
    """The error for a file that something wrote to, or put in the place of the one that was opened."""
    return ChangedError(f"{quoted(name)} was changed while it was read.", _STABLE)
