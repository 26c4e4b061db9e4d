"""Trying again: failures that may pass, how often they are tried, and how long to wait in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
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

    def insist(self, attempt: Callable[[], Result]) -> Result:
        """What an attempt returns, tried again while it fails in a way that may pass.

        Raises:
            PassingError: The last try failed as well.
        """
        for number in range(self.tries - 1):
            try:
                return attempt()
            except PassingError as error:
                wait = self.first_wait * 2**number if error.wait is None else error.wait
                self.sleep(min(wait, self.longest_wait))
        return attempt()


USUAL = Patience()
"""What users get."""
