"""A piece of work in a process of its own in the background, where that is sound; else it is done when asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from independence_audit.errors import AuditError
from independence_audit.work.executors import can_fork, leave_signals_to_the_first

Result = TypeVar("Result")


class Background(Generic[Result]):
    """Work that began when it was named, and whose result is waited for when it is needed."""

    def __init__(self, work: Callable[[], Result]) -> None:
        """Begin.

        Args:
            work: What is to be done. It reads what this process holds and changes nothing of it; its result, or the
                :class:`AuditError` it raises, is picklable.
        """
        self._work = work
        self._done: list[Result] = []
        self._error: AuditError | None = None
        self._far: Connection | None = None
        if can_fork():
            with suppress(OSError):  # neither a pipe nor a process can be had: it is done when asked for
                self._far = self._begun()

    def _begun(self) -> Connection:
        """What the process that does the work answers through."""
        far, near = get_context("fork").Pipe(duplex=False)
        with near:
            try:
                self._process = get_context("fork").Process(target=self._serve, args=(near,), daemon=True)
                self._process.start()
            except OSError:
                far.close()
                raise
        return far

    def _serve(self, near: Connection) -> None:
        """Do the work in the forked process and send what came of it; what else goes wrong goes wrong where it is said.

        The process that waits finds no answer then, and does the work itself.
        """
        leave_signals_to_the_first()
        with suppress(Exception):
            try:
                near.send((self._work(), None))
            except AuditError as error:
                near.send((None, error))

    def result(self) -> Result:
        """What came of it; the same each time. A process that ended without an answer has its work done here.

        Raises:
            AuditError: The work raised it.
        """
        if self._far is not None:
            with self._far as far, suppress(EOFError):
                found, self._error = far.recv()
                self._done.append(found)
            self._far = None
            self._process.join()
        if self._error is not None:
            raise self._error
        if not self._done:
            self._done.append(self._work())
        return self._done[0]
