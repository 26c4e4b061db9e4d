"""Loading data files: strict readers for the packaged TOML tables, in which an unknown key is an error."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Any, TypeVar

from independence_audit.core.toml import shipped_table

PACKAGE = "independence_audit.anatomy"

Value = TypeVar("Value")

REQUIRED: Any = object()
"""Marks a key that has no default."""


class Table:
    """One TOML table, read key by key; ``close`` complains about the keys that nobody asked for."""

    def __init__(self, where: str, content: Mapping[str, Any]) -> None:
        self._where = where
        self._left = dict(content)

    def take(self, key: str, kind: type[Value], default: Value = REQUIRED) -> Value:
        """The value of a key.

        Raises:
            ValueError: It is missing and has no default, or is of another type.
        """
        value = self._left.pop(key, default)
        if value is REQUIRED:
            raise ValueError(f"{self._where} lacks {key!r}.")
        if not isinstance(value, kind):
            raise ValueError(f"{self._where}: {key!r} is {value!r:.80}, but a {kind.__name__} is needed.")  # noqa: TRY004
        return value

    def take_strings(self, key: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """The value of a key that holds a list of strings.

        Raises:
            ValueError: It is missing and has no default, or is no list of strings.
        """
        value = self.take(key, list, REQUIRED if default is None else list(default))
        if not all(isinstance(item, str) for item in value):
            raise ValueError(f"{self._where}: {key!r} is {value!r:.80}, but a list of strings is needed.")
        return tuple(value)

    def close(self) -> None:
        """Check that every key was read.

        Raises:
            ValueError: There are keys that nobody knows.
        """
        if self._left:
            raise ValueError(f"{self._where} has unknown keys: {', '.join(sorted(self._left)):.200}.")


def read_table(name: str) -> dict[str, Any]:
    """The content of one data file of this package."""
    return dict(shipped_table(PACKAGE, name))


def read_tables(folder: str) -> dict[str, dict[str, Any]]:
    """The content of every data file in a folder of this package, by file name."""
    names = sorted(item.name for item in files(PACKAGE).joinpath(folder).iterdir() if item.name.endswith(".toml"))
    return {name: read_table(f"{folder}/{name}") for name in names}
