"""What a type hint allows in JSON: one small class for each kind of hint, which encodes, decodes and describes it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints

from independence_audit.errors import MalformedError

SIGNIFICANT_DIGITS = 10
"""Digits that a float keeps: below the noise of summing in another order, above anything a reader uses."""

SINCE = "since"
"""Key in a field's metadata: the minor version of the schema that added it. Such a field has a default."""

IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Shape(Protocol):
    """One kind of JSON value."""

    def encode(self, value: object, path: str) -> object:
        """Turn a Python value into what ``json.dumps`` takes.

        Raises:
            TypeError: The value is not what the type hint at ``path`` says.
            ValueError: A float is NaN or infinite.
        """

    def decode(self, value: object, path: str) -> object:
        """Turn what ``json.loads`` gave into the Python value.

        Raises:
            MalformedError: The value is not what the report's schema allows at ``path``.
        """

    def describe(self) -> dict[str, Any]:
        """Describe the value as JSON Schema 2020-12; dataclasses are referred to by name."""


def malformed(path: str, problem: str) -> MalformedError:
    """Build the error for a report that breaks its schema at a JSON path."""
    return MalformedError(
        f"The report is malformed at {path}: {problem}.",
        "Make the report again, or use the version of the tool that wrote it.",
    )


def step(path: str, key: str) -> str:
    """Extend a JSON path by an object's key, quoted where it is no plain word."""
    return f"{path}.{key}" if IDENTIFIER.fullmatch(key) else f"{path}[{json.dumps(key)}]"


def _shown(value: object) -> str:
    """Show a JSON value in an error, shortened, without characters that could fool a terminal."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - at a glance, in a sentence


def _rounded(value: float, path: str) -> float:
    if not math.isfinite(value):
        msg = f"{path} is {value}: a report holds only finite numbers, and None for what could not be had"
        raise ValueError(msg)
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") + 0.0  # + 0.0 turns -0.0 into 0.0


def _finite(value: float, path: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise malformed(path, "the number is too large")
    return number


@dataclass(frozen=True, slots=True)
class Scalar:
    """A string, a truth value, a whole number or a number."""

    python: type
    schema: str
    words: str

    def fits(self, value: object) -> bool:
        """Tell whether a value may stand here; bool is not taken for a number, an int is taken for a float."""
        if isinstance(value, bool):
            return self.python is bool
        return isinstance(value, (int, float) if self.python is float else self.python)

    def encode(self, value: object, path: str) -> object:
        """Check the type and round floats."""
        if not self.fits(value):
            msg = f"{path} should be {self.words}, not {type(value).__name__}"
            raise TypeError(msg)
        return _rounded(float(value), path) if self.python is float and isinstance(value, (int, float)) else value

    def decode(self, value: object, path: str) -> object:
        """Check the type; a whole number where a number is wanted becomes a float."""
        if not self.fits(value):
            raise malformed(path, f"{_shown(value)} is not {self.words}")
        return _finite(value, path) if self.python is float and isinstance(value, (int, float)) else value

    def describe(self) -> dict[str, Any]:
        """Describe as a JSON type."""
        return {"type": self.schema}


SCALARS = {
    str: Scalar(str, "string", "a string"),
    bool: Scalar(bool, "boolean", "true or false"),
    int: Scalar(int, "integer", "a whole number"),
    float: Scalar(float, "number", "a number"),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One of the words of an enumeration."""

    words: type[StrEnum]

    def encode(self, value: object, path: str) -> str:
        """Check that the value is of the enumeration."""
        if not isinstance(value, self.words):
            msg = f"{path} should be a {self.words.__name__}, not {value!r}"
            raise TypeError(msg)
        return str(value)

    def decode(self, value: object, path: str) -> StrEnum:
        """Find the enumeration's member."""
        try:
            return self.words(str(value))
        except ValueError:
            raise malformed(path, f"{_shown(value)} is not one of {', '.join(self.words)}") from None

    def describe(self) -> dict[str, Any]:
        """Describe as the list of the words."""
        return {"enum": [str(word) for word in self.words]}


