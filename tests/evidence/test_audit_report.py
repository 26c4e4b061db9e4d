"""The one word beside the opinion: the gravest outcome, and never a clean one where something is open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.evidence.audit_report import (
    GRAVITY,
    AuditReport,
    Criterion,
    Outcome,
    Severity,
    badge_of,
    gravest,
    gravest_of,
    weighty,
)
from independence_audit.evidence.measurement import Message
from tests.report.sample_reports import inconclusive

REPORT = replace(inconclusive(), tensors=())
CLEAN = [outcome for outcome in Outcome if GRAVITY.index(outcome) < GRAVITY.index(Outcome.MATERIAL_MISSING)]


def criterion(outcome: Outcome, severity: Severity = Severity.REVIEW, component: str | None = None) -> Criterion:
    """A criterion with this outcome, of which nothing else matters here."""
    return Criterion("any", outcome, severity, Message("criterion.any"), component=component)


CRITERIA = st.lists(st.builds(criterion, st.sampled_from(Outcome), st.sampled_from(Severity)), max_size=5)


def report_with(
    outcome: Outcome, *, undecided: tuple[str, ...] = (), incomplete: tuple[Message, ...] = ()
) -> AuditReport:
    """A report whose one criterion has this outcome."""
    opinion = replace(REPORT.opinion, criteria=(criterion(outcome),), undecided=undecided)
    return replace(REPORT, opinion=opinion, summary=replace(REPORT.summary, incomplete=incomplete))


def test_every_outcome_has_its_weight() -> None:
    """A new outcome has to be put in its place; what contradicts is the gravest of all."""
    assert sorted(GRAVITY) == sorted(Outcome)
    assert GRAVITY[-1] is Outcome.NOT_MET


@given(CRITERIA, st.data())
def test_the_gravest_outcome_is_that_of_a_criterion_in_any_order(
    criteria: list[Criterion], data: st.DataObject
) -> None:
    """None that counts is graver, and the order of a policy's criteria does not matter; without any it is left open."""
    found = gravest(criteria)
    counted = [each.outcome for each in weighty(criteria)]
    assert found in (counted or [Outcome.ON_DOCUMENTS])
    assert not any(GRAVITY.index(outcome) > GRAVITY.index(found) for outcome in counted)
    assert gravest(data.draw(st.permutations(criteria))) is found


def test_remarks_count_only_where_there_is_nothing_else() -> None:
    """A missing attribution does not colour a component whose weights were judged."""
    remark, met = criterion(Outcome.REVIEW, Severity.REMARK), criterion(Outcome.MET, Severity.NONE)
    assert gravest([remark, met]) is Outcome.MET
    assert gravest([remark]) is Outcome.REVIEW
    assert list(weighty([remark, met])) == [met]


def test_a_component_has_the_criterion_that_weighs_most() -> None:
    """By its severity before its outcome, among its own alone."""
    light = criterion(Outcome.MATERIAL_MISSING, Severity.NONE, "tower")
    heavy = criterion(Outcome.MATERIAL_MISSING, Severity.REVIEW, "tower")
    graver = criterion(Outcome.REVIEW, Severity.NONE, "tower")
    other = criterion(Outcome.NOT_MET, Severity.NOT_MET, "decoder")
    whole = criterion(Outcome.NOT_MET, Severity.NOT_MET)
    assert gravest_of("tower", [light, heavy, graver, other, whole]) == heavy
    assert gravest_of("tower", [light, graver]) == graver
    assert gravest_of("projector", [light, heavy, other, whole]) is None


@pytest.mark.parametrize("outcome", Outcome)
def test_an_audit_that_is_complete_bears_its_gravest_outcome(outcome: Outcome) -> None:
    """Whatever it is."""
    assert badge_of(report_with(outcome)) is outcome


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_open_is_never_clean(outcome: Outcome) -> None:
    """An undecided component or a missing reference turns a clean outcome into one that asks for material."""
    expected = Outcome.MATERIAL_MISSING if outcome in CLEAN else outcome
    assert badge_of(report_with(outcome, undecided=("tower",))) is expected
    assert badge_of(report_with(outcome, incomplete=(Message("incomplete.references"),))) is expected
