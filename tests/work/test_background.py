"""Work beside the audit gives the same result and the same error, in whichever process it is done."""

from __future__ import annotations

import subprocess
import sys

import pytest

from independence_audit.errors import ReadError
from independence_audit.work import Background

ALONE = """
import os, signal
from independence_audit.errors import ReadError
from independence_audit.work import Background

def fail():
    raise ReadError("gone", "look for it")

def die():
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done here"

here = os.getpid()
working = Background(os.getpid)
assert working.result() != here and working.result() == working.result()
try:
    Background(fail).result()
except ReadError as error:
    assert (error.message, error.hint) == ("gone", "look for it")
else:
    raise SystemExit("no error")
assert Background(die).result() == "done here"
assert len(Background(lambda: b"x" * 10_000_000).result()) == 10_000_000
Background(lambda: signal.pause())  # never asked for: ends with the program
"""


def test_a_process_of_its_own_answers_for_it() -> None:
    """A program without other threads forks: results of any size arrive whole, so do errors; a death is made up for."""
    subprocess.run([sys.executable, "-c", ALONE], check=True, timeout=60)


def test_with_other_threads_about_it_is_done_when_asked_for() -> None:
    """As under a test runner that has threads; once, and errors are the work's own."""
    asked: list[int] = []

    def work() -> int:
        asked.append(1)
        return len(asked)

    beside = Background(work)
    assert (beside.result(), beside.result()) == (1, 1)

    def fail() -> None:
        raise ReadError("gone", "")

    with pytest.raises(ReadError, match="gone"):
        Background(fail).result()
