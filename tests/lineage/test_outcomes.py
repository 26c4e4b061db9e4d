"""Which searches clear, and that every reason has its words."""

from __future__ import annotations

import pytest

from independence_audit.lineage.outcomes import Reason
from independence_audit.report.wording import catalogue


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_reason_has_its_words(lang: str) -> None:
    """In both languages."""
    assert {f"reason.{reason}" for reason in Reason} <= catalogue(lang).keys()
