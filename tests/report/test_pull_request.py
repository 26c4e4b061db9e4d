"""The summary for pull requests: one screen, with what asks for attention and what remains open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.audit_report import AuditReport, Outcome, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.report.languages import KOREAN
from independence_audit.report.pull_request import MOST_ROWS, render
from tests.report.exchange_reports import few, suppressed, with_hostile_declaration
from tests.report.sample_reports import SAMPLES, clean


def rows_of(text: str) -> list[str]:
    """The rows of the summary's table, without its head."""
    return [line for line in text.splitlines() if line.startswith("| ")][2:]


def repeated(report: AuditReport, number: int) -> AuditReport:
    """The same report with one component, and one criterion, this often."""
    component, criterion = report.components[0], report.opinion.criteria[0]
    return replace(
        report,
        components=(component,) * number,
        opinion=replace(report.opinion, criteria=(criterion,) * number),
    )


def test_a_summary_is_short_and_escaped() -> None:
    """A comment on a pull request: hostile names do no harm, and Korean is Korean."""
    report = SAMPLES["hostile"]()
    remarked = replace(report.opinion.criteria[0], outcome=Outcome.REVIEW, severity=Severity.REMARK)
    report = replace(report, opinion=replace(report.opinion, criteria=(remarked, *report.opinion.criteria[1:])))
    text = render(report, KOREAN)
    assert "**참고**" in text
    assert len(text) < 65_536
    assert "<script" not in text
    assert "독자성" in text


def test_hostile_declarations_do_no_harm() -> None:
    """Whatever a declaration says is data: escaped, on its line, in valid documents."""
    text = render(with_hostile_declaration())
    assert "\u202e" not in text
    assert "<script" not in text


@pytest.mark.parametrize("expired", [False, True])
def test_suppressions_stay_visible(expired: bool) -> None:  # noqa: FBT001
    """A suppressed finding is there, with who answers for it and until when."""
    assert "agreed with the committee" in render(suppressed(expired=expired))


def test_every_component_has_its_row() -> None:
    """With its relation, its reference, r and what the policy makes of it; what was not compared stands beside it."""
    rows = rows_of(render(few()))
    assert rows[0].startswith("| audio encoder | identical | Qwen2-Audio | 1.0000 | ")
    assert len(rows) == len(few().components)
    component = replace(few().components[0], relations={Relation.NOT_TESTED: 0.25, Relation.IDENTICAL: 0.75})
    partly = replace(few(), components=(component, *few().components[1:]))
    assert "| identical (25.0% not compared) |" in render(partly)


def test_only_what_has_a_severity_asks_for_attention() -> None:
    """A criterion that is met is no line of its own; one that is not is."""
    assert "- **" not in render(clean())
    met = clean().opinion.criteria[0]
    review = replace(met, outcome=Outcome.REVIEW, severity=Severity.REVIEW)
    assert render(replace(clean(), opinion=replace(clean().opinion, criteria=(met, review)))).count("- **") == 1


def test_a_model_of_very_many_components_stays_on_one_screen() -> None:
    """The first ones stand for all; the report has the rest."""
    text = render(repeated(few(), 300))
    assert len(rows_of(text)) == MOST_ROWS
    assert text.count("- **") == MOST_ROWS
    assert len(text) < 65_536
