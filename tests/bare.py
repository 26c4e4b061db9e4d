"""A plugin for pytest: the machine has neither a browser nor pango, whatever is installed on it."""

from __future__ import annotations

import shutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

from tests.report.conftest import BROWSERS

HIDDEN = ("pango", "harfbuzz")


def pytest_configure(config: pytest.Config) -> None:
    """Hide them before any test is imported."""
    found = shutil.which

    def which(cmd: Any, *arguments: Any, **options: Any) -> Any:
        return None if cmd in BROWSERS else found(cmd, *arguments, **options)

    shutil.which = which
    try:
        FFI = import_module("cffi").FFI  # noqa: N806  its own name
    except ImportError:  # nothing here could open a library
        return
    opened = FFI.dlopen

    def dlopen(self: Any, name: Any, *flags: Any) -> Any:
        if any(hidden in str(name) for hidden in HIDDEN):
            msg = f"{name}: no such library"
            raise OSError(msg)
        return opened(self, name, *flags)

    FFI.dlopen = dlopen
