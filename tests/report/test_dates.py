"""Dates as each language writes them."""

from __future__ import annotations

import pytest

from independence_audit.report.dates import moment


@pytest.mark.parametrize(
    ("text", "english", "korean"),
    [
        ("2026-01-15T09:30:00+09:00", "2026-01-15 09:30:00 UTC+09:00", "2026년 01월 15일 09:30:00 UTC+09:00"),
        ("2026-01-15T09:30:00Z", "2026-01-15 09:30:00 UTC", "2026년 01월 15일 09:30:00 UTC"),
        ("2026-01-15T09:30:00", "2026-01-15 09:30:00", "2026년 01월 15일 09:30:00"),
        ("soon\x1b", "soon\\u001b", "soon\\u001b"),
        ("", '""', '""'),
    ],
)
def test_moments(text: str, english: str, korean: str) -> None:
    """The order is the language's; what is no date is shown, made visible."""
    assert (moment(text, "en"), moment(text, "ko")) == (english, korean)
