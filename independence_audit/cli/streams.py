"""The program's own stdout and stderr: a report that cannot be printed is an error, a message that cannot is none.

Imports only the standard library, besides the errors: it is set up before anything else is loaded.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from independence_audit.errors import AuditError, InputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT, STDERR = 1, 2


class UnprintedError(InputError):
    """What belongs on stdout could not be written there."""


class ReaderGoneError(AuditError):
    """Whoever read stdout has had enough, as ``head`` does; it has no sentence: nobody is there to read it."""

    exit_code = 141
    """128 and the number of SIGPIPE, as shells report a program that this signal ended."""


@contextmanager
def own_streams() -> Iterator[None]:
    """Put streams of our own over the descriptors 1 and 2; streams that something else has put there are left alone."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    if _is_own(sys.stdout, STDOUT):
        sys.stdout = _text(_Stdout(STDOUT, "w", closefd=False), before[0])
    if _is_own(sys.stderr, STDERR):
        sys.stderr = _text(_Stderr(STDERR, "w", closefd=False), before[1])
    try:
        yield
    finally:
        for ours, theirs in ((sys.stdout, before[0]), (sys.stderr, before[1])):
            if ours is not theirs and isinstance(ours, io.TextIOWrapper):
                _settle(ours)
        sys.stdout, sys.stderr = before


class _Stdout(io.FileIO):
    """Descriptor 1: the first failure to write is an error; afterwards it takes everything and keeps nothing."""

    _failed = False

    def write(self, content: ReadableBuffer, /) -> int:
        if self._failed:
            return memoryview(content).nbytes
        try:
            return super().write(content)
        except OSError as error:
            self._failed = True
            if error.errno == errno.EPIPE:
                raise ReaderGoneError("") from error
            raise UnprintedError(
                f"What belongs on stdout could not be written there: {error.strerror}.",
                "The output is not complete; free space, redirect it elsewhere, or write files with -o.",
            ) from error


class _Stderr(io.FileIO):
    """Descriptor 2, which never fails: where a message cannot be written, the exit code still says how it ended."""

    def write(self, content: ReadableBuffer, /) -> int:
        try:
            return super().write(content)
        except OSError:
            return memoryview(content).nbytes


def _fill_closed_descriptors() -> None:
    """Open what was closed, so that no file of ours gets a standard stream's number and is taken for it.

    A closed stdout stays one that cannot be written: what belongs there would be lost in silence.
    """
    for number, mode in ((0, os.O_RDONLY), (STDOUT, os.O_RDONLY), (STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest number that is free, which is this one
            os.set_inheritable(number, True)  # noqa: FBT003  its parameter has no name


def _is_own(stream: object, number: int) -> bool:
    """Whether a stream is the interpreter's own over a descriptor; None stands for one that was closed."""
    if stream is None:
        return True
    return isinstance(stream, io.TextIOWrapper) and stream is (sys.__stdout__, sys.__stderr__)[number - 1]


def _text(raw: io.FileIO, like: io.TextIOWrapper | object) -> io.TextIOWrapper:
    encoding = like.encoding if isinstance(like, io.TextIOWrapper) else "utf-8"
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        # A console that lacks a character must not end the report.
        errors="replace" if raw.fileno() == STDOUT else "backslashreplace",
        line_buffering=raw.isatty() or raw.fileno() == STDERR,
    )


def _settle(stream: io.TextIOWrapper) -> None:
    """Write or drop what a stream holds back; whatever can be said of it was said before."""
    try:
        stream.flush()
    except AuditError:
        stream.flush()
