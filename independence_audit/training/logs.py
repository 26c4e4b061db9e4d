"""Training logs as tables: CSV, JSON lines, a trainer's state, exports of Weights & Biases, TensorBoard's events."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any, TextIO

from independence_audit.core.bounded import kind_of
from independence_audit.errors import InputError, MalformedError, MissingError

COLUMNS: Mapping[str, re.Pattern[str]] = {
    "step": re.compile(r"_?(global[_ /]?)?(step|steps|iteration|iter)|trainer/global_step|train/global_step"),
    "loss": re.compile(r"(train(ing)?[/_ ])?(lm[ _])?loss|loss/train|train/(lm[_ ])?loss"),
    "learning_rate": re.compile(r"(train[/_ ])?(learning[_ -]?rate|lr)(-[a-z0-9_]+)?|(optim|lr)/(lr|learning_rate)"),
    "tokens": re.compile(
        r"(train[/_ ])?(num[_ ]?(input[_ ])?tokens([_ ]seen)?|tokens([_ ]seen)?"
        r"|consumed[_ ](train[_ ])?tokens|total[_ ]tokens)"
    ),
}
"""How trainers call what is looked at: transformers, accelerate, Lightning, Megatron, nanoGPT, torchtitan, OLMo."""
LARGEST = 256_000_000
"""Bytes of a log that is read line by line, ..."""
LARGEST_DOCUMENT = 64_000_000
"""... and of one that is a single JSON document, which is held as text."""
LONGEST = 1_000_000
"""Characters of one line, or of one object of a document."""
USUAL = 2_000
"""Of nearly any object."""
MOST_COLUMNS = 10_000
MOST_ROWS = 1_000_000
"""Rows with figures; in memory they take 200 bytes each."""
MOST_LINES = 1_200_000
"""Rows with or without figures."""
MOST_KINDS = 1_000
"""Sets of keys whose columns are remembered."""
HIGHEST = 1e30
"""No loss, learning rate or number of tokens lies beyond it, and sums of such figures overflow nowhere."""
LAST_STEP = 1 << 53
"""Beyond it floats do not tell steps apart."""
PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
"""How files of packers begin."""
LISTS = ("log_history", "history", "data", "rows")
"""Keys of a document under which its rows lie."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a log, as far as it was recognised."""

    step: int
    loss: float | None
    learning_rate: float | None
    tokens: float | None


@dataclass(frozen=True, slots=True)
class Log:
    """A training log in the order in which it was written."""

    source: str
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    """What was recognised, ``step`` first."""


def read_log(path: Path) -> Log:
    """Read a training log, whatever of the known kinds it is.

    Raises:
        MissingError: There is no such file or folder, or no event file in the folder.
        MalformedError: It is no log of a known kind, or has no column of steps.
        UsageError: TensorBoard's reader is needed and not installed.
        InputError: It is too large to be a log.
    """
    if path.is_dir() or "tfevents" in path.name:
        from independence_audit.training.tensorboard import read_events

        return _recognised(path.name, read_events(path))
    try:
        with _open(path) as file:
            return _recognised(path.name, _rows(file, path.name))
    except OSError as error:
        raise MissingError(f"The log {path} cannot be read: {error.strerror}.", "Check the path.") from error
    except csv.Error as error:
        raise MalformedError(f"The log {path.name} is no CSV: {error}.", _KINDS) from error


def _open(path: Path) -> TextIO:
    """A log's text, from a regular file of bounded size.

    Raises:
        OSError: It is none, or could not be opened.
        MalformedError: It is packed.
        InputError: It is too large.
    """
    # O_NONBLOCK: opening a pipe that nobody feeds returns at once, so that it can be refused.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_file(descriptor, path.name)
    except BaseException:
        os.close(descriptor)
        raise
    return open(descriptor, encoding="utf-8-sig", errors="replace")  # noqa: PTH123  a descriptor has no path


def _check_file(descriptor: int, name: str) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_of(status.st_mode)}, not a regular file")
    if status.st_size > LARGEST:
        raise InputError(f"The log {name} has over {LARGEST:,} bytes.", "Export the scalars alone.")
    start = os.pread(descriptor, max(map(len, PACKED)), 0)
    for magic, packer in PACKED.items():
        if start.startswith(magic):
            raise MalformedError(f"The log {name} is packed with {packer}.", "Unpack it first.")


