"""The report as JSON: exact both ways, the same bytes for the same report, and nothing unforeseen is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import AuditReport, Run
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import comparable, from_json, to_json
from tests.evidence.strategies import reports
from tests.report.sample_reports import SAMPLES, clean, hostile, inconclusive


@given(reports())
@settings(max_examples=40)
def test_round_trip_is_exact(report: AuditReport) -> None:
    """What is read is what was written, and writing it again gives the same text."""
    text = to_json(report)
    assert from_json(text) == report
    assert to_json(from_json(text)) == text


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_survive_the_round_trip_as_bytes(sample: str) -> None:
    """Reports with any names, halves of surrogate pairs included, can be stored as UTF-8 and read again."""
    text = to_json(SAMPLES[sample]())
    assert to_json(from_json(text.encode("utf-8").decode("utf-8"))) == text


def test_text_is_stable() -> None:
    """Keys come in declared order, two spaces deep, as plain characters, with a newline at the end."""
    report = replace(inconclusive(), run=Run("한국", "host", "audit"))
    text = to_json(report)
    assert list(json.loads(text)) == list(AuditReport.__dataclass_fields__)
    assert text.startswith('{\n  "tool": {\n    "name": ')
    assert "한국" in text
    assert text.endswith("}\n")


def test_floats_keep_ten_digits() -> None:
    """Floats are rounded to ten significant digits, small ones too, and an int in a float's place becomes a float."""
    report = inconclusive()
    tensor = replace(report.tensors[0], r=0.123456789012345, z=-0.0, p_value=1.23456789012345e-300, cosine=1)
    document = json.loads(to_json(replace(report, tensors=(tensor,))))["tensors"][0]
    assert (document["r"], document["p_value"]) == (0.123456789, 1.23456789e-300)
    assert repr(document["z"]) == "0.0"
    assert repr(document["cosine"]) == "1.0"


def test_shares_are_written_in_the_order_of_the_words() -> None:
    """Two equal reports give one text even where a mapping was filled in another order."""
    report = clean()
    shares = {Relation.INCONCLUSIVE: 0.25, Relation.IDENTICAL: 0.75}
    turned = {Relation.IDENTICAL: 0.75, Relation.INCONCLUSIVE: 0.25}
    first, second = (replace(report, summary=replace(report.summary, shares=s)) for s in (shares, turned))
    assert to_json(first) == to_json(second)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    """NaN and infinities are a mistake of the program; the error names the place."""
    report = inconclusive()
    broken = replace(report, tensors=(replace(report.tensors[0], r=number), *report.tensors[1:]))
    with pytest.raises(ValueError, match=r"\$\.tensors\[0\]\.r"):
        to_json(broken)


WRONG: dict[str, dict[str, Any]] = {
    "list for tuple": {"tensors": []},
    "number for string": {"schema_version": 1},
    "None for a record": {"subject": None},
    "number for a key": {"context": {1: 2}},
    "object in a free part": {"context": {"x": object()}},
}


@pytest.mark.parametrize("name", WRONG)
def test_values_of_wrong_types_are_refused(name: str) -> None:
    """What the type hints do not allow is not written."""
    with pytest.raises(TypeError, match=r"^\$\."):
        to_json(replace(inconclusive(), **WRONG[name]))


def test_wrong_lengths_and_words_are_refused() -> None:
    """A shape has two entries, and a relation is one of the words, when written too."""
    report = inconclusive()
    changes: tuple[dict[str, Any], ...] = ({"shape": (1, 2, 3)}, {"relation": "identical"})
    for change in changes:
        broken = replace(report, tensors=(replace(report.tensors[0], **change),))
        with pytest.raises(TypeError, match=r"^\$\.tensors\[0\]"):
            to_json(broken)


def test_a_report_of_an_earlier_minor_version_is_read() -> None:
    """What 1.1 added has its default in a report of 1.0; what 1.0 had must be there."""
    report = inconclusive()
    document = json.loads(to_json(report))
    del document["summary"]["incomplete"], document["subject"]["accounts"]
    document["schema_version"] = "1.0"
    whole = from_json(to_json(report))
    assert from_json(json.dumps(document)) == replace(whole, schema_version="1.0")


def test_only_the_run_is_left_out_of_the_comparable_part() -> None:
    """Two runs on the same inputs agree; any other difference shows."""
    report = inconclusive()
    assert comparable(report) == comparable(replace(report, run=Run("now", "here", "audit again")))
    assert comparable(report) != comparable(replace(report, schema_version="1.9"))
    assert set(json.loads(to_json(report))) - set(json.loads(comparable(report))) == {"run"}


Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> str:
    """The JSON of a report after a change to the document."""
    document = json.loads(to_json(inconclusive()))
    change(document)
    return json.dumps(document)


