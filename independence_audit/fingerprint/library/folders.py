"""Where the library's folders are: the one that comes with the program, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from independence_audit.errors import UsageError

VARIABLE = "AUDIT_LIBRARY"


def shipped_folder() -> Path:
    """The catalogue and fingerprints that come with the program: in the installed package, or in its checkout."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "fingerprints"


def own_folder(named: str = "") -> Path:
    """The user's own folder: the one named, or that of ``AUDIT_LIBRARY``, or the platform's place for such data.

    It need not exist yet.

    Raises:
        UsageError: It is no folder.
    """
    from platformdirs import user_data_path

    chosen = named or os.environ.get(VARIABLE, "")
    folder = Path(chosen).expanduser() if chosen else user_data_path("independence-audit", appauthor=False)
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"The library {folder.name!r} is not a folder.", f"Name a folder with --library or {VARIABLE}."
        )
    return folder
