"""Every executor gives the results of tasks in their order, whole, and so their errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from independence_audit.errors import ReadError
from independence_audit.work import Algorithm, Codec, Executor, Here, Kept, Processes, Task, shared_event
from independence_audit.work import executors as module


def times_ten() -> Callable[[int], int]:
    """Ten times a number; seven cannot be done."""
    return _times_ten


def _times_ten(number: int) -> int:
    if number == 7:
        raise ReadError("gone", "look for it")
    return number * 10


TIMES_TEN = Algorithm("times-ten", 1, times_ten, Codec(lambda number: str(number).encode(), int))


@pytest.fixture(params=["here", "processes", "spawned", "kept here", "kept by processes"])
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Executor:
    """Every executor, alone and with results as files."""
    executors: dict[str, Executor] = {
        "here": Here(),
        "processes": Processes(2),
        "spawned": Processes(2, "spawn"),
        "kept here": Kept(Here(), tmp_path / "kept"),
        "kept by processes": Kept(Processes(3), tmp_path / "kept"),
    }
    return executors[str(request.param)]


def noting(done: list[int]) -> Algorithm[int, None]:
    """Notes what was done."""
    return Algorithm("note", 1, lambda: done.append)


def tasks(*numbers: int) -> Iterator[Task[int]]:
    """Tasks with and without content."""
    return (Task(number, f"the number {number}" if number % 2 else "") for number in numbers)


def test_results_come_in_the_order_of_the_tasks(executor: Executor) -> None:
    """However many processes there are, and however often it is asked."""
    for _ in range(2):
        assert list(executor.results(TIMES_TEN, tasks(3, 1, 2, 5))) == [30, 10, 20, 50]
    assert list(executor.results(TIMES_TEN, tasks())) == []


def test_an_error_comes_after_the_results_before_it(executor: Executor) -> None:
    """With its sentence and its way out."""
    results = executor.results(TIMES_TEN, tasks(1, 7, 2))
    assert next(results) == 10
    with pytest.raises(ReadError, match="gone") as raised:
        next(results)
    assert raised.value.hint == "look for it"


def test_here_works_on_a_task_when_its_result_is_asked_for() -> None:
    """So that progress is told as it is made."""
    done: list[int] = []
    results = Here().results(noting(done), tasks(1, 2))
    assert done == []
    next(results)
    assert done == [1]


ALONE = """
import os, time
from independence_audit.work import Algorithm, Processes, Task

def begin():
    def work(item):
        time.sleep(0.05 * (item % 2))
        return item, os.getpid()
    return work

found = list(Processes(2).results(Algorithm("who", 1, begin), map(Task, range(8))))
assert [item for item, _ in found] == list(range(8)), found
processes = {process for _, process in found}
assert os.getpid() not in processes and len(processes) == 2, processes
"""


def test_two_processes_share_the_work() -> None:
    """A program without other threads forks two."""
    subprocess.run([sys.executable, "-c", ALONE], check=True)


KILLED = """
import os, signal
from independence_audit.work import Algorithm, Processes, Task

first = os.getpid()
def begin():
    def work(item):
        if item == 2 and os.getpid() != first:
            os.kill(os.getpid(), signal.SIGKILL)
        return item * 10
    return work

assert list(Processes(2).results(Algorithm("die", 1, begin), map(Task, range(6)))) == [0, 10, 20, 30, 40, 50]
"""


def test_a_worker_that_is_killed_is_made_up_for() -> None:
    """As by the system where memory runs out."""
    subprocess.run([sys.executable, "-c", KILLED], check=True, timeout=60)


def test_where_no_process_can_be_had_this_one_does_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shared memory, no descriptors: nothing is done twice, nothing is lost."""

    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(module, "can_fork", lambda: True)
    monkeypatch.setattr(module, "ProcessPoolExecutor", refuse)
    done: list[int] = []
    assert list(Processes(2).results(noting(done), tasks(3, 1, 2))) == [None] * 3
    assert done == [3, 1, 2]
    monkeypatch.setattr("multiprocessing.context.BaseContext.Event", refuse)
    assert shared_event() is None
