"""Reports as JSON text and back: the same report gives the same bytes, and nothing unforeseen is read.

A report holds finite numbers, and None where a number could not be had, overflow included.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import SCHEMA_VERSION, AuditReport, TrainingReport
from independence_audit.evidence.shape import SINCE, malformed, shape_of, step

ROOT = "$"
VERSION = re.compile(rf"{SCHEMA_VERSION.partition('.')[0]}\.(0|[1-9][0-9]*)")
"""Versions of the schema that this tool reads: its own major version."""
RUN = "run"
"""The one part that differs between two runs on the same inputs."""
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def to_json(report: AuditReport) -> str:
    """Write a report as JSON: keys in declared order, floats with 10 significant digits, a newline at the end.

    Raises:
        TypeError: A value is not what its field's type hint says.
        ValueError: A float is NaN or infinite.
    """
    return _text(_encoded(report))


def as_written(report: AuditReport) -> AuditReport:
    """The report as whoever reads its JSON has it: floats with 10 significant digits, so that every form is the same.

    Raises:
        TypeError: A value is not what its field's type hint says.
        ValueError: A float is NaN or infinite.
    """
    return cast("AuditReport", shape_of(AuditReport).decode(_encoded(report), ROOT))


def comparable(report: AuditReport) -> str:
    """Write the part of a report that equal inputs make equal: the JSON without ``run``.

    Raises:
        TypeError: A value is not what its field's type hint says.
        ValueError: A float is NaN or infinite.
    """
    return _text({key: value for key, value in _encoded(report).items() if key != RUN})


def record_json(record: TrainingReport) -> str:
    """Write the report of a training alone as JSON, in the same way.

    Raises:
        TypeError: A value is not what its field's type hint says.
        ValueError: A float is NaN or infinite.
    """
    return _text(cast("dict[str, Any]", shape_of(TrainingReport).encode(record, ROOT)))


def from_json(text: str) -> AuditReport:
    """Read a report that :func:`to_json` wrote.

    Raises:
        MalformedError: The text is not JSON, or not a report of this major version of the schema; the sentence names
            the JSON path.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except MalformedError:
        raise
    except RecursionError:
        raise malformed(ROOT, "it is nested too deeply") from None
    except ValueError as error:
        raise malformed(ROOT, f"it is not JSON ({error})") from None
    _check_version(document)
    return cast("AuditReport", shape_of(AuditReport).decode(document, ROOT))


def _encoded(report: AuditReport) -> dict[str, Any]:
    document = cast("dict[str, Any]", shape_of(AuditReport).encode(report, ROOT))
    version = VERSION.fullmatch(report.schema_version)
    if version is not None and report.schema_version != SCHEMA_VERSION:
        _leave_out_later(document, report, int(version[1]))
    return document


def _leave_out_later(document: Any, value: object, minor: int) -> None:  # noqa: ANN401  any JSON value
    """Take out what a later minor version of the schema added: a report of that version had, and has, no such words."""
    if is_dataclass(value):
        for field in fields(value):
            if int(field.metadata.get(SINCE, "1.0").partition(".")[2]) > minor:
                del document[field.name]
            else:
                _leave_out_later(document[field.name], getattr(value, field.name), minor)
    elif isinstance(value, tuple):
        for item, one in zip(document, value, strict=True):
            _leave_out_later(item, one, minor)
    elif isinstance(value, Mapping) and isinstance(document, dict):
        for item, one in zip(document.values(), value.values(), strict=True):
            _leave_out_later(item, one, minor)


def _text(document: dict[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    # A name may hold half of a surrogate pair, which no encoding can write; JSON's own escape can.
    return LONE_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object, refusing a key that comes twice: readers would disagree on which one counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise malformed(ROOT, f"the key {json.dumps(twice)} comes twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise malformed(ROOT, f"{name} is not a JSON number")


def _check_version(document: object) -> None:
    """Look at the version first, so that a report of another version is called that and not malformed."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, str) and not VERSION.fullmatch(version):
        raise malformed(step(ROOT, "schema_version"), f"{json.dumps(version)} is not a version that this tool reads")


Evidence = TypeVar("Evidence")


def without_overflow(evidence: Evidence) -> tuple[Evidence, int]:
    """The same evidence with None in place of every infinite number and NaN, and how many there were.

    Args:
        evidence: A dataclass of the evidence, made of dataclasses, tuples and mappings.
    """
    settled, count = _settled(evidence)
    return (settled, count) if count else (evidence, 0)


def _settled(value: Any) -> tuple[Any, int]:  # noqa: ANN401  whatever a report is made of
    if isinstance(value, float):
        return (value, 0) if math.isfinite(value) else (None, 1)
    if isinstance(value, tuple):
        parts = [_settled(part) for part in value]
        return tuple(part for part, _ in parts), sum(count for _, count in parts)
    if isinstance(value, Mapping):
        entries = {key: _settled(part) for key, part in value.items()}
        return {key: part for key, (part, _) in entries.items()}, sum(count for _, count in entries.values())
    if not is_dataclass(value) or isinstance(value, type):
        return value, 0
    found = {field.name: _settled(getattr(value, field.name)) for field in fields(value)}
    changed = {name: part for name, (part, count) in found.items() if count}
    return (replace(value, **changed) if changed else value), sum(count for _, count in found.values())
