"""A progress line on a terminal, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from independence_audit.core.progress import NoProgress, Progress


@contextmanager
def progress_on(stream: TextIO, *, enabled: bool) -> Iterator[Progress]:
    """Show the stages of an audit as bars on a terminal."""
    if not enabled or not stream.isatty():
        yield NoProgress()
        return
    from rich.markup import escape
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from independence_audit.cli.terminal import terminal_on
    from independence_audit.report.plain import visible

    class Shown:
        """One bar a stage."""

        def __init__(self, bars: Bars) -> None:
            self._bars = bars
            self._tasks: dict[str, TaskID] = {}

        def step(self, stage: str, done: int, total: int) -> None:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(escape(visible(stage)), total=total)
            self._bars.update(self._tasks[stage], completed=done, total=total, refresh=True)

    # Refreshed as it is told, without a thread of its own: the audit may fork.
    with Bars(console=terminal_on(stream), transient=True, auto_refresh=False) as bars:
        yield Shown(bars)
