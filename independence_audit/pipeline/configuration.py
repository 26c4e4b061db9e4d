"""``audit.toml``, or ``[tool.audit]`` in ``pyproject.toml``: what a team's self-check is asked to do, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from independence_audit.anatomy.tables import Table
from independence_audit.core.bounded import read_bounded
from independence_audit.core.toml import LARGEST, parse_toml
from independence_audit.errors import UsageError
from independence_audit.evidence.report import Severity
from independence_audit.policy.suppress import Suppress

FILE = "audit.toml"
PROJECT = "pyproject.toml"
PATHS = ("policy", "subject", "declaration", "library", "salt-file", "sign-key", "model-key", "init")
FLAGS = ("full", "whole-files", "offline", "allow-missing")
TEXTS = ("team", "stage", "model", "lang", "step-regex")
_HINT = "docs/self-check.md lists the keys."


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a file asks for. Empty where it says nothing; paths are those of the file's folder."""

    file: str = ""
    """The path of the file itself."""
    subject: str = ""
    references: tuple[str, ...] = ()
    policy: str = ""
    declaration: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Path by format."""
    fail_on: str = ""
    full: bool = False
    whole_files: bool = False
    offline: bool = False
    allow_missing: bool = False
    library: str = ""
    salt_file: str = ""
    sign_key: str = ""
    model_key: str = ""
    team: str = ""
    stage: str = ""
    model: str = ""
    lang: str = ""
    trajectory: tuple[str, ...] = ()
    init: str = ""
    step_regex: str = ""
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
    fail_on = table.take("fail-on", str, "")
    if fail_on and fail_on not in (Severity.REMARK, Severity.REVIEW, Severity.NOT_MET):
        raise ValueError(f"'fail-on' is {fail_on!r}, but remark, review or not_met is needed")
    taken: dict[str, Any] = {key: _beside(folder, table.take(key, str, "")) for key in PATHS}
    taken |= {key: table.take(key, bool, False) for key in FLAGS}  # noqa: FBT003  the default
    taken |= {key: table.take(key, str, "") for key in TEXTS}
    configuration = Configuration(
        file=str(path),
        references=tuple(_beside(folder, name) for name in table.take_strings("references", ())),
        trajectory=tuple(_beside(folder, name) for name in table.take_strings("trajectory", ())),
        outputs={name: str(folder / target) for name, target in outputs.items()},
        fail_on=fail_on,
        suppress=tuple(_suppress(entry) for entry in table.take("suppress", list, [])),
        **{key.replace("-", "_"): value for key, value in taken.items()},
    )
    table.close()
    return configuration


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
