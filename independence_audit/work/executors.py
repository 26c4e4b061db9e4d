"""Who does tasks: this process, or several that share them; numpy's short calls make threads wait for each other."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from typing import Any, Literal, Protocol

from independence_audit.work.tasks import Algorithm, Item, Result, Task

LACKING = (OSError, ImportError, MemoryError, BrokenExecutor)
"""What is raised where no process can be had: no shared memory, no descriptors, no memory, or somebody ended it."""


class Executor(Protocol):
    """Does tasks, and gives their results in the tasks' order."""

    def results(self, algorithm: Algorithm[Item, Result], tasks: Iterable[Task[Item]]) -> Iterator[Result]:
        """The results of tasks, in their order, each as soon as those before it are there.

        Raises:
            AuditError: The algorithm raised it; the results before that task were given.
        """


class Here:
    """This process does one task after another, each when its result is asked for."""

    def results(self, algorithm: Algorithm[Item, Result], tasks: Iterable[Task[Item]]) -> Iterator[Result]:
        """As :meth:`Executor.results`."""
        do = algorithm.begin()
        yield from (do(task.item) for task in tasks)


@dataclass(frozen=True, slots=True)
class Processes:
    """Several processes share the tasks; where they cannot be had, or do not live, this one does what is left."""

    count: int
    start: Literal["fork", "spawn"] = "fork"
    """``fork`` where that is sound, else this process does everything; ``spawn`` wherever the algorithm is picklable,
    and no program runs that would run again."""

    def results(self, algorithm: Algorithm[Item, Result], tasks: Iterable[Task[Item]]) -> Iterator[Result]:
        """As :meth:`Executor.results`."""
        left = deque(tasks)
        if self.count > 1 and (self.start == "spawn" or can_fork()):
            with suppress(*LACKING):
                for result in self._shared(algorithm.begin, [task.item for task in left]):
                    left.popleft()
                    yield result
        yield from Here().results(algorithm, left) if left else ()

    def _shared(self, begin: Callable[[], Callable[[Item], Result]], items: Sequence[Item]) -> Iterator[Result]:
        context = get_context(self.start)
        with ProcessPoolExecutor(self.count, context, initializer=_Worker.begin, initargs=(begin,)) as pool:
            yield from pool.map(_Worker.do, items)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def can_fork() -> bool:
    """Whether a forked process would be sound: other threads may hold locks that nobody would release in it."""
    return "fork" in get_all_start_methods() and sys.platform != "darwin" and threading.active_count() == 1


def leave_signals_to_the_first() -> None:
    """Leave an interrupt to the process that waits for the results, and end in silence where it says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def shared_event() -> Event | None:
    """What one process can tell another by; None where the system has no room for such things."""
    try:
        return get_context().Event()
    except LACKING:
        return None


def _end_with_the_first() -> None:
    """End this process when the one that waits for its results is gone: killed, it could tell nobody."""
    first = parent_process()
    if first is not None:
        wait([first.sentinel])
        os._exit(1)


class _Worker:
    """What one process does; set once when it begins."""

    work: Callable[[Any], Any]

    @classmethod
    def begin(cls, begin: Callable[[], Callable[[Any], Any]]) -> None:
        """Set the process up."""
        leave_signals_to_the_first()
        threading.Thread(target=_end_with_the_first, daemon=True).start()
        cls.work = staticmethod(begin())

    @classmethod
    def do(cls, item: Any) -> Any:  # noqa: ANN401  whatever the tasks are
        """Do one task."""
        return cls.work(item)
