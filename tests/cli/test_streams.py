"""Stdout and stderr as they are given to the program: closed, full, without a reader, or in a poorer encoding."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from independence_audit.cli.streams import ReaderGoneError, UnprintedError, own_streams
from independence_audit.errors import AuditError

ROOT = Path(__file__).resolve().parents[2]
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
PRINTS = """
import sys
from independence_audit.cli.streams import own_streams
before = sys.stdout
try:
    with own_streams():
        for number in range(3):
            try:
                print(number, "한" * 100, flush=True)
            except Exception as error:
                print(type(error).__name__, error.exit_code, error, file=sys.stderr)
finally:
    assert sys.stdout is before
"""
"""Prints three lines; every error is told on stderr."""


def ran(program: str, *, stdout: int | IO[bytes] = subprocess.PIPE, **variables: str) -> tuple[str, str]:
    """What a program of its own put on stdout and stderr; it has to end well."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | variables,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    return (ended.stdout or b"").decode(), ended.stderr.decode()


def test_streams_that_something_else_put_there_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test runner or a notebook shows what is printed its own way."""
    theirs = io.StringIO()
    monkeypatch.setattr(sys, "stdout", theirs)
    with own_streams():
        print("shown")  # noqa: T201  what is tried
        assert sys.stdout is theirs
    assert theirs.getvalue() == "shown\n"


def test_streams_are_given_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ended the program."""
    theirs = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", theirs[0])
    monkeypatch.setattr(sys, "stderr", theirs[1])
    with pytest.raises(ZeroDivisionError), own_streams():
        raise ZeroDivisionError
    assert (sys.stdout, sys.stderr) == theirs


@FULL
def test_a_full_disk_is_told_once() -> None:
    """What follows the first failure is dropped: one sentence is enough."""
    with Path("/dev/full").open("wb") as full:
        _, said = ran(PRINTS, stdout=full)
    assert said == ("UnprintedError 4 What belongs on stdout could not be written there: No space left on device.\n")


def test_a_reader_that_has_gone_is_no_error_to_tell() -> None:
    """As ``head`` goes: the exit code is that of shells for a broken pipe, and there is no sentence."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        _, said = ran(PRINTS, stdout=writing)
    finally:
        os.close(writing)
    assert said == "ReaderGoneError 141 \n"
    assert not issubclass(ReaderGoneError, UnprintedError)


def test_a_character_that_a_console_lacks_ends_no_report() -> None:
    """On stdout a mark stands for it, on stderr its number."""
    program = PRINTS.replace("flush=True)", "flush=True); print('한', file=sys.stderr)")
    printed, said = ran(program, PYTHONIOENCODING="ascii")
    assert printed.splitlines()[0] == "0 " + "?" * 100
    assert said.splitlines() == ["\\ud55c"] * 3


CLOSED = """
import os, sys
for number in (0, 1, 2):
    os.close(number)
from independence_audit.cli.streams import UnprintedError, own_streams
said = []
with own_streams():
    ours = open(os.devnull)
    print("to nobody", file=sys.stderr)
    try:
        print("lost", flush=True)
    except UnprintedError as error:
        said.append(error.message)
sys.exit(0 if ours.fileno() > 2 and "Bad file descriptor" in said[0] else 1)
"""


def test_a_closed_stdout_gets_no_file_of_ours() -> None:
    """A file that is opened next would get its number, and the report with it; stderr may be closed unseen."""
    assert ran(CLOSED) == ("", "")


def test_both_errors_are_caught_as_errors_of_the_program() -> None:
    """With exit codes that are neither a pass nor a finding."""
    assert issubclass(UnprintedError, AuditError)
    assert issubclass(ReaderGoneError, AuditError)
    assert (UnprintedError.exit_code, ReaderGoneError.exit_code) == (4, 141)
