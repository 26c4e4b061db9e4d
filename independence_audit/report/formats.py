"""The formats a report can be rendered in, each under its name; what a format needs is loaded when it renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from independence_audit.evidence.codec import to_json
from independence_audit.evidence.report import AuditReport
from independence_audit.report.languages import ENGLISH


class Format(Protocol):
    """One way to write a report."""

    @property
    def name(self) -> str:
        """What ``--format`` calls it."""

    @property
    def suffix(self) -> str:
        """How the names of its files end."""

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the report in a language as one text: the same report as the same text, with a newline at the end.

        Raises:
            MalformedError: The report uses a message or word for which there is no sentence.
        """


@dataclass(frozen=True, slots=True)
class Json:
    """The canonical form, which every other one can be made from."""

    name: str = "json"
    suffix: str = ".json"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:  # noqa: ARG002 - it has no language
        """Write the report as JSON that follows the schema, in no language."""
        return to_json(report)


@dataclass(frozen=True, slots=True)
class PlainText:
    """For reading in a terminal and for attaching to a message."""

    name: str = "text"
    suffix: str = ".txt"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the report as text, 100 columns wide."""
        from independence_audit.report.text import render  # rich is loaded only where it is used

        return render(report, lang)


@dataclass(frozen=True, slots=True)
class Markdown:
    """For issues, pull requests and model cards."""

    name: str = "markdown"
    suffix: str = ".md"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the report as GitHub-flavoured Markdown."""
        from independence_audit.report.markdown import render

        return render(report, lang)


@dataclass(frozen=True, slots=True)
class Html:
    """For reviewers: one file with charts and every tensor, to be read, searched and printed."""

    name: str = "html"
    suffix: str = ".html"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the report as one self-contained HTML file."""
        from independence_audit.report.html import render  # jinja2 is loaded only where it is used

        return render(report, lang)


@dataclass(frozen=True, slots=True)
class Pdf:
    """For signing and filing: the pages of the HTML report on A4. It is no text, and goes to files only."""

    name: str = "pdf"
    suffix: str = ".pdf"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> bytes:
        """Write the report as PDF, the same bytes for the same report.

        Raises:
            MalformedError: The report uses a message or word for which there is no sentence.
            UsageError: What PDF needs is not installed.
        """
        from independence_audit.report.pdf import render  # an extra, and slow to load

        return render(report, lang)


PDF = Pdf()
FORMATS: Mapping[str, Format] = {form.name: form for form in (Json(), PlainText(), Markdown(), Html())}
"""Every format that is text, by its name."""
