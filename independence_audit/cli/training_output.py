"""Where training reports go: stdout, and files that are written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from independence_audit.cli.outputs import all_written, as_bytes
from independence_audit.evidence.training_report import TrainingReport
from independence_audit.report.formats import TRAINING


def show_training(report: TrainingReport, files: Sequence[tuple[str, Path]], format_: str, lang: str) -> None:
    """Write a training report to files and, with a format, to stdout; in a terminal in its width and colours.

    Raises:
        InputError: A file cannot be written.
    """
    with all_written([(path, partial(_rendered, report, name, lang)) for name, path in files]):
        _show(report, format_, lang)


def _show(report: TrainingReport, format_: str, lang: str) -> None:
    if format_ == "text" and sys.stdout.isatty():
        from independence_audit.cli.terminal import terminal_on
        from independence_audit.report.text import print_training

        print_training(report, terminal_on(sys.stdout), lang)
    elif format_ == "text":
        click.echo(TRAINING[format_].render(report, lang), nl=False)
    elif format_:
        click.echo(_rendered(report, format_, lang), nl=False)


def _rendered(report: TrainingReport, name: str, lang: str) -> bytes:
    return as_bytes(TRAINING[name].render(report, lang))