def _rows(file: TextIO, name: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a log of any kind, told by how it begins."""
    head = file.read(LONGEST)
    text = head.lstrip()
    if text[:1] not in {"{", "["}:
        file.seek(0)
        yield from _csv(_lines(file, name), name)
        return
    try:
        first, end = _DECODER.raw_decode(text)
        several = bool(text[end:].strip()) or len(head) == LONGEST
    except (ValueError, RecursionError):
        first, several = None, "\n" in text and text[0] == "{" and len(head) < LONGEST
    if isinstance(first, dict) and not several:
        yield from _listed(first)
    elif several and text[0] == "{":
        file.seek(0)
        yield from _json_lines(_lines(file, name), name)
    else:
        rest = file.read(LARGEST_DOCUMENT)
        if len(head) + len(rest) >= LARGEST_DOCUMENT:
            raise InputError(f"The log {name} is a JSON document of over {LARGEST_DOCUMENT:,} bytes.", _LINES)
        yield from _document(text + rest, name)


def _lines(file: TextIO, name: str) -> Iterator[str]:
    """Lines with their ends, a piece of the file at a time."""
    rest, number = "", 0
    while piece := file.read(LONGEST):
        *lines, rest = (rest + piece).split("\n")
        number += len(lines)
        _check_count(number, name)
        if len(rest) > LONGEST or any(len(line) > LONGEST for line in lines[:1]):
            raise MalformedError(f"The log {name} has a line of over {LONGEST:,} characters.", _KINDS)
        yield from (f"{line}\n" for line in lines)
    if rest:
        yield rest


def _csv(lines: Iterator[str], name: str) -> Iterator[Mapping[str, Any]]:
    """The recognised columns of each row; the others, of which there may be thousands, are passed over."""
    first = next(lines, "")
    separator = "\t" if first.count("\t") > first.count(",") else ","
    table = csv.reader(chain([first], lines), delimiter=separator)
    header = next(table, [])
    _check_columns(len(header), name)
    places = {key: place for place, key in enumerate(header)}
    wanted = {key: places[key] for key in _keys(places).values()}
    for row in filter(None, table):
        yield {key: row[place] for key, place in wanted.items() if place < len(row)}


def _listed(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The rows of a small document: those of the list that it holds, else itself."""
    listed = next((document[key] for key in LISTS if isinstance(document.get(key), list)), [document])
    yield from (row for row in listed if isinstance(row, dict))


def _document(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a JSON document, object by object: a list of them, or an object that holds such a list."""
    at = _behind(_SPACE, text, 1)
    if text[0] == "[":
        yield from _objects(text, at, name)
        return
    while text[at : at + 1] == '"':
        key, at = _value(text, at, name)
        at = _behind(_SPACE, text, at)
        if text[at : at + 1] != ":":
            break
        at = _behind(_SPACE, text, at + 1)
        if key in LISTS and text[at : at + 1] == "[":
            yield from _objects(text, _behind(_SPACE, text, at + 1), name)
            return
        _, at = _value(text, at, name)
        at = _behind(_COMMA, text, at)
    raise MalformedError(f"The log {name} is neither JSON nor JSON lines.", _KINDS)


def _objects(text: str, at: int, name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list, from behind its bracket on."""
    for number in count():
        if text[at : at + 1] == "]":
            return
        if text[at : at + 1] != "{":
            raise MalformedError(f"The log {name} is a list with something else than rows, or ends early.", _KINDS)
        _check_count(number, name)
        row, at = _value(text, at, name)
        at = _behind(_COMMA, text, at)
        yield row


def _value(text: str, at: int, name: str) -> tuple[Any, int]:
    """The JSON value at a place, and the place behind it."""
    for length in (USUAL, LONGEST):
        try:
            value, end = _DECODER.raw_decode(text[at : at + length])
        except (ValueError, RecursionError):
            continue
        if end < length or at + length >= len(text):  # a number may go on where the piece ends
            return value, at + end
    raise MalformedError(
        f"The log {name} is neither JSON nor JSON lines, or has over {LONGEST:,} characters in one value.", _KINDS
    )


def _json_lines(lines: Iterable[str], name: str) -> Iterator[Mapping[str, Any]]:
    broken = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            broken += 1
            if broken > 1:  # the last line of a run that was cut off may be half a line
                raise MalformedError(f"The log {name} is neither JSON nor JSON lines.", _KINDS) from None
            continue
        if isinstance(row, dict):
            yield row


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The place behind what a pattern matches at a place."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _check_count(number: int, name: str) -> None:
    if number >= MOST_LINES:
        raise InputError(f"The log {name} has over {MOST_LINES:,} rows.", "Export every tenth step.")


def _check_columns(columns: int, name: str) -> None:
    if columns > MOST_COLUMNS:
        raise MalformedError(f"The log {name} has over {MOST_COLUMNS:,} columns.", "Export the scalars alone.")


_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_COMMA = re.compile(r"[ \t\r\n]*+,?[ \t\r\n]*+")
_LINES = "Give it as CSV or JSON lines."
_KINDS = "Give a CSV, JSON lines, a trainer_state.json, an export of Weights & Biases, or TensorBoard's folder."


def _recognised(name: str, rows: Iterable[Mapping[str, Any]]) -> Log:
    found: list[Row] = []
    seen: dict[str, None] = {}
    keys: dict[str, dict[str, str]] = {}
    for row in rows:
        _check_columns(len(row), name)
        signature = "\0".join(map(str, row))
        if signature not in keys:
            if len(keys) >= MOST_KINDS:
                keys.clear()
            keys[signature] = _keys(row)
        values = {column: _number(row.get(key)) for column, key in keys[signature].items()}
        step = values.get("step")
        figures = any(value is not None for column, value in values.items() if column != "step")
        if step is None or abs(step) > LAST_STEP or not figures:
            continue
        if len(found) >= MOST_ROWS:
            raise InputError(f"The log {name} has over {MOST_ROWS:,} rows.", "Export every tenth step.")
        seen |= dict.fromkeys(column for column, value in values.items() if value is not None)
        found.append(Row(int(step), values.get("loss"), values.get("learning_rate"), values.get("tokens")))
    if not found:
        raise MalformedError(f"The log {name} has no steps with a loss, learning rate or tokens.", _KINDS)
    return Log(name, tuple(found), tuple(column for column in COLUMNS if column in seen))


def _keys(row: Mapping[str, Any]) -> dict[str, str]:
    """Which key of a row is which column; the shortest name where several would do."""
    names = sorted(map(str, row), key=len)
    matched = {
        column: next((key for key in names if pattern.fullmatch(key.strip().lower())), "")
        for column, pattern in COLUMNS.items()
    }
    return {column: key for column, key in matched.items() if key}


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) <= HIGHEST else None
