"""One total deadline for a piece of work over a network, whatever the other side does meanwhile.

A timeout of a socket counts from the last byte: a server that sends one byte a minute, or headers without an end, never
meets it, and a name that is looked up has none at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from threading import Event, Thread
from time import monotonic
from typing import Generic, TypeVar

from independence_audit.errors import UsageError

Result = TypeVar("Result")

REQUEST_VARIABLE = "AUDIT_REQUEST_SECONDS"
"""Names the seconds that one request may take beside the time for its bytes."""
REQUEST = 60.0
"""Seconds for the answer to begin and for its first bytes: six times what the Hub's own library waits for one byte."""
SLOWEST = 50_000.0
"""Bytes a second below which a connection counts as broken: a file of 1 GB would take five hours and a half."""
PULL_VARIABLE = "AUDIT_PULL_SECONDS"
"""Names the seconds that a whole pull may take."""
PULL = 4 * 3600.0
"""Seconds; the sample of a model with 1 T parameters, some 20 GB, takes an hour at 6 MB a second."""
_LONGEST = 1e8


class LateError(Exception):
    """The time is over; what was begun is left to itself."""


@dataclass
class _Outcome(Generic[Result]):
    """What a thread leaves behind."""

    results: list[Result] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


def within(seconds: float, work: Callable[[Event], Result], first: float = inf) -> Result:
    """What the work returns or raises, if that is within some seconds.

    The work runs in a thread of its own. One that is late is not waited for, and does not keep the program from ending.

    Args:
        seconds: For all of it.
        work: Sets the event that it is given as soon as an answer has begun.
        first: Seconds for the answer to begin.

    Raises:
        LateError: The time is over.
    """
    outcome: _Outcome[Result] = _Outcome()
    begun = Event()

    def run() -> None:
        try:
            outcome.results.append(work(begun))
        except BaseException as error:  # noqa: BLE001  it is raised where the result is waited for
            outcome.errors.append(error)
        finally:
            begun.set()

    thread = Thread(target=run, daemon=True)
    thread.start()
    if begun.wait(min(first, seconds)):
        thread.join(seconds)
    if outcome.errors:
        raise outcome.errors[0]
    if not outcome.results:
        raise LateError
    return outcome.results[0]


def request_seconds(size: int = 0) -> float:
    """The seconds that a request for some bytes may take in all.

    Raises:
        UsageError: What the environment names is no number of seconds.
    """
    return _seconds(REQUEST_VARIABLE, REQUEST) + size / SLOWEST


def pull_end() -> float:
    """The moment, by the monotonic clock, at which a pull that begins now is over.

    Raises:
        UsageError: What the environment names is no number of seconds.
    """
    return monotonic() + _seconds(PULL_VARIABLE, PULL)


def _seconds(variable: str, usual: float) -> float:
    told = os.environ.get(variable, "")
    if not told:
        return usual
    try:
        seconds = float(told)
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds < _LONGEST:
        raise UsageError(f"{variable}={told!r} is no number of seconds.", f"Give one such as {usual:g}.")
    return seconds
