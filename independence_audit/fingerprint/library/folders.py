"""Where the library's folders are: the one that comes with the program, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from independence_audit.core.names import quoted
from independence_audit.errors import UsageError

VARIABLE = "AUDIT_LIBRARY"
_SHOWN = 60
"""Characters of a path in a sentence: its end tells more than its beginning."""


def shipped_folder() -> Path:
    """The catalogue and fingerprints that come with the program: in the installed package, or in its checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "fingerprints"


def _end_of(path: str) -> str:
    """The end of a path as a sentence can show it."""
    return quoted(path if len(path) <= _SHOWN else f"...{path[-_SHOWN:]}")


def own_folder(named: str = "") -> Path:
    """The user's own folder: the one named, or that of ``AUDIT_LIBRARY``, or the platform's place for such data.

    It need not exist yet.

    Raises:
        UsageError: It is no folder.
    """
    from platformdirs import user_data_path

    chosen = named or os.environ.get(VARIABLE, "")
    try:
        folder = Path(chosen).expanduser() if chosen else user_data_path("independence-audit", appauthor=False)
        is_other = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # no such user, or no possible path
        raise UsageError(
            f"The library {_end_of(chosen)} is no folder that can be looked at.",
            f"Name a folder with --library or {VARIABLE}.",
        ) from error
    if is_other:
        raise UsageError(
            f"The library {folder.name!r} is not a folder.", f"Name a folder with --library or {VARIABLE}."
        )
    return folder
