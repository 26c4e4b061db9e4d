"""Hypothesis strategies for whole audit reports, made from the type hints of the evidence dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from independence_audit.evidence.audit_report import SCHEMA_VERSION, AuditReport

TEXTS = st.text(max_size=3)
FLOATS = st.floats(-1e300, 1e300).map(lambda value: float(f"{value:.10g}") + 0.0)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {str: TEXTS, bool: st.booleans(), int: st.integers(), float: FLOATS}
FREE: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), *SCALARS.values()),
    lambda inner: st.one_of(st.lists(inner, max_size=2).map(tuple), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=3,
)


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Build values that a type hint allows; floats already have the digits that JSON keeps."""
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(hint, type) and is_dataclass(hint):
        return record(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return FREE if hint is object else generic(get_origin(hint), get_args(hint))


def record(hint: type) -> st.SearchStrategy[Any]:
    """Build values of a dataclass."""
    hints = get_type_hints(hint)
    return st.builds(hint, **{field.name: values(hints[field.name]) for field in fields(hint)})


def generic(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Build values of a union, a mapping or a tuple."""
    if origin in (Union, UnionType):
        return st.one_of([st.none() if argument is type(None) else values(argument) for argument in arguments])
    if origin is Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=1)
    if arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=1).map(tuple)
    return st.tuples(*map(values, arguments))


def reports() -> st.SearchStrategy[AuditReport]:
    """Build reports of this schema version with any content that their types allow."""
    hints = get_type_hints(AuditReport)
    parts = {name: values(hint) for name, hint in hints.items() if name != "schema_version"}
    return st.builds(AuditReport, **parts, schema_version=st.just(SCHEMA_VERSION))
