"""Nothing that was not searched is missing from the first screen of any format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import Message
from independence_audit.report import html, markdown, pull_request, text
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.wording import label, say
from tests.report.sample_reports import finding

NOT_SEARCHED = tuple(
    Message(f"not_searched.{name}", {"component": "model", "reason": reason})
    for name, reason in (
        ("moved", "no_layers"),
        ("tokens", "tables_far"),
        ("disguised", "hidden_units"),
        ("without_anchors", "no_descriptors_there"),
        ("elsewhere", "unreadable"),
    )
)
FORMATS: dict[str, Callable[[AuditReport, str], str]] = {
    "text": text.render,
    "markdown": markdown.render,
    "html": html.render,
    "paper": lambda report, lang: html.document(report, lang, paper=True),
    "summary": pull_request.render,
}


def letters(written: str) -> str:
    """What is left of a text without markup, escapes and the way its lines are broken."""
    plain = re.sub(r"<(style|script)\b.*?</\1>", "", written, flags=re.DOTALL)
    return re.sub(r"[^\w]", "", re.sub(r"&#?\w+;", "", re.sub(r"<[^>]*>", "", plain)))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", FORMATS)
def test_what_was_not_searched_stands_before_the_components(name: str, lang: str) -> None:
    """Every sentence, above the table or, in the summary, anywhere on its one screen."""
    report = finding()
    report = replace(report, summary=replace(report.summary, not_searched=NOT_SEARCHED))
    screen = letters(FORMATS[name](report, lang))
    if name != "summary":
        screen = screen[: screen.index(letters(label("components", lang)))]
    for message in NOT_SEARCHED:
        _, _, because = say(message, lang).partition(": ")
        assert letters(because) in screen, message.key
