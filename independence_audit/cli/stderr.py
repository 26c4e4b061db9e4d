"""What goes to stderr beside progress: errors with their ways out, and notes; names in them keep to their line."""

from __future__ import annotations

import io

import click

from independence_audit.errors import AuditError
from independence_audit.report.plain import visible


def show_error(error: AuditError, about: str = "") -> None:
    """Show an error and its way out; nothing for one without a sentence."""
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
