"""Work shared between processes: numpy's many short calls would make threads wait for each other's interpreter lock."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.synchronize import Event
from typing import Any, TypeVar

_LACKING = (OSError, ImportError, MemoryError, BrokenExecutor)
"""What is raised where no process can be had: no shared memory, no descriptors, no memory, or somebody ended it."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(tasks: Iterable[Task], begin: Callable[[], Callable[[Task], Result]], processes: int) -> Iterator[Result]:
    """The results of tasks, in their order.

    Args:
        tasks: What is to be done; picklable.
        begin: Makes the function that does a task, once in every process.
        processes: How many; 1 for this one. Where a process cannot be forked safely, this one does everything; where
            the others cannot be had or do not live, it does what they left.
    """
    if processes < 2 or not can_fork():  # noqa: PLR2004  one process is this one
        yield from map(begin(), tasks)
        return
    left = deque(tasks)
    with suppress(*_LACKING):
        for result in _shared(tuple(left), begin, processes):
            left.popleft()
            yield result
    if left:
        yield from map(begin(), left)


def shared_event() -> Event | None:
    """What one process can tell another by; None where the system has no room for such things."""
    try:
        return get_context().Event()
    except _LACKING:
        return None


def _shared(tasks: Sequence[Task], begin: Callable[[], Callable[[Task], Result]], processes: int) -> Iterator[Result]:
    with ProcessPoolExecutor(processes, get_context("fork"), initializer=_Worker.begin, initargs=(begin,)) as pool:
        yield from pool.map(_Worker.do, tasks)


def can_fork() -> bool:
    """Whether a forked process would be sound: other threads may hold locks that nobody would release in it."""
    return "fork" in get_all_start_methods() and sys.platform != "darwin" and threading.active_count() == 1


def leave_signals_to_the_first() -> None:
    """Leave an interrupt to the process that waits for the results, and end in silence where it says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Worker:
    """What one process does; set once when it begins."""

    work: Callable[[Any], Any]

    @classmethod
    def begin(cls, begin: Callable[[], Callable[[Any], Any]]) -> None:
        """Set the process up."""
        leave_signals_to_the_first()
        cls.work = staticmethod(begin())

    @classmethod
    def do(cls, task: Any) -> Any:  # noqa: ANN401  whatever the tasks are
        """Do one task."""
        return cls.work(task)
