"""Why an audit is inconclusive, and what its exit status says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.audit_report import Reference, Severity
from independence_audit.evidence.measurement import Message
from independence_audit.pipeline.incomplete import (
    MISSING,
    NOT_AVAILABLE,
    UNVERIFIED,
    exit_code,
    first_names,
    missing_references,
    told_again,
    unread_references,
    unread_subject,
    unverified,
)
from tests.report.sample_reports import clean, finding

HAD, LACKED = Reference("had", "compared"), Reference("lacked", NOT_AVAILABLE)


def test_a_reference_that_could_not_be_had_is_named() -> None:
    """One that has nothing in common with the subject was looked at, and is none of them."""
    references = (HAD, LACKED, Reference("other", "incomparable"))
    assert list(missing_references(references, allowed=False)) == [
        Message(MISSING, {"missing": 1, "asked": 3, "names": "lacked"})
    ]
    assert list(missing_references(references, allowed=True)) == []
    assert list(missing_references((HAD,), allowed=False)) == []


def test_what_was_read_in_part_is_said_with_how_much() -> None:
    """References and the subject; nothing where all of it was read."""
    (message,) = unread_references([("a", 2), ("b", 0), ("c", 3)], allowed=False)
    assert message.data == {"tensors": 5, "names": "a, c"}
    assert list(unread_references([("a", 2)], allowed=True)) == []
    assert [one.data for one in unread_subject(4)] == [{"tensors": 4}]
    assert list(unread_subject(0)) == []


def test_nothing_but_a_fingerprint_is_not_verified() -> None:
    """Whatever it shows."""
    assert [one.key for one in unverified(verified=False)] == [UNVERIFIED]
    assert list(unverified(verified=True)) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c (+2)"), ([], "")],
)
def test_many_names_are_counted(names: list[str], said: str) -> None:
    """Three of them stand in a sentence."""
    assert first_names(names) == said


def test_a_finding_outranks_what_is_open() -> None:
    """1 for a finding as grave as was asked, else 3 where something is open, else 0."""
    assert exit_code(finding(), Severity.NOT_MET) == 1
    assert exit_code(clean(), Severity.REMARK) == 0
    open_one = replace(clean(), opinion=replace(clean().opinion, undecided=("visual",)))
    assert exit_code(open_one, Severity.NOT_MET) == 3
    open_too = replace(finding(), summary=replace(finding().summary, incomplete=(Message(UNVERIFIED),)))
    assert exit_code(open_too, Severity.NOT_MET) == 1


def test_a_report_without_its_reasons_is_told_them_again() -> None:
    """Who strikes a reason out of a report cannot clear it: its own evidence decides."""
    report = replace(clean(), references=(HAD, LACKED))
    stripped = replace(report, summary=replace(report.summary, incomplete=(Message("incomplete.files"),)))
    assert [message.key for message in told_again(stripped)] == ["incomplete.files", MISSING]
    allowed = replace(stripped, settings=replace(stripped.settings, allow_missing=True))
    assert [message.key for message in told_again(allowed)] == ["incomplete.files"]
