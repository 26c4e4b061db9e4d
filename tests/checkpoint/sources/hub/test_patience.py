"""Trying again."""

from __future__ import annotations

import time

import pytest

from independence_audit.checkpoint.sources.hub.patience import USUAL, PassingError, Patience


class _Flaky:
    """Fails some times, then works."""

    def __init__(self, failures: int, wait: float | None = None) -> None:
        self.failures = failures
        self.wait = wait
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise PassingError("it was busy", self.wait)
        return "done"


def test_waits_double() -> None:
    """Each wait is twice the one before, and the result of the first success counts."""
    waits: list[float] = []
    assert Patience(tries=5, first_wait=0.5, sleep=waits.append).insist(_Flaky(4)) == "done"
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_server_says_how_long() -> None:
    """A server's own wait goes before ours, up to a limit."""
    waits: list[float] = []
    patience = Patience(tries=3, longest_wait=100, sleep=waits.append)
    patience.insist(_Flaky(1, 0))
    patience.insist(_Flaky(1, 42))
    patience.insist(_Flaky(1, 1e9))
    assert waits == [0, 42, 100]


def test_tries_are_bounded() -> None:
    """After the last try the failure is passed on, without another wait."""
    waits: list[float] = []
    attempt = _Flaky(9)
    with pytest.raises(PassingError, match="busy"):
        Patience(tries=3, sleep=waits.append).insist(attempt)
    assert (attempt.calls, len(waits)) == (3, 2)


def test_other_errors_are_not_tried_again() -> None:
    """What does not pass is not repeated."""
    with pytest.raises(ZeroDivisionError):
        Patience(sleep=lambda _: pytest.fail("waited")).insist(lambda: 1 // 0)


def test_usual_patience_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users wait for real."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    assert USUAL.insist(_Flaky(2)) == "done"
    assert waits == [1.0, 2.0]


def test_pull_has_one_end() -> None:
    """After its time nothing is tried any more, however often that may be."""
    waits: list[float] = []
    patience = Patience(tries=1000, sleep=waits.append, until=time.monotonic() - 1)
    with pytest.raises(PassingError, match="its time is over"):
        patience.insist(lambda: 1)
    assert waits == []
