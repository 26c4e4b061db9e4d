"""Work that is not done in time is left to itself, and how much time that is."""

from __future__ import annotations

import time
from threading import Event, current_thread, main_thread

import pytest

from independence_audit.checkpoint.sources.deadline import (
    PULL,
    PULL_VARIABLE,
    REQUEST,
    REQUEST_VARIABLE,
    SLOWEST,
    LateError,
    pull_end,
    request_seconds,
    within,
)
from independence_audit.errors import UsageError


def test_what_is_done_in_time_is_given() -> None:
    """Nothing at all is a result like others, and an error is raised where it is waited for."""
    assert within(30.0, lambda _: "done") == "done"
    assert within(30.0, lambda _: None) is None
    assert within(30.0, lambda _: current_thread()) is not main_thread()
    with pytest.raises(ZeroDivisionError):
        within(30.0, lambda _: 1 // 0)


def test_what_is_late_is_not_waited_for() -> None:
    """Whether or not its answer has begun; what it does afterwards is lost."""
    for starts in (False, True):
        leave = Event()

        def work(begun: Event, *, starts: bool = starts, leave: Event = leave) -> str:
            if starts:
                begun.set()
            leave.wait(30.0)
            return "late"

        began = time.monotonic()
        with pytest.raises(LateError):
            within(0.05, work)
        assert time.monotonic() - began < 10.0
        leave.set()


def test_an_answer_has_to_begin_sooner_than_it_has_to_end() -> None:
    """Within a long time a silent server is late early; one that has begun may take all of it."""
    leave = Event()
    with pytest.raises(LateError):
        within(30.0, lambda _: leave.wait(30.0), first=0.05)
    leave.set()

    def slow(begun: Event) -> str:
        begun.set()
        time.sleep(0.2)
        return "done"

    assert within(30.0, slow, first=0.05) == "done"


def test_bytes_have_time_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the usual seconds, or those that the environment names, every byte may take as long as a slow network."""
    monkeypatch.delenv(REQUEST_VARIABLE, raising=False)
    assert request_seconds() == REQUEST
    assert request_seconds(int(SLOWEST) * 100) == REQUEST + 100.0
    monkeypatch.setenv(REQUEST_VARIABLE, "2.5")
    assert request_seconds(int(SLOWEST)) == 3.5


def test_a_pull_ends_at_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from now, in the usual seconds or in those that the environment names."""
    for named, seconds in (("", PULL), ("90", 90.0)):
        monkeypatch.setenv(PULL_VARIABLE, named)
        before, end, after = time.monotonic(), pull_end(), time.monotonic()
        assert before + seconds <= end <= after + seconds


@pytest.mark.parametrize("named", ["soon", "0", "-1", "nan", "inf", "1e9", "1 s"])
def test_seconds_that_are_none(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence that names the variable, and a number that would do."""
    monkeypatch.setenv(REQUEST_VARIABLE, named)
    monkeypatch.setenv(PULL_VARIABLE, named)
    with pytest.raises(UsageError, match=rf"{REQUEST_VARIABLE}='{named}' is no number of seconds") as caught:
        request_seconds()
    assert caught.value.hint == "Give one such as 60."
    with pytest.raises(UsageError, match=PULL_VARIABLE):
        pull_end()
