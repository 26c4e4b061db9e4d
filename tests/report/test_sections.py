"""Sections: what a new one has to touch, and that every format shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.report import html, markdown, sections, text
from independence_audit.report.blocks import Cell, Column, Pairs, Paragraph, Section, Table, Where, points
from independence_audit.report.page import Page
from tests.report.sample_reports import SAMPLES

LONG = "a sentence that is in no report"


def extra(_: AuditReport, __: Page, lang: str) -> Iterator[Section]:
    """A section with every block of words."""
    columns = (Column("component", longest=60), Column("z", number=True), Column("note", where=Where.MARKDOWN))
    table = Table(columns, (("tower", Cell("1.25", below="below it"), "only there"),))
    blocks = (Paragraph(LONG), Pairs((("named", "pair"),)), points(["a point"], numbered=True), table)
    yield Section("extra", f"Extra {lang}", blocks)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_new_section_is_one_function(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    """Every format shows it, with no word about it elsewhere."""
    monkeypatch.setattr(sections, "SECTIONS", (*sections.SECTIONS, extra))
    report = SAMPLES["finding"]()
    for written in (text.render(report, lang), markdown.render(report, lang), html.render(report, lang)):
        for shown in (f"Extra {lang}", LONG, "named", "pair", "a point", "tower", "1.25", "below it"):
            assert shown in written, shown
    assert "only there" in markdown.render(report, lang)
    assert "only there" not in text.render(report, lang)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_page_lays_out_every_section_or_writes_it(name: str) -> None:
    """No section of today's reports is written twice on the page."""
    document = sections.document_of(SAMPLES[name](), "en")
    assert {section.key for section in document.sections} <= html.LAID_OUT
