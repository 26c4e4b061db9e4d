"""The bill of materials: valid by the official schema, and no suspicion among the ancestors."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin
from independence_audit.evidence.relation import Relation
from independence_audit.report.cyclonedx import render
from tests.report.exchange_reports import few, whole, with_hostile_declaration
from tests.report.sample_reports import SAMPLES


def model_of(report: AuditReport) -> dict[str, Any]:
    """The subject as the bill has it."""
    model: dict[str, Any] = json.loads(render(report))["metadata"]["component"]
    return model


@pytest.mark.parametrize("sample", SAMPLES)
def test_bills_are_valid(sample: str) -> None:
    """CycloneDX 1.6, by the validator of its own library."""
    text = render(whole(SAMPLES[sample]()))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_hostile_declarations_do_no_harm() -> None:
    """Whatever a declaration says is data: escaped, on its line, in valid documents."""
    text = render(with_hostile_declaration())
    assert "\u202e" not in text
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_suspicion_stays_out_of_the_pedigree() -> None:
    """Equal values and declared sources are ancestors; what is only related is a property."""
    report = few()
    model = model_of(report)
    ancestors = [each["name"] for each in model["pedigree"]["ancestors"]]
    by_relation = {component.relation: component.reference for component in report.components}
    assert by_relation[Relation.IDENTICAL] in ancestors
    assert by_relation[Relation.RELATED] not in ancestors
    related = next(c for c in report.components if c.relation is Relation.RELATED)
    declared = Declared(related.name, Origin.INITIALISED_FROM, "Org/Known", "mit", "", Agreement.AGREED)
    with_card = replace(report, declaration=DeclarationEvidence("README.md", (declared,)))
    pedigree = model_of(with_card)["pedigree"]["ancestors"]
    assert pedigree[0]["purl"] == "pkg:huggingface/Org/Known"
    contradicted = replace(declared, agreement=Agreement.DECLARED_NOT_FOUND)
    other = replace(report, declaration=DeclarationEvidence("README.md", (contradicted,)))
    names = [each["name"] for each in model_of(other)["pedigree"]["ancestors"]]
    assert "Org/Known" not in names


def test_an_ancestor_is_listed_once() -> None:
    """One that is declared and found as well, whichever of its two names the declaration uses."""
    report = few()
    identical = next(c for c in report.components if c.relation is Relation.IDENTICAL)
    for source in ("qwen2-audio", "Qwen/Qwen2-Audio"):
        declared = Declared(identical.name, Origin.FROZEN_FROM, source, "apache-2.0", "", Agreement.AGREED)
        named = replace(report, declaration=DeclarationEvidence("README.md", (declared,)))
        (ancestor,) = model_of(named)["pedigree"]["ancestors"]
        assert ancestor["name"] == source
        assert ancestor["properties"][0]["value"] == "declared"


def test_a_digest_of_a_sample_is_no_hash_of_the_file() -> None:
    """Other programs would take it for one that they can check."""
    sampled = model_of(few())["components"][0]
    assert "hashes" not in sampled
    assert sampled["properties"][0]["name"] == "independence-audit:sha256-of-sample"
    assert model_of(whole(few()))["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_one_report_has_one_serial_number() -> None:
    """The run's date, host and command do not make another; anything that was found does."""
    report = few()
    number = json.loads(render(report))["serialNumber"]
    assert json.loads(render(replace(report, run=replace(report.run, date="2030-01-01"))))["serialNumber"] == number
    assert json.loads(render(replace(report, tensors=report.tensors[1:])))["serialNumber"] != number