@dataclass(frozen=True, slots=True)
class Either:
    """Null or one of several kinds of scalars, or null or one other kind."""

    options: tuple[Shape, ...]

    def _option(self, value: object) -> Shape:
        """Choose by the value's own type, so that a whole number among scalars stays one."""
        exact = [o for o in self.options if isinstance(o, Scalar) and o.python is type(value)]
        fitting = exact or [o for o in self.options if isinstance(o, Scalar) and o.fits(value)]
        return (fitting or self.options)[0]

    def encode(self, value: object, path: str) -> object:
        """Encode as the option that fits."""
        return None if value is None else self._option(value).encode(value, path)

    def decode(self, value: object, path: str) -> object:
        """Decode as the option that fits."""
        return None if value is None else self._option(value).decode(value, path)

    def describe(self) -> dict[str, Any]:
        """Describe as alternatives, null last."""
        options = [option.describe() for option in self.options]
        if all(isinstance(option, Scalar) for option in self.options):
            return {"type": [*(option["type"] for option in options), "null"]}
        return {"anyOf": [*options, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Items:
    """A list, of any length or of exactly ``length`` entries."""

    item: Shape
    length: int | None

    def encode(self, value: object, path: str) -> list[object]:
        """Encode entry by entry."""
        if not isinstance(value, tuple) or (self.length is not None and len(value) != self.length):
            msg = f"{path} should be a tuple{'' if self.length is None else f' of {self.length}'}, not {value!r}"
            raise TypeError(msg)
        return [self.item.encode(entry, f"{path}[{number}]") for number, entry in enumerate(value)]

    def decode(self, value: object, path: str) -> tuple[object, ...]:
        """Decode entry by entry."""
        if not isinstance(value, list):
            raise malformed(path, f"{_shown(value)} is not a list")
        if self.length is not None and len(value) != self.length:
            raise malformed(path, f"the list has {len(value)} entries instead of {self.length}")
        return tuple(self.item.decode(entry, f"{path}[{number}]") for number, entry in enumerate(value))

    def describe(self) -> dict[str, Any]:
        """Describe as an array."""
        limits = {} if self.length is None else {"minItems": self.length, "maxItems": self.length}
        return {"type": "array", "items": self.item.describe(), **limits}


@dataclass(frozen=True, slots=True)
class Entries:
    """An object whose keys are data: any strings in the order given, or an enumeration's words in its own order."""

    key: type
    value: Shape

    def encode(self, value: object, path: str) -> dict[str, Any]:
        """Encode entry by entry."""
        if not isinstance(value, Mapping) or not all(isinstance(key, self.key) for key in value):
            msg = f"{path} should be a mapping from {self.key.__name__}, not {value!r}"
            raise TypeError(msg)
        keys = [key for key in self.key if key in value] if issubclass(self.key, StrEnum) else list(value)
        return {str(key): self.value.encode(value[key], step(path, key)) for key in keys}

    def decode(self, value: object, path: str) -> dict[Any, Any]:
        """Decode entry by entry."""
        if not isinstance(value, dict):
            raise malformed(path, f"{_shown(value)} is not an object")
        word = Word(self.key) if issubclass(self.key, StrEnum) else SCALARS[str]
        return {word.decode(key, path): self.value.decode(entry, step(path, key)) for key, entry in value.items()}

    def describe(self) -> dict[str, Any]:
        """Describe as an object with free keys, or with the enumeration's."""
        names = {"propertyNames": Word(self.key).describe()} if issubclass(self.key, StrEnum) else {}
        return {"type": "object", **names, "additionalProperties": self.value.describe()}


@dataclass(frozen=True, slots=True)
class Free:
    """Anything that JSON can hold; lists become tuples, as everywhere in the evidence."""

    def encode(self, value: object, path: str) -> object:
        """Encode whatever is found, to any depth."""
        match value:
            case None:
                return None
            case Mapping():
                return Entries(str, self).encode(value, path)
            case list() | tuple():
                return Items(self, None).encode(tuple(value), path)
            case _:
                return SCALARS.get(type(value), SCALARS[str]).encode(value, path)

    def decode(self, value: object, path: str) -> object:
        """Decode whatever is found, to any depth."""
        match value:
            case dict():
                return Entries(str, self).decode(value, path)
            case list():
                return Items(self, None).decode(value, path)
            case float():
                return SCALARS[float].decode(value, path)
            case _:
                return value

    def describe(self) -> dict[str, Any]:
        """Describe as the schema that everything fits."""
        return {}


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass of the evidence: an object with exactly its fields, in their order."""

    record: type
    fields: tuple[tuple[str, Shape], ...]
    later: frozenset[str] = frozenset()
    """Fields that earlier minor versions of the schema did not have; read from their reports, they have the default."""

    def encode(self, value: object, path: str) -> dict[str, Any]:
        """Encode field by field."""
        if not isinstance(value, self.record):
            msg = f"{path} should be a {self.record.__name__}, not {value!r}"
            raise TypeError(msg)
        return {name: shape.encode(getattr(value, name), step(path, name)) for name, shape in self.fields}

    def decode(self, value: object, path: str) -> object:
        """Decode field by field; nothing may be missing but what came later, nothing may be there besides."""
        if not isinstance(value, dict):
            raise malformed(path, f"{_shown(value)} is not an object")
        names = [name for name, _ in self.fields]
        for name in names:
            if name not in value and name not in self.later:
                raise malformed(step(path, name), "the key is missing")
        for key in value:
            if key not in names:
                raise malformed(step(path, key), "the key is unknown")
        there = ((name, shape) for name, shape in self.fields if name in value)
        return self.record(**{name: shape.decode(value[name], step(path, name)) for name, shape in there})

    def describe(self) -> dict[str, Any]:
        """Describe by reference to the definition of that name."""
        return {"$ref": f"#/$defs/{self.record.__name__}"}


@cache
def shape_of(hint: object) -> Shape:
    """Find the shape of a type hint.

    Raises:
        TypeError: The evidence has no use for such a hint.
    """
    if hint in SCALARS:
        return SCALARS[hint]
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        later = frozenset(field.name for field in fields(hint) if SINCE in field.metadata)
        return Record(hint, tuple((field.name, shape_of(hints[field.name])) for field in fields(hint)), later)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Word(hint)
    return Free() if hint is object else _generic(hint)


def _generic(hint: object) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Either(tuple(shape_of(argument) for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return Items(shape_of(arguments[0]), None if arguments[-1] is Ellipsis else len(arguments))
    if origin is Mapping:
        return Entries(arguments[0], shape_of(arguments[1]))
    msg = f"no JSON shape for {hint!r}"
    raise TypeError(msg)
