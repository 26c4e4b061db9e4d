"""Dates in the order of the reader's language; the time and its zone stay as they were recorded."""

from __future__ import annotations

from datetime import datetime

from independence_audit.report.plain import visible
from independence_audit.report.wording import label


def moment(text: str, lang: str) -> str:
    """Write an ISO 8601 date and time for a reader; what is no date is shown as it is."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return visible(text)
    offset = f"{when:%z}"
    zone = f"UTC{offset[:3]}:{offset[3:5]}" if offset else ""
    return label(
        "moment",
        lang,
        year=f"{when.year:04d}",
        month=f"{when.month:02d}",
        day=f"{when.day:02d}",
        time=f"{when:%H:%M:%S} {'UTC' if zone == 'UTC+00:00' else zone}".rstrip(),
    )
