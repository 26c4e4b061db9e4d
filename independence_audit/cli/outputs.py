"""Where reports of audits and of trainings go: stdout, and files that are written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import click

from independence_audit.checkpoint.layout import CONFIG, VOCABULARIES
from independence_audit.core.atomic import Place, check_place, write_whole
from independence_audit.declaration.declaration_file import CARD
from independence_audit.declaration.declaration_file import FILE as DECLARATION
from independence_audit.declaration.recipe import RECIPE
from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.audit_report import AuditReport, TrainingReport
from independence_audit.pipeline.options import Asked, options
from independence_audit.report.formats import ALL, PDF, TRAINING
from independence_audit.report.languages import ENGLISH
from independence_audit.signing.dsse import sign
from independence_audit.signing.keys import PrivateKey, read_private_key
from independence_audit.signing.model_signature import FILE as SIGNATURE

_STREAMS = {"-", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2"}
_PAGES = {".html", ".md", ".pdf", ".sarif"}
"""What audits write and models do not consist of."""
_BESIDE = {CONFIG, *VOCABULARIES, CARD, RECIPE, DECLARATION, SIGNATURE}
"""What is read beside weights, though only they are named."""
OURS = b'"independence-audit"'
"""How a JSON report names the program that made it, in its first entries."""
_BEGINNING = 4096
SIGNED = "intoto"
"""The format that a key signs."""


def check_outputs(
    outputs: Sequence[str], formats: Sequence[str], inputs: Iterable[str | Path | None] = ()
) -> list[tuple[str, Path]]:
    """The (format, path) pairs of ``-o`` options, refused before any work is done.

    Args:
        outputs: What was given with ``-o``.
        formats: The formats that there are.
        inputs: Everything that the run reads: none of it is replaced. What is not on this machine is passed over.

    Raises:
        UsageError: An option is not FORMAT=PATH, its format is unknown or not installed, its file could not be
            written, is an input, or is that of another option.
    """
    pairs: dict[Place, tuple[str, Path]] = {}
    handed_in = [*inputs]
    for output in outputs:
        name, separator, path = output.partition("=")
        if not separator or not path or name not in formats:
            raise UsageError(f"{output!r} is no output.", f"Write -o FORMAT=PATH, with one of {', '.join(formats)}.")
        place = check_output(Path(path), handed_in)
        if place in pairs:
            raise UsageError(
                f"-o {pairs[place][0]}={pairs[place][1]} and -o {output} write the same file.", "Name two files."
            )
        pairs[place] = name, Path(path)
    if any(name == PDF.name for name, _ in pairs.values()):
        from independence_audit.report.pdf import check  # an extra, and slow to load

        check()
    return list(pairs.values())


def files_of(asked: Asked) -> list[str]:
    """Everything that the options of an audit have it read."""
    paths = (getattr(asked, option.name) for option in options() if option.is_path)
    return [path for value in paths for path in (value if isinstance(value, tuple) else (value,)) if path]


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


def check_output(path: Path, inputs: Iterable[str | Path | None] = ()) -> Place:
    """Where a file would be written; missing folders are made.

    Raises:
        UsageError: It could not be written, or is one of the inputs.
    """
    if str(path) in _STREAMS:
        raise UsageError(f"-o writes files, and {path} is none.", "For stdout leave -o out; --format chooses the form.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no folder can have that name"
        raise UsageError(f"The folder of {path} cannot be made: {reason}.", "Name another path.") from error
    try:
        place = check_place(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Name a file in a folder that you may write to."
        ) from error
    _refuse_input(path, inputs)
    return place


def _refuse_input(path: Path, inputs: Iterable[str | Path | None]) -> None:
    """Refuse to replace what the run reads.

    Raises:
        UsageError: The file is an input, by whatever name, or lies in a folder that is one.
    """
    if not os.path.exists(path):  # noqa: PTH110  Path's raises where a name is too long
        return
    for given in inputs:
        if given is None or not os.path.exists(given):  # noqa: PTH110  likewise: it may be a name of something else
            continue
        if path.samefile(given) or (path.name in _BESIDE and path.parent.samefile(Path(given).parent)):
            raise UsageError(f"{path} is read by this run and would be replaced.", "Name another path.")
        if not Path(given).is_dir():
            continue
        if path.resolve().is_relative_to(Path(given).resolve()):
            if not _is_earlier_output(path):
                raise UsageError(f"{path} is there already, in a folder that is read.", "Name a path outside of it.")
        elif _has_name_in(path, Path(given)):
            raise UsageError(f"{path} is another name of a file that this run reads.", "Name another path.")


def _has_name_in(path: Path, folder: Path) -> bool:
    """Whether a file has another name in a folder, or a link there leads to it, as in caches of the Hub."""
    status = path.stat()
    with os.scandir(folder) as entries:
        return any(entry.is_file() and os.path.samestat(entry.stat(), status) for entry in entries)


def _is_earlier_output(path: Path) -> bool:
    """Whether a file can be replaced inside a folder that is read: no model has such files, or it says it is ours."""
    if path.suffix == ".json":
        with suppress(OSError), path.open("rb") as file:
            return OURS in file.read(_BEGINNING)
    return path.suffix in _PAGES and path.name not in _BESIDE


def deliver(
    report: AuditReport, files: Sequence[tuple[str, Path]], format_: str, lang: str, key: PrivateKey | None
) -> None:
    """Write a report to its files and, with a format, to stdout; one that fails does not keep the others back.

    Raises:
        InputError: A file could not be written, or stdout.
    """
    with all_written([(path, partial(_rendered, report, name, lang, key)) for name, path in files]):
        if format_:
            show(report, format_, lang)


@contextmanager
def all_written(files: Sequence[tuple[Path, Callable[[], bytes]]]) -> Iterator[None]:
    """Write files, each whole or not at all; what can be written and done is, before the first failure is raised.

    Args:
        files: Every path, with what makes its content.

    Raises:
        InputError: A disk is full, or a file cannot be written.
    """
    failed = []
    for path, content in files:
        try:
            write_bytes(content(), path)
        except InputError as error:
            failed.append(error)
    yield
    if failed:
        raise failed[0]


def _rendered(report: AuditReport, name: str, lang: str, key: PrivateKey | None) -> bytes:
    if name == PDF.name:
        return PDF.render(report, lang)
    text = ALL[name].render(report, lang)
    return as_bytes(sign(text.encode(), key) if key and name == SIGNED else text)


def as_bytes(text: str) -> bytes:
    """A text as files hold it; a half of a character that a name has becomes its code point."""
    return text.encode("utf-8", "backslashreplace")


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
    """Print a report; as text in the terminal's width and colours, otherwise the bytes that a file would have."""
    if name != "text":
        click.echo(as_bytes(ALL[name].render(report, lang)), nl=False)
        return
    if not sys.stdout.isatty():
        click.echo(ALL[name].render(report, lang), nl=False)
        return
    from independence_audit.cli.terminal import terminal_on
    from independence_audit.report.text import print_report

    print_report(report, terminal_on(sys.stdout), lang)


