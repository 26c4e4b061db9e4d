"""What the library's tests share: a small library in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.fingerprint.library import Library
from tests.fingerprint.library.small_library import library_in


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library of made-up birds, with no fingerprint in it."""
    return library_in(tmp_path)
