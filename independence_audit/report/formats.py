"""The formats that reports are rendered in, each under its name; what a format needs is loaded when it renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar, cast

from independence_audit.evidence.audit_report import AuditReport, TrainingReport
from independence_audit.report.languages import ENGLISH

Report = TypeVar("Report")
Written = TypeVar("Written", str, bytes)


@dataclass(frozen=True, slots=True)
class Format(Generic[Report, Written]):
    """One way to write a report."""

    name: str
    """What ``--format`` calls it."""
    suffix: str
    """How the names of its files end."""
    module: str
    """Where it is rendered, below the package."""
    function: str = "render"
    worded: bool = True
    """Whether it is in a language."""

    def render(self, report: Report, lang: str = ENGLISH) -> Written:
        """Write the report in a language: the same report as the same text or bytes, a text with a newline at its end.

        Raises:
            MalformedError: The report uses a message or word for which there is no sentence.
            UsageError: What the format needs is not installed.
        """
        function = getattr(import_module(f"independence_audit.{self.module}"), self.function)
        return cast("Written", function(report, lang) if self.worded else function(report))


TextFormat = Format[AuditReport, str]


def _by_name(*formats: Format[Report, str]) -> Mapping[str, Format[Report, str]]:
    return {one.name: one for one in formats}


REPORT_JSON = "evidence.report_json"

_JSON: TextFormat = Format("json", ".json", REPORT_JSON, "to_json", worded=False)
_TEXT: TextFormat = Format("text", ".txt", "report.text")
_MARKDOWN: TextFormat = Format("markdown", ".md", "report.markdown")
_HTML: TextFormat = Format("html", ".html", "report.html")
_INTOTO: TextFormat = Format("intoto", ".intoto.json", "report.statement", worded=False)
_CYCLONEDX: TextFormat = Format("cyclonedx", ".cdx.json", "report.cyclonedx", worded=False)
_SARIF: TextFormat = Format("sarif", ".sarif", "report.sarif")
_SUMMARY: TextFormat = Format("summary", ".summary.md", "report.pull_request")

FORMATS = _by_name(_JSON, _TEXT, _MARKDOWN, _HTML)
"""Every format that people read on stdout: JSON, from which every other one can be made, text, Markdown and HTML."""
EXCHANGE = _by_name(_INTOTO, _CYCLONEDX, _SARIF, _SUMMARY)
"""Forms for other programs: a statement for attestations, a bill of materials, code scanning, pull requests."""
ALL = {**FORMATS, **EXCHANGE}
"""Every format that is text."""
PDF: Format[AuditReport, bytes] = Format("pdf", ".pdf", "report.pdf")
"""For signing and filing: the pages of the HTML report on A4. It goes to files only."""

_TRAINING_JSON: Format[TrainingReport, str] = Format("json", ".json", REPORT_JSON, "record_json", worded=False)
_TRAINING_TEXT: Format[TrainingReport, str] = Format("text", ".txt", "report.text", "render_training")
_TRAINING_MARKDOWN: Format[TrainingReport, str] = Format("markdown", ".md", "report.markdown", "render_training")
_TRAINING_HTML: Format[TrainingReport, str] = Format("html", ".html", "report.html", "render_training")
TRAINING = _by_name(_TRAINING_JSON, _TRAINING_TEXT, _TRAINING_MARKDOWN, _TRAINING_HTML)
"""Every format of a training's report."""
