"""Training logs as tables: CSV, JSON lines, a trainer's state, exports of Weights & Biases, TensorBoard's events."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
LARGEST = 1 << 30
"""Bytes of a log that are read."""
MOST_ROWS = 5_000_000


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
        if path.stat().st_size > LARGEST:
            raise InputError(f"The log {path.name} has over {LARGEST >> 30} GiB.", "Export the scalars alone.")
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise MissingError(f"The log {path} cannot be read: {error.strerror}.", "Check the path.") from error
    return _recognised(path.name, _json(text, path.name) if text.lstrip()[:1] in {"{", "["} else _csv(text))


def _csv(text: str) -> Iterator[Mapping[str, Any]]:
    lines = text.splitlines()
    separator = "\t" if lines and lines[0].count("\t") > lines[0].count(",") else ","
    yield from csv.DictReader(lines, delimiter=separator)


def _json(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    """A list of objects, an object with such a list (``log_history`` of a trainer's state), or one object a line."""
    try:
        document = json.loads(text)
    except ValueError:
        yield from _lines(text, name)
        return
    listed = next((each for each in _candidates(document) if isinstance(each, list)), [document])
    yield from (row for row in listed if isinstance(row, dict))


def _candidates(document: object) -> Iterator[object]:
    yield document
    if isinstance(document, dict):
        yield from (document.get(key) for key in ("log_history", "history", "data", "rows"))


def _lines(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    broken = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            broken += 1
            if broken > 1:  # the last line of a run that was cut off may be half a line
                raise MalformedError(f"The log {name} is neither JSON nor JSON lines.", _KINDS) from None
            continue
        if isinstance(row, dict):
            yield row


_KINDS = "Give a CSV, JSON lines, a trainer_state.json, an export of Weights & Biases, or TensorBoard's folder."


def _recognised(name: str, rows: Iterable[Mapping[str, Any]]) -> Log:
    found: list[Row] = []
    seen: dict[str, None] = {}
    keys: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise InputError(f"The log {name} has over {MOST_ROWS:,} rows.", "Export every tenth step.")
        signature = "\0".join(str(key) for key in row)
        if signature not in keys:
            keys[signature] = _keys(row)
        values = {column: _number(row.get(key)) for column, key in keys[signature].items()}
        step = values.get("step")
        if step is None or all(value is None for column, value in values.items() if column != "step"):
            continue
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
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
