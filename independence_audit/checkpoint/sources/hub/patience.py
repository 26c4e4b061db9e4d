"""Trying again: failures that may pass, how often they are tried, and how long to wait in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import TypeVar

Result = TypeVar("Result")


class PassingError(Exception):
    """A failure that may be over in a moment; its text is the end of a sentence that says what it was."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        """Say what failed.

        Args:
            reason: Such as ``the connection broke``.
            wait: Seconds that the server asks for.
        """
        super().__init__(reason)
        self.wait = wait


class UnconnectedError(PassingError):
    """No connection could be made at all."""


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried, and how long to wait before the next time."""

    tries: int = 5
    first_wait: float = 1.0
    """Seconds; doubles from one time to the next, unless the server says how long."""
    longest_wait: float = 300.0
    """Seconds: the Hub counts requests in windows of five minutes."""
    sleep: Callable[[float], None] = _sleep
    until: float = inf
    """The moment, by the monotonic clock, after which nothing is tried any more."""

    def insist(self, attempt: Callable[[], Result]) -> Result:
        """What an attempt returns, tried again while it fails in a way that may pass.

        Raises:
            PassingError: The last try failed as well, or no time is left.
        """
        for number in range(self.tries - 1):
            self._look_at_the_clock()
            try:
                return attempt()
            except PassingError as error:
                wait = self.first_wait * 2**number if error.wait is None else error.wait
                self.sleep(min(wait, self.longest_wait, max(self.until - monotonic(), 0.0)))
        self._look_at_the_clock()
        return attempt()

    def _look_at_the_clock(self) -> None:
        if monotonic() > self.until:
            raise PassingError("its time is over")


USUAL = Patience()
"""What users get."""
