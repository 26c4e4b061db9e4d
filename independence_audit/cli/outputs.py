"""Where reports go: stdout, and files that are written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from independence_audit.core.atomic import write_whole
from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.report import AuditReport
from independence_audit.report.exchange import ALL
from independence_audit.report.formats import PDF
from independence_audit.report.languages import ENGLISH
from independence_audit.signing.dsse import sign
from independence_audit.signing.keys import PrivateKey, read_private_key

SIGNED = "intoto"
"""The format that a key signs."""


def check_outputs(outputs: Sequence[str], formats: Sequence[str]) -> list[tuple[str, Path]]:
    """The (format, path) pairs of ``-o`` options, refused before any work is done.

    Raises:
        UsageError: An option is not FORMAT=PATH, its format is unknown or not installed, or its file could not be
            written.
    """
    pairs = []
    for output in outputs:
        name, separator, path = output.partition("=")
        if not separator or not path or name not in formats:
            raise UsageError(f"{output!r} is no output.", f"Write -o FORMAT=PATH, with one of {', '.join(formats)}.")
        pairs.append((name, writable(Path(path))))
    if any(name == PDF.name for name, _ in pairs):
        from independence_audit.report.pdf import check  # an extra, and slow to load

        check()
    return pairs


def check_sign_key(path: str, files: Sequence[tuple[str, Path]]) -> PrivateKey | None:
    """The key that signs what is written; None where none is named.

    Raises:
        UsageError: It cannot be used, or there is nothing to sign.
    """
    if not path:
        return None
    if not any(name == SIGNED for name, _ in files):
        raise UsageError("There is no statement to sign with --sign-key.", f"Add -o {SIGNED}=PATH.")
    return read_private_key(path)


def writable(path: Path) -> Path:
    """The path, if a file could be written there; missing folders are made.

    Raises:
        UsageError: It could not.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder of {path} cannot be made: {error.strerror}.", "Name another path.") from error
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path} cannot be written.", "Name a file in a folder that you may write to.")
    return path


def write(report: AuditReport, name: str, path: Path, lang: str = ENGLISH, key: PrivateKey | None = None) -> None:
    """Write a report in a language, whole or not at all; statements are signed where there is a key.

    Raises:
        InputError: The disk is full or the file cannot be written.
    """
    if name == PDF.name:
        write_bytes(PDF.render(report, lang), path)
        return
    text = ALL[name].render(report, lang)
    write_text(sign(text.encode(), key) if key and name == SIGNED else text, path)


def write_text(text: str, path: Path) -> None:
    """Write a text, whole or not at all.

    Raises:
        InputError: The disk is full or the file cannot be written.
    """
    write_bytes(text.encode("utf-8"), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file, whole or not at all.

    Raises:
        InputError: The disk is full or the file cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        message = f"{path} could not be written: {error.strerror}."
        raise InputError(message, "Free space or name another path.") from error


def show(report: AuditReport, name: str, lang: str = ENGLISH) -> None:
    """Print a report; as text in the terminal's width and colours."""
    if name != "text" or not sys.stdout.isatty():
        click.echo(ALL[name].render(report, lang), nl=False)
        return
    from rich.console import Console

    from independence_audit.report.text import print_report

    print_report(report, Console(), lang)


def write_new(text: str, path: str) -> None:
    """Write a file that must not be there yet.

    Raises:
        UsageError: It is there already, or cannot be written.
    """
    target = writable(Path(path))
    try:
        write_whole(target, text.encode("utf-8", "backslashreplace"), fresh=True)
    except FileExistsError:
        raise UsageError(f"{path} is there already.", "Name another path; what people wrote is kept.") from None
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}.", "Name another path.") from error
