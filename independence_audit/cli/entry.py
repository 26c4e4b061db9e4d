"""The program's entry point: maps every way of ending to an exit code, and imports only the standard library itself."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from independence_audit.cli.streams import own_streams
from independence_audit.errors import AuditError

UNUSABLE = 4
INTERNAL = 70
SIGNALLED = 128
"""And the number of the signal, as shells say it."""

NEEDED = 128 << 20
"""Bytes of addresses: what numpy's library of products takes when it is loaded, doubled."""

_ENDING = ("SIGTERM", "SIGHUP")
"""Signals that ask a program to end; SIGINT already raises what ends it."""
_LOADING = ("failed to map segment", "cannot allocate memory", "too many open files", "cannot enable executable stack")
"""What the system's loader says where it is the system that lacks something."""


class SignalledError(BaseException):
    """A signal asked the program to end: unfinished files are removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; a crash is 70, never the 1 of a finding."""
    # One thread per product: the audit runs its own threads, and sums must not depend on how many cores there are.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    with own_streams(), _signals_raise():
        return _ended(arguments)


def _ended(arguments: Sequence[str] | None) -> int:
    try:
        _reserve(NEEDED)
        from independence_audit.cli.run import run

        code = run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except AuditError as error:  # of stdout alone: all others have become sentences by now
        _say(*(f"error: {error.message}", f"hint: {error.hint}") if error.message else ())
        return error.exit_code
    except KeyboardInterrupt:
        _say("Interrupted.")
        return SIGNALLED + signal.SIGINT
    except SignalledError as error:
        _say(f"Ended by {signal.Signals(error.number).name}.")
        return SIGNALLED + error.number
    except BaseException as error:
        if os.environ.get("AUDIT_TRACEBACK"):
            raise
        return _fault(error)
    return code


def _reserve(size: int) -> None:
    """See that there is memory: where there is too little, the libraries' own code ends the program with status 1.

    Raises:
        OSError: There is not.
    """
    mmap.mmap(-1, size).close()  # only addresses are taken, no memory


def _fault(error: BaseException) -> int:
    """Say whose fault an error is that should not be: the machine's, or the program's own."""
    lacking = _what_is_lacking(error)
    if lacking:
        _say(f"error: {lacking}", "hint: The machine is in the way, not the model; nothing was concluded.")
        return UNUSABLE
    _say(
        f"internal error: {type(error).__name__}: {error}",
        "This is a fault of the program, not a finding. Set AUDIT_TRACEBACK=1 to see where, and report it.",
    )
    return INTERNAL


def _what_is_lacking(error: BaseException) -> str:
    """The sentence of an error that the machine is to blame for; empty for one of the program's own."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return "There is not enough memory."
    if isinstance(error, FileNotFoundError) and not error.filename and not _has_working_folder():
        return "The working folder is not there any more."
    if isinstance(error, OSError):
        return f"The system refused: {error.strerror or error}{f' ({error.filename!r})' if error.filename else ''}."
    if isinstance(error, ImportError) and any(word in str(error).lower() for word in _LOADING):
        return f"A part of the program could not be loaded: {error}."
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "The system allows no more threads."
    return ""


def _has_working_folder() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Make the signals that end a program exceptions, so that what is unfinished is removed; in the main thread."""

    def end(number: int, _: FrameType | None) -> None:
        raise SignalledError(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    # One that is ignored stays so: `nohup` asks for it.
    before = {number: signal.signal(number, end) for number in numbers if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(*sentences: str) -> None:
    """Write sentences to stderr, one a line, whatever the names in them hold."""
    for sentence in sentences:
        shown = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in sentence)
        print(shown, file=sys.stderr)  # noqa: T201  the console may be what failed
