"""A suppression: somebody answers for an outcome until a day; the outcome stays where it is."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from independence_audit.evidence.audit_report import Severity
from independence_audit.policy.judge import worst_severity
from independence_audit.policy.suppress import Suppress, suppressed, unused
from tests.report.sample_reports import finding

TODAY = date(2026, 11, 26)
REPORT = finding()
GRAVE = next(one for one in REPORT.opinion.criteria if one.severity == Severity.NOT_MET)
NAME = GRAVE.id.partition("/")[0]
PLACE = REPORT.opinion.criteria.index(GRAVE)


def wish(expires: date = TODAY, criterion: str = NAME, component: str = "", reason: str = "agreed") -> Suppress:
    """A wish about the gravest criterion of a report."""
    return Suppress(criterion, component, reason, "Kim", expires)


def test_an_outcome_that_is_suppressed_stays() -> None:
    """Only what it fails on changes; the day itself still counts."""
    shown = suppressed(REPORT, [wish()], TODAY)
    one = shown.opinion.criteria[PLACE]
    assert (one.outcome, one.severity) == (GRAVE.outcome, GRAVE.severity)
    assert one.suppression is not None
    assert not one.suppression.expired
    others = [each for each in REPORT.opinion.criteria if not wish().is_about(each)]
    assert all(each in shown.opinion.criteria for each in others)


def test_past_its_day_it_is_shown_and_does_not_count() -> None:
    """The report fails again."""
    expired = suppressed(REPORT, [wish(TODAY - timedelta(days=1))], TODAY)
    one = expired.opinion.criteria[PLACE]
    assert one.suppression is not None
    assert one.suppression.expired
    assert worst_severity(expired.opinion) == Severity.NOT_MET


def test_one_that_holds_goes_before_one_that_expired() -> None:
    """Whatever their order in the file."""
    wishes = [wish(TODAY - timedelta(days=1), reason="old"), wish(reason="new")]
    one = suppressed(REPORT, wishes, TODAY).opinion.criteria[PLACE]
    assert one.suppression is not None
    assert one.suppression.reason == "new"


def test_it_is_about_one_component_or_all() -> None:
    """Another component's outcome stays without."""
    assert wish(component=GRAVE.component or "").is_about(GRAVE)
    assert not wish(component="somewhere else").is_about(GRAVE)
    assert not wish(criterion="another").is_about(GRAVE)


@pytest.mark.parametrize("wrong", [wish(criterion="misspelt"), wish(component="somewhere else")])
def test_what_means_nothing_is_told(wrong: Suppress) -> None:
    """A misspelt suppression suppresses nothing, and nobody would notice."""
    assert unused(REPORT.opinion, [wish(), wrong]) == [wrong]
    assert suppressed(REPORT, [wrong], TODAY) == REPORT
