"""The opinion as SARIF 2.1.0, for code scanning: one result for each criterion of each component.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import quote

from independence_audit.evidence.audit_report import AuditReport, Criterion, Outcome, Severity
from independence_audit.report.languages import ENGLISH
from independence_audit.report.page import page_of
from independence_audit.report.plain import shortened, visible

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Mapping[Severity, str] = {
    Severity.NONE: "none",
    Severity.REMARK: "note",
    Severity.REVIEW: "warning",
    Severity.NOT_MET: "error",
}
KINDS: Mapping[Outcome, str] = {
    Outcome.MET: "pass",
    Outcome.NOTHING_AGAINST: "pass",
    Outcome.MATERIAL_MISSING: "open",
    Outcome.ON_DOCUMENTS: "review",
    Outcome.NOT_ASSESSED: "open",
}
"""What a result without a severity is; all others are ``fail``, the one kind that may have a level (3.27.9)."""
LONGEST_NAME = 200


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Write the log, with its messages in a language.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, lang)
    rows = page.criteria
    criteria = report.opinion.criteria
    run = {
        "tool": {
            "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "rules": list(_rules(criteria).values()),
            }
        },
        "language": lang,
        "columnKind": "unicodeCodePoints",
        "results": [_result(criterion, row.finding, report) for criterion, row in zip(criteria, rows, strict=True)],
        "properties": {
            "policy": f"{report.opinion.policy} {report.opinion.policy_version}",
            "policyDigest": report.settings.policy_digest,
            "referencesCompared": page.compared,
            "synthetic": report.subject.synthetic,
            "outcome": page.outcome.value,
            "opinion": page.opinion,
            "found": page.found,
            "open": list(page.open),
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=True, indent=2) + "\n"


def _rules(criteria: tuple[Criterion, ...]) -> dict[str, dict[str, object]]:
    """One rule for each criterion of the policy, by its id, with the public words it rests on."""
    rules: dict[str, dict[str, object]] = {}
    for criterion in criteria:
        name = rule_id(criterion)
        rule: dict[str, object] = {"id": name, "shortDescription": {"text": name.replace("_", " ")}}
        if criterion.quote and criterion.source:
            rule["fullDescription"] = {"text": f"“{visible(criterion.quote)}” ({visible(criterion.source)})"}
        rules.setdefault(name, rule)
    return rules


def rule_id(criterion: Criterion) -> str:
    """The policy's name of a criterion, without the component."""
    return visible(criterion.id.partition("/")[0])


def _result(criterion: Criterion, finding: str, report: AuditReport) -> dict[str, object]:
    file = report.subject.files[0].name if report.subject.files else report.subject.name
    location: dict[str, object] = {
        # A host that shows results beside lines needs one; weights have none.
        "physicalLocation": {"artifactLocation": {"uri": _uri(file)}, "region": {"startLine": 1}}
    }
    if criterion.component is not None:
        name = shortened(visible(criterion.component), LONGEST_NAME)
        location["logicalLocations"] = [{"name": name, "kind": "module"}]
    kind = "fail" if criterion.severity != Severity.NONE else KINDS.get(criterion.outcome, "open")
    result: dict[str, object] = {
        "ruleId": rule_id(criterion),
        "kind": kind,
        "level": LEVELS[criterion.severity],
        "message": {"text": finding},
        "locations": [location],
        "partialFingerprints": {"criterionAndMatch/v1": _fingerprint(criterion)},
        "properties": {"outcome": criterion.outcome.value},
    }
    if criterion.suppression is not None:
        status = "rejected" if criterion.suppression.expired else "accepted"
        said = criterion.suppression
        words = f"{visible(said.reason)} ({visible(said.owner)}, {visible(said.expires)})"
        result["suppressions"] = [{"kind": "external", "status": status, "justification": words}]
    return result


def _uri(name: str) -> str:
    """A file's name as a relative reference; nothing in it can climb out of a folder or name a host."""
    return quote(name.encode("utf-8", "surrogatepass"), safe="").replace("..", "%2E%2E")


def _fingerprint(criterion: Criterion) -> str:
    """The same for the same finding in a later audit, whatever its numbers."""
    matched = [str(criterion.message.data.get(name)) for name in ("relation", "reference")]
    text = "\0".join((criterion.id, *matched)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()
