"""`audit report`: a stored report in any format, without the weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from independence_audit.cli.entry import main
from independence_audit.cli.report_command import NAMES
from independence_audit.evidence.report_json import from_json, to_json
from independence_audit.report.formats import ALL
from tests.report.exchange_reports import few, whole


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A folder with a report about whole files."""
    (tmp_path / "report.json").write_text(to_json(whole(few())), encoding="utf-8")
    return tmp_path


def test_every_format_without_weights(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stored report is rendered as the audit would have."""
    for name in ("json", "summary", "sarif", "cyclonedx"):
        assert main(["report", str(case / "report.json"), "-q", "-o", f"{name}={case / name}"]) == 0
        assert (case / name).stat().st_size > 0
    assert from_json((case / "json").read_text()) == from_json((case / "report.json").read_text())
    assert main(["report", str(case / "report.json"), "--format", "summary"]) == 0
    assert "| --- |" in capsys.readouterr().out
    assert main(["report", str(case / "report.json"), "-o", f"json={case / 'x'}", "--sign-key", "key.pem"]) == 2


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_what_the_format_writes(name: str, case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also the forms for other programs, which an audit writes to files only."""
    assert main(["report", str(case / "report.json"), "--format", name]) == 0
    assert capsys.readouterr().out == ALL[name].render(whole(few()))


def test_quiet_prints_nothing(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked for as a file is written all the same."""
    assert main(["report", str(case / "report.json"), "-q", "-o", f"text={case / 'out.txt'}"]) == 0
    assert capsys.readouterr().out == ""
    assert (case / "out.txt").read_text(encoding="utf-8") == ALL["text"].render(whole(few()))


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"schema_version": "9.0"}'])
def test_what_is_no_report_is_one_sentence(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a way out, and nothing on stdout."""
    path = tmp_path / "other.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert main(["report", str(path)]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split(":")[0] for line in shown.err.splitlines()] == ["error", "hint"]


def test_a_report_of_another_version_that_says_more_is_refused_whole(
    case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence that this version cannot word is not left out in silence."""
    document = json.loads((case / "report.json").read_text(encoding="utf-8"))
    document["opinion"]["headline"]["key"] = "headline.from_the_future"
    (case / "report.json").write_text(json.dumps(document), encoding="utf-8")
    assert main(["report", str(case / "report.json")]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "headline.from_the_future" in shown.err


def test_pdf_is_no_format_for_a_terminal(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to files only; the sentence lists what does go there."""
    assert main(["report", str(case / "report.json"), "--format", "pdf"]) == 2
    said = capsys.readouterr().err
    assert all(name in said for name in NAMES)
