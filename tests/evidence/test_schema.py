"""The JSON Schema: it says what the codec does, and its stored copies are what the dataclasses give."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.report_json import to_json
from independence_audit.evidence.schema import schema, schema_text
from tests.evidence.strategies import reports
from tests.report.sample_reports import SAMPLES, inconclusive

ROOT = Path(__file__).resolve().parents[2]
NAME = "report.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """The stored schema as a validator."""
    document = json.loads((files("independence_audit.evidence") / NAME).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def test_stored_schema_is_current() -> None:
    """The stored schema is what the dataclasses give; `docs/` holds the same bytes."""
    stored = (files("independence_audit.evidence") / NAME).read_bytes()
    assert stored == schema_text().encode("utf-8")
    assert stored == (ROOT / "docs" / NAME).read_bytes()


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_are_valid(sample: str, validator: Draft202012Validator) -> None:
    """Whole reports fit the schema."""
    validator.validate(json.loads(to_json(SAMPLES[sample]())))


@given(report=reports())
@settings(max_examples=25)
def test_everything_written_is_valid(validator: Draft202012Validator, report: AuditReport) -> None:
    """Whatever the codec writes fits the schema."""
    validator.validate(json.loads(to_json(report)))


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "unknown key": lambda d: d.update(extra=1),
    "missing key": lambda d: d.pop("run"),
    "word": lambda d: d["components"][0].update(relation="copied"),
    "word as a key": lambda d: d["components"][0].update(relations={"copied": 1.0}),
    "length": lambda d: d["tensors"][0].update(shape=[1, 2, 3]),
    "type": lambda d: d["tensors"][0].update(r="0.1"),
    "list in a message": lambda d: d["opinion"]["headline"].update(data={"x": []}),
    "major version": lambda d: d.update(schema_version="2.0"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_codec_refuses_is_invalid(name: str, validator: Draft202012Validator) -> None:
    """The schema is strict: unknown and missing keys, wrong words, lengths and types."""
    document = json.loads(to_json(inconclusive()))
    BROKEN[name](document)
    assert not validator.is_valid(document)


def test_every_object_is_closed_and_described() -> None:
    """Every object refuses unknown keys and says what it is; fields carry their docstrings."""
    document = schema()
    for definition in [document, *document["$defs"].values()]:
        assert definition["additionalProperties"] is False
        assert definition["description"]
    tensor = document["$defs"]["TensorEvidence"]["properties"]
    assert tensor["r"]["description"] == "Correlation of normal scores along the exchangeable axis."
