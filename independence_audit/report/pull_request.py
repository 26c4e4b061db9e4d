"""A screenful of Markdown for pull requests: the opinion, the components, and what asks for attention."""

from __future__ import annotations

from collections.abc import Iterator

from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.report.languages import ENGLISH
from independence_audit.report.page import Page, page_of
from independence_audit.report.page_rows import ComponentRow
from independence_audit.report.plain import escaped, shortened
from independence_audit.report.wording import label

LONGEST_NAME = 80
MOST_ROWS = 20
"""Components and criteria that are shown; a comment on a pull request holds 65,536 characters."""


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Write the summary.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, lang)
    blocks = [*_head(page), _components(page, lang), *_attention(report, page), *_limits(page, lang)]
    return "\n\n".join(blocks) + "\n"


def _head(page: Page) -> Iterator[str]:
    yield f"### {escaped(page.title)}: {escaped(shortened(page.subject, LONGEST_NAME))}"
    if page.banner:
        yield f"> {escaped(page.banner)}"
    yield f"**{escaped(page.outcome_word)}** · {escaped(page.opinion)}"
    if page.found:
        yield escaped(page.found)
    yield escaped(page.compared)


def _components(page: Page, lang: str) -> str:
    lines = [
        [label(key, lang) for key in ("component", "relation", "reference", "correlation", "outcome")],
        ["---"] * 5,
    ]
    lines += [
        [escaped(cell) for cell in (_short(row.label), _relation(row), _short(row.reference), row.r, row.outcome_word)]
        for row in page.components[:MOST_ROWS]
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _relation(row: ComponentRow) -> str:
    return f"{row.word} ({row.uncovered})" if row.uncovered else row.word


def _attention(report: AuditReport, page: Page) -> Iterator[str]:
    """The criteria at or above a remark, with what was suppressed and by whom."""
    pairs = zip(report.opinion.criteria, page.criteria, strict=True)
    rows = [
        f"- **{escaped(row.outcome_word)}** {escaped(row.finding)}"
        for criterion, row in pairs
        if criterion.severity != Severity.NONE
    ]
    if rows:
        yield "\n".join(rows[:MOST_ROWS])


def _limits(page: Page, lang: str) -> Iterator[str]:
    if page.open:
        rows = [f"- {escaped(sentence)}" for sentence in page.open[:MOST_ROWS]]
        yield "\n".join((f"**{escaped(label('open', lang))}**", "", *rows))
    yield f"*{escaped(page.standing)}*"
    limits = " ".join(page.cannot_judge)
    yield f"<sub>{escaped(label('cannot_judge', lang))}: {escaped(limits)}</sub>"


def _short(text: str) -> str:
    return shortened(text, LONGEST_NAME)
