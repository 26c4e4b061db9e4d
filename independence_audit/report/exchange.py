"""Forms of a report for other programs: attestations, bills of materials, code scanning, pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from independence_audit.evidence.report import AuditReport
from independence_audit.report.formats import FORMATS, Format
from independence_audit.report.languages import ENGLISH


@dataclass(frozen=True, slots=True)
class InToto:
    """For whoever has to prove later what was found: an in-toto Statement, signed where a key is named."""

    name: str = "intoto"
    suffix: str = ".intoto.json"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:  # noqa: ARG002 - it has no language
        """Write the statement as JSON."""
        from independence_audit.report.statement import render

        return render(report)


@dataclass(frozen=True, slots=True)
class CycloneDx:
    """For inventories: a CycloneDX 1.6 bill of materials of one machine-learning model."""

    name: str = "cyclonedx"
    suffix: str = ".cdx.json"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:  # noqa: ARG002 - it has no language
        """Write the bill of materials as JSON."""
        from independence_audit.report.cyclonedx import render

        return render(report)


@dataclass(frozen=True, slots=True)
class Sarif:
    """For code scanning: one result for each criterion, in SARIF 2.1.0."""

    name: str = "sarif"
    suffix: str = ".sarif"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the results as JSON, their messages in a language."""
        from independence_audit.report.sarif import render

        return render(report, lang)


@dataclass(frozen=True, slots=True)
class Summary:
    """For a comment on a pull request: the opinion and the components in a screenful of Markdown."""

    name: str = "summary"
    suffix: str = ".summary.md"

    def render(self, report: AuditReport, lang: str = ENGLISH) -> str:
        """Write the summary as GitHub-flavoured Markdown."""
        from independence_audit.report.pull_request import render

        return render(report, lang)


EXCHANGE: Mapping[str, Format] = {form.name: form for form in (InToto(), CycloneDx(), Sarif(), Summary())}
"""Every form for other programs by its name."""
ALL: Mapping[str, Format] = {**FORMATS, **EXCHANGE}
"""Every form that a report can be written in, by its name."""