BROKEN: dict[str, tuple[Change, str, str]] = {
    "unknown key": (lambda d: d.update(extra=1), "$.extra", "unknown"),
    "missing key": (lambda d: d.pop("tool"), "$.tool", "missing"),
    "missing inner key": (lambda d: d["components"][0].pop("kind"), "$.components[0].kind", "missing"),
    "odd key": (lambda d: d["components"][0].update({"a b": 1}), '$.components[0]["a b"]', "unknown"),
    "word": (lambda d: d["components"][0].update(relation="copied"), "$.components[0].relation", "identical, rounded"),
    "word in a list": (
        lambda d: d["components"][0].update(relation=["related"]),
        "$.components[0].relation",
        "not one",
    ),
    "word as a key": (lambda d: d["summary"].update(shares={"same": 1.0}), "$.summary.shares", "not one of"),
    "list for object": (lambda d: d["summary"].update(shares=[]), "$.summary.shares", "not an object"),
    "string for number": (lambda d: d["components"][0].update(r="high"), "$.components[0].r", "not a number"),
    "truth for number": (lambda d: d["components"][0].update(r=True), "$.components[0].r", "not a number"),
    "fraction for count": (lambda d: d["summary"].update(tests=1.5), "$.summary.tests", "not a whole number"),
    "null for string": (lambda d: d["subject"].update(name=None), "$.subject.name", "not a string"),
    "number for truth": (lambda d: d["subject"].update(synthetic=1), "$.subject.synthetic", "not true or false"),
    "too few entries": (lambda d: d["tensors"][0].update(shape=[1]), "$.tensors[0].shape", "1 entries instead of 2"),
    "object for list": (lambda d: d.update(tensors={}), "$.tensors", "not a list"),
    "list for record": (lambda d: d.update(tool=[]), "$.tool", "not an object"),
    "list in a message": (
        lambda d: d["opinion"]["headline"]["data"].update(x=[]),
        "$.opinion.headline.data.x",
        "not a string",
    ),
    "huge number": (lambda d: d["tensors"][0].update(r=10**400), "$.tensors[0].r", "too large"),
    "major version": (lambda d: d.update(schema_version="2.0"), "$.schema_version", "not a version"),
    "half a version": (lambda d: d.update(schema_version="1"), "$.schema_version", "not a version"),
    "number for version": (lambda d: d.update(schema_version=1.0), "$.schema_version", "not a string"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_reports_name_the_place(name: str) -> None:
    """What the schema does not allow is refused with the JSON path and the reason."""
    change, path, problem = BROKEN[name]
    with pytest.raises(MalformedError) as caught:
        from_json(changed(change))
    assert f"at {path}: " in caught.value.message
    assert problem in caught.value.message
    assert caught.value.hint


NO_REPORTS = {
    "nothing": "",
    "list": "[]",
    "null": "null",
    "torn": "{",
    "constant": '{"tool": NaN}',
    "twice": '{"tool": 1, "tool": 2}',
    "deep": "[" * 200_000,
    "long number": "1" * 5000,
    "version only": '{"schema_version": "1.0"}',
}


@pytest.mark.parametrize("name", NO_REPORTS)
def test_what_is_no_report_is_refused(name: str) -> None:
    """Text that is not JSON, or not a report at all, is a malformed report and not a crash."""
    with pytest.raises(MalformedError, match=r"^The report is malformed at \$"):
        from_json(NO_REPORTS[name])


def test_overflowing_literals_are_refused() -> None:
    """A number beyond the range of floats is not read as infinity, nor inside the free parts."""
    text = to_json(inconclusive())
    with pytest.raises(MalformedError, match="too large"):
        from_json(text.replace('"context": null', '"context": {"loss": 1e999}'))


def test_errors_cannot_fool_a_terminal() -> None:
    """What a broken report holds is quoted in the error without control characters."""
    with pytest.raises(MalformedError) as caught:
        from_json(changed(lambda d: d.update({"\x1b[2J\u202e": 1})))
    assert caught.value.message.isprintable()


def test_a_later_minor_version_is_read() -> None:
    """A report of a later minor version that uses nothing new can be read."""
    assert from_json(changed(lambda d: d.update(schema_version="1.10"))).schema_version == "1.10"


def test_free_parts_keep_their_types() -> None:
    """Context holds any JSON, and comes back with the types they had."""
    context = {"loss": (1.5, 2.0), "steps": 100, "resumed": False, "seed": None, "nested": {"a": ("b",)}}
    report = replace(hostile(), context=context)
    assert from_json(to_json(report)).context == context
