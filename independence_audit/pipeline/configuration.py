"""``audit.toml``, or ``[tool.audit]`` in ``pyproject.toml``: what a team's self-check is asked to do, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from independence_audit.anatomy.tables import Table
from independence_audit.core.bounded import read_bounded
from independence_audit.core.toml import LARGEST, parse_toml
from independence_audit.errors import UsageError
from independence_audit.pipeline.options import Option, options
from independence_audit.policy.suppress import Suppress

FILE = "audit.toml"
PROJECT = "pyproject.toml"
_HINT = "docs/self-check.md lists the keys."


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file asks for; paths are those of the file's folder."""

    file: str = ""
    """The path of the file itself; empty where there is none."""
    subject: str = ""
    outputs: tuple[str, ...] = ()
    """As FORMAT=PATH."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """By field of :class:`Asked`, the options that it sets."""
    suppress: tuple[Suppress, ...] = ()


def find_configuration(named: str, folder: Path) -> Configuration:
    """Read the file that is named, or what a folder has: ``audit.toml``, then ``pyproject.toml`` with ``[tool.audit]``.

    Raises:
        UsageError: The file cannot be read or used.
    """
    if named:
        return _read(Path(named))
    if (folder / FILE).is_file():
        return _read(folder / FILE)
    return _read(folder / PROJECT) if (folder / PROJECT).is_file() else Configuration()


def _read(path: Path) -> Configuration:
    try:
        data = parse_toml(read_bounded(path, LARGEST))
        if path.name == PROJECT:
            data = data.get("tool", {}).get("audit")
            if data is None:
                return Configuration()
        return _configuration(data, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name another with --config.") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} cannot be used: {str(error).rstrip('.')}.", _HINT) from error


def _configuration(data: Mapping[str, Any], path: Path) -> Configuration:
    table, folder = Table("The file", data), path.parent
    outputs = table.take("outputs", dict, {})
    if not all(isinstance(target, str) and target for target in outputs.values()):
        raise ValueError("[outputs] has a format without a path")
    configuration = Configuration(
        file=str(path),
        subject=_beside(folder, table.take("subject", str, "")),
        outputs=tuple(f"{name}={folder / target}" for name, target in outputs.items()),
        given={option.name: _value(option, table, folder) for option in options() if option.key in data},
        suppress=tuple(_suppress(entry) for entry in table.take("suppress", list, [])),
    )
    table.close()
    return configuration


def _value(option: Option, table: Table, folder: Path) -> Any:  # noqa: ANN401  of the option's own type
    """What the file sets an option to."""
    if option.kind == tuple[str, ...]:
        return tuple(_beside(folder, name) for name in table.take_strings(option.key))
    if option.kind is bool:
        return table.take(option.key, bool)
    value = table.take(option.key, str)
    if option.choices and value not in option.choices:
        raise ValueError(f"{option.key!r} is {value!r}, but {_either(option.choices)} is needed")
    return _beside(folder, value) if option.is_path else value


def _either(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _beside(folder: Path, name: str) -> str:
    """What is there under that name in the file's folder; else the name, which may be one of the Hub or the library."""
    return str(folder / name) if name and (folder / name).exists() else name


def _suppress(data: object) -> Suppress:
    if not isinstance(data, dict):
        raise TypeError("A suppression is not a table")
    table = Table("A suppression", data)
    criterion, reason, owner = (table.take(key, str) for key in ("criterion", "reason", "owner"))
    component = table.take("component", str, "")
    expires = table.take("expires", date)
    table.close()
    if isinstance(expires, datetime):
        raise TypeError("A suppression's 'expires' has a time, but a day is needed, as 2026-12-31")
    if not (criterion and reason.strip() and owner.strip()):
        raise ValueError("A suppression needs a criterion, a reason and an owner")
    return Suppress(criterion, component, reason, owner, expires)
