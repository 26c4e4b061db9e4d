"""What a terminal shows beside reports: progress, errors with their ways out, and notes; names keep to their line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

import click

from independence_audit.core.progress import NoProgress, Progress
from independence_audit.errors import AuditError
from independence_audit.report.plain import visible

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress_on(stream: TextIO, *, enabled: bool) -> Iterator[Progress]:
    """Show the stages of an audit as bars on a terminal."""
    if not enabled or not stream.isatty():
        yield NoProgress()
        return
    from rich.markup import escape
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

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


NARROWEST, WIDEST = 40, 400
"""Columns. In fewer, words and figures no longer fit a line; a wider table is filled with spaces that nobody sees."""


def terminal_on(stream: TextIO) -> Console:
    """A terminal of a width that a report can be read in.

    rich takes COLUMNS as it is: it prints nothing at all in 0 columns.
    """
    from rich.console import Console

    size = get_terminal_size()
    return Console(file=stream, width=min(max(size.columns, NARROWEST), WIDEST), height=max(size.lines, 1))


def show_error(error: AuditError, about: str = "") -> None:
    """Show an error and its way out; nothing for one without a sentence."""
    if error.message:
        note(f"error: {about}{': ' if about else ''}{error.message}")
    if error.hint:
        note(f"hint: {error.hint}")


def show_usage(error: click.ClickException) -> None:
    """Show what is wrong with a command line as click words it, with the usage where there is one."""
    worded = io.StringIO()
    error.show(worded)
    for line in worded.getvalue().expandtabs().splitlines():
        note(line)


def note(sentence: str) -> None:
    """Write one line to stderr."""
    click.echo(visible(sentence) if sentence else "", err=True)
