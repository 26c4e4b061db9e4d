"""Where training reports go: stdout, and files that are written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from independence_audit.cli.outputs import check_outputs, write_text
from independence_audit.evidence.codec import record_json
from independence_audit.evidence.training_report import TrainingReport


def check_training_outputs(outputs: Sequence[str], formats: Sequence[str]) -> list[tuple[str, Path]]:
    """The (format, path) pairs of ``-o`` options, refused before any work is done.

    Raises:
        UsageError: An option is not FORMAT=PATH, its format is unknown, or its file could not be written.
    """
    return check_outputs(outputs, formats)


def show_training(report: TrainingReport, files: Sequence[tuple[str, Path]], format_: str, lang: str) -> None:
    """Write a training report to files and, with a format, to stdout; in a terminal in its width and colours.

    Raises:
        InputError: A file cannot be written.
    """
    for name, path in files:
        write_text(_rendered(report, name, lang), path)
    if format_ == "text" and sys.stdout.isatty():
        from rich.console import Console

        from independence_audit.report.training_text import print_training

        print_training(report, Console(), lang)
    elif format_:
        click.echo(_rendered(report, format_, lang), nl=False)


def _rendered(report: TrainingReport, name: str, lang: str) -> str:
    if name == "json":
        return record_json(report)
    if name == "markdown":
        from independence_audit.report.training_markdown import render_training_markdown

        return render_training_markdown(report, lang)
    if name == "html":
        from independence_audit.report.training_html import render_training_html

        return render_training_html(report, lang)
    from independence_audit.report.training_text import render_training

    return render_training(report, lang)
