"""Figures that overflowed: a report holds finite numbers, and None where a number could not be had."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

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
