"""The report as an in-toto Statement: what was audited, by file digests, and what came out, by the report's own digest.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import hashlib
import json

from independence_audit.errors import InputError
from independence_audit.evidence.audit_report import AuditReport, FileEvidence, badge_of
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import comparable

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:independence-audit:report:v1"
WHOLE = "file"


def render(report: AuditReport) -> str:
    """Write the statement as JSON; ``--sign-key`` puts it into an envelope.

    Raises:
        InputError: The report has no digest of a whole file, so that a statement would be about no bytes.
    """
    subjects = [_resource(file) for file in report.subject.files if file.digest_scope == WHOLE and file.sha256]
    if not subjects or len(subjects) < len(report.subject.files):
        raise InputError(
            "The report has digests of samples only, and a statement has to be about whole files.",
            "Make the report with --whole-files, from the weights.",
        )
    opinion = report.opinion
    statement = {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": PREDICATE,
        "predicate": {
            "tool": {"name": report.tool.name, "version": report.tool.version},
            "date": report.run.date,
            "settings": {
                "mode": report.settings.mode,
                "alpha": report.settings.alpha,
                "sampler": report.settings.sampler,
                "libraryDigest": report.settings.library_digest,
                "allowMissing": report.settings.allow_missing,
            },
            "policy": {
                "name": opinion.policy,
                "version": opinion.policy_version,
                "digest": {"sha256": report.settings.policy_digest},
            },
            "references": [
                {"name": each.name, "status": each.status, "source": each.source, "revision": each.revision}
                for each in report.references
            ],
            "components": [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "relation": each.relation,
                    "reference": each.reference,
                    "notTested": each.relations.get(Relation.NOT_TESTED, 0.0),
                }
                for each in report.components
            ],
            "outcome": badge_of(report),
            "criteria": [
                {"id": each.id, "outcome": each.outcome, "severity": each.severity} for each in opinion.criteria
            ],
            "incomplete": [message.key for message in report.summary.incomplete],
            "report": {"schemaVersion": report.schema_version, "digest": {"sha256": report_digest(report)}},
        },
    }
    return json.dumps(statement, ensure_ascii=True, indent=2) + "\n"


def report_digest(report: AuditReport) -> str:
    """SHA-256 of the report's comparable part, in hexadecimal: everything but the run's date, host and command."""
    return hashlib.sha256(comparable(report).encode("utf-8", "surrogatepass")).hexdigest()


def _resource(file: FileEvidence) -> dict[str, object]:
    return {"name": file.name, "digest": {"sha256": file.sha256}}
