"""Sample reports that forms for other programs are tried on: whole files, hostile declarations, suppressions."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from independence_audit.evidence.audit_report import AuditReport, Suppression
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin
from independence_audit.evidence.relation import Relation
from tests.report.sample_reports import finding

HOSTILE = "<script>alert(1)</script>/../..\u202e" + "x" * 10_000


@cache
def few() -> AuditReport:
    """The finding with a few of its tensors: cheap to write, and all else is there."""
    return replace(finding(), tensors=finding().tensors[:12])


def whole(report: AuditReport) -> AuditReport:
    """The same report with digests of whole files."""
    named = tuple(replace(file, sha256="a" * 64, digest_scope="file") for file in report.subject.files)
    return replace(report, subject=replace(report.subject, files=named))


def with_hostile_declaration() -> AuditReport:
    """The finding, of whose related component a declaration says things that attack whoever shows them."""
    report = few()
    related = next(each for each in report.components if each.relation is Relation.RELATED)
    declared = Declared(related.name, Origin.INITIALISED_FROM, HOSTILE, HOSTILE, HOSTILE, Agreement.AGREED)
    evidence = DeclarationEvidence("independence.toml", (declared,), team=HOSTILE, licence=HOSTILE)
    submission = replace(report.submission, team=HOSTILE, stage=HOSTILE, model=HOSTILE)
    return replace(report, declaration=evidence, submission=submission)


def suppressed(*, expired: bool) -> AuditReport:
    """The finding with its first criterion suppressed."""
    report = few()
    first, *others = report.opinion.criteria
    said = Suppression("agreed with the committee", "a@example.org", "2026-01-31", expired)
    criteria = (replace(first, suppression=said), *others)
    return replace(report, opinion=replace(report.opinion, criteria=criteria))