def write_new(text: str, path: Path) -> None:
    """Write a file that must not be there yet.

    Raises:
        UsageError: It is there already, or cannot be written.
    """
    try:
        write_whole(path, as_bytes(text), fresh=True)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror}.", "Name another path.") from error


def check_new(path: Path) -> None:
    """Check that a new file could be written.

    Raises:
        UsageError: Something is there already, or it could not be written.
    """
    if os.path.lexists(path):
        raise _is_there(path)
    check_output(path)


def _is_there(path: Path) -> UsageError:
    return UsageError(f"{path} is there already.", "Name another path; what people wrote is kept.")


def show_training(report: TrainingReport, files: Sequence[tuple[str, Path]], format_: str, lang: str) -> None:
    """Write a training report to files and, with a format, to stdout; in a terminal in its width and colours.

    Raises:
        InputError: A file cannot be written.
    """
    with all_written([(path, partial(_training_rendered, report, name, lang)) for name, path in files]):
        _show(report, format_, lang)


def _show(report: TrainingReport, format_: str, lang: str) -> None:
    if format_ == "text" and sys.stdout.isatty():
        from independence_audit.cli.terminal import terminal_on
        from independence_audit.report.text import print_training

        print_training(report, terminal_on(sys.stdout), lang)
    elif format_ == "text":
        click.echo(TRAINING[format_].render(report, lang), nl=False)
    elif format_:
        click.echo(_training_rendered(report, format_, lang), nl=False)


def _training_rendered(report: TrainingReport, name: str, lang: str) -> bytes:
    return as_bytes(TRAINING[name].render(report, lang))
