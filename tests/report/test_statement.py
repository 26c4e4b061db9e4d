"""The in-toto statement: about whole files, and of one report by its digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from independence_audit.errors import InputError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report_json import comparable
from independence_audit.report.statement import render, report_digest
from tests.report.exchange_reports import few, whole


def predicate_of(report: AuditReport) -> dict[str, Any]:
    """What the statement says of the files."""
    predicate: dict[str, Any] = json.loads(render(whole(report)))["predicate"]
    return predicate


def test_a_statement_is_about_whole_files() -> None:
    """It names the report by the digest of its comparable part; samples are refused."""
    report = whole(few())
    statement = json.loads(render(report))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [each["digest"]["sha256"] for each in statement["subject"]] == ["a" * 64] * len(report.subject.files)
    digest = hashlib.sha256(comparable(report).encode()).hexdigest()
    assert statement["predicate"]["report"]["digest"]["sha256"] == digest
    sampled = tuple(replace(file, digest_scope="sample") for file in report.subject.files)
    with pytest.raises(InputError, match="whole files"):
        render(replace(report, subject=replace(report.subject, files=sampled)))


@pytest.mark.parametrize("change", [{"digest_scope": "claimed"}, {"digest_scope": "sample"}, {"sha256": None}])
def test_one_file_without_a_digest_of_all_its_bytes_is_enough_to_refuse(change: dict[str, Any]) -> None:
    """A statement about some of the files would pass for one about the model; the hint says what to do."""
    report = whole(few())
    first, *others = report.subject.files
    broken = replace(report, subject=replace(report.subject, files=(replace(first, **change), *others)))
    with pytest.raises(InputError, match="whole files") as caught:
        render(broken)
    assert "--whole-files" in caught.value.hint


def test_a_report_without_files_has_no_statement() -> None:
    """It would be about no bytes."""
    report = few()
    with pytest.raises(InputError, match="whole files"):
        render(replace(report, subject=replace(report.subject, files=())))


def test_what_was_left_out_is_part_of_the_statement() -> None:
    """An inconclusive audit, and parts that nobody compared, do not pass for a clean one."""
    report = few()
    incomplete = (Message("incomplete.references", {"missing": 1}),)
    said = predicate_of(replace(report, summary=replace(report.summary, incomplete=incomplete)))
    assert said["incomplete"] == ["incomplete.references"]
    assert [each["status"] for each in said["references"]] == ["compared"] * 3 + ["not_available"]
    untested = {each["name"]: each["notTested"] for each in said["components"]}
    assert untested["model.video_audio_compressor"] == 1.0


def test_the_digest_is_of_what_was_found() -> None:
    """Another run has the same; another figure, or a name that UTF-8 does not have, has its own."""
    report = few()
    assert report_digest(replace(report, run=replace(report.run, host="elsewhere"))) == report_digest(report)
    assert report_digest(replace(report, tensors=report.tensors[1:])) != report_digest(report)
    half = replace(report, subject=replace(report.subject, name="half \ud800"))
    assert len(bytes.fromhex(report_digest(half))) == 32
