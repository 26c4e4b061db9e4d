"""What programs call: an audit, the anatomy of a checkpoint, and reports with their formats.

``independence_audit`` itself exports all of it; nothing else of the package is public.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from os import PathLike, fspath
from pathlib import Path

from independence_audit.anatomy import Anatomy
from independence_audit.core.atomic import write_whole
from independence_audit.core.progress import Progress
from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.evidence.report_json import from_json, to_json
from independence_audit.fingerprint.making import look_at
from independence_audit.pipeline.audit import audit as audited
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.verify import read_report as read
from independence_audit.report.formats import ALL, PDF, Format
from independence_audit.report.languages import ENGLISH

Where = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class Report(AuditReport):
    """An audit's report: all of its evidence, and the ways to write it down."""

    def to_json(self) -> str:
        """The report as JSON that follows the schema, from which every other format can be made."""
        return to_json(self)

    def save(self, path: Where, *, lang: str = ENGLISH) -> None:
        """Write the report to a file, whole or not at all, in the format that the end of its name says.

        Args:
            path: Ends in ``.json``, ``.txt``, ``.md``, ``.html``, ``.pdf``, ``.sarif``, ``.intoto.json``,
                ``.cdx.json`` or ``.summary.md``.
            lang: Language of what is worded: ``en`` or ``ko``.

        Raises:
            UsageError: No format's files end so, or what the format needs is not installed.
            InputError: The file cannot be written.
        """
        name = fspath(path)
        every: list[Format[AuditReport, str] | Format[AuditReport, bytes]] = [*ALL.values(), PDF]
        formats = sorted(every, key=lambda one: -len(one.suffix))
        chosen = next((one for one in formats if name.endswith(one.suffix)), None)
        if chosen is None:
            known = ", ".join(sorted(one.suffix for one in formats))
            raise UsageError(f"No format's files end as {name!r} does.", f"Let the name end in one of {known}.")
        written = chosen.render(self, lang)
        content = written.encode("utf-8", "backslashreplace") if isinstance(written, str) else written
        try:
            write_whole(Path(name), content)
        except OSError as error:
            message = f"{name} could not be written: {error.strerror}."
            raise InputError(message, "Free space or name another path.") from error

    def exit_code(self, fail_on: str = "not_met") -> int:
        """What ``audit compare`` would end with: 0 passed, 1 a finding at or above ``fail_on``, 3 inconclusive."""
        return exit_code(self, Severity(fail_on))

    def _repr_html_(self) -> str:
        """The report as a notebook shows it: the whole page, in a frame of its own."""
        from markupsafe import escape

        page = escape(ALL["html"].render(self, ENGLISH))
        return f'<iframe sandbox title="audit" style="width:100%;height:40rem;border:0" srcdoc="{page}"></iframe>'


def audit(
    subject: Where,
    references: Sequence[Where],
    settings: AuditSettings | None = None,
    progress: Progress | None = None,
) -> Report:
    """Compare a subject with references, component by component, and judge the evidence by a policy.

    Args:
        subject: A checkpoint's file or folder, a fingerprint, or ``owner/name[@revision]`` on the Hub.
        references: The same, or names of the library; one or more.
        settings: What to do; the defaults are those of the command line.
        progress: Is told how far the audit has come.

    Raises:
        UsageError: A setting is wrong.
        InputError: Nothing could be audited.
    """
    return _public(audited(fspath(subject), [fspath(one) for one in references], settings, progress))


def read_report(path: Where) -> Report:
    """Read a JSON report that any release of this major version of the schema wrote.

    Raises:
        MissingError: There is no such file, or it cannot be read.
        MalformedError: It is no report.
    """
    return _public(read(fspath(path)))


def parse_report(text: str) -> Report:
    """Read a JSON report from a text.

    Raises:
        MalformedError: It is no report.
    """
    return _public(from_json(text))


def inspect(subject: Where, *, offline: bool = False) -> Anatomy:
    """Where every tensor of a checkpoint belongs; no weights are read.

    Raises:
        InputError: It cannot be read, or is no model.
    """
    return look_at(fspath(subject), offline=offline)[1]


def _public(report: AuditReport) -> Report:
    return Report(**{field.name: getattr(report, field.name) for field in fields(report)})
