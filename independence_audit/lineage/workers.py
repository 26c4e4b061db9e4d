"""Work shared between processes: numpy's many short calls would make threads wait for each other's interpreter lock."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(tasks: Iterable[Task], begin: Callable[[], Callable[[Task], Result]], processes: int) -> Iterator[Result]:
    """The results of tasks, in their order.

    Args:
        tasks: What is to be done; picklable.
        begin: Makes the function that does a task, once in every process.
        processes: How many; 1 for this one. Where a process cannot be forked safely, this one does everything.
    """
    if processes < 2 or not can_fork():  # noqa: PLR2004  one process is this one
        yield from map(begin(), tasks)
        return
    with ProcessPoolExecutor(processes, get_context("fork"), initializer=_Worker.begin, initargs=(begin,)) as pool:
        yield from pool.map(_Worker.do, tasks)


def can_fork() -> bool:
    """Whether a forked process would be sound: other threads may hold locks that nobody would release in it."""
    return "fork" in get_all_start_methods() and sys.platform != "darwin" and threading.active_count() == 1


class _Worker:
    """What one process does; set once when it begins."""

    work: Callable[[Any], Any]

    @classmethod
    def begin(cls, begin: Callable[[], Callable[[Any], Any]]) -> None:
        """Set the process up; an interrupt is for the one that waits for the results."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cls.work = staticmethod(begin())

    @classmethod
    def do(cls, task: Any) -> Any:  # noqa: ANN401  whatever the tasks are
        """Do one task."""
        return cls.work(task)
