"""The subject as a CycloneDX 1.6 bill of materials of a machine-learning model.

https://cyclonedx.org/docs/1.6/json/. The pedigree lists ancestors that are declared, or established because all the
compared values are theirs. What is only related, and may as well share an initial draw, stays among the properties.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from urllib.parse import quote

from independence_audit.evidence.audit_report import AuditReport, FileEvidence, Reference, badge_of
from independence_audit.evidence.declared_origin import Agreement, Declared, Origin
from independence_audit.evidence.relation import Relation
from independence_audit.report.numbers import percent
from independence_audit.report.plain import visible
from independence_audit.report.statement import report_digest

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
NAMESPACE = uuid.UUID("6f5a1c0e-4a53-5d0b-9a44-0c1c35f9f4a4")
"""Of the serial numbers, which are made from the report's digest: one report, one number."""
ESTABLISHED = (Relation.IDENTICAL, Relation.ROUNDED)
PREFIX = "independence-audit:"
LIMITS = (
    "Weights do not show whether they were frozen during training, whose data they were trained on, "
    "nor that they were trained from scratch."
)


def render(report: AuditReport) -> str:
    """Write the bill of materials as JSON."""
    bill = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, report_digest(report))}",
        "version": 1,
        "metadata": {
            "tools": {
                "components": [{"type": "application", "name": report.tool.name, "version": report.tool.version}]
            },
            "component": _model(report),
        },
    }
    return json.dumps(bill, ensure_ascii=True, indent=2) + "\n"


def _model(report: AuditReport) -> dict[str, object]:
    subject, declaration = report.subject, report.declaration
    model: dict[str, object] = {
        "type": "machine-learning-model",
        "bom-ref": "subject",
        "name": visible(report.submission.model or subject.name),
        "components": [_file(number, file) for number, file in enumerate(subject.files)],
        "modelCard": {
            "modelParameters": {"architectureFamily": _families(report)},
            "considerations": {"technicalLimitations": [LIMITS]},
        },
        "properties": [{"name": PREFIX + name, "value": value} for name, value in _properties(report)],
    }
    if report.submission.team:
        model["manufacturer"] = {"name": visible(report.submission.team)}
    if subject.revision:
        model["version"] = visible(subject.revision)
    if declaration and declaration.licence:
        model["licenses"] = [{"license": {"name": visible(declaration.licence), "acknowledgement": "declared"}}]
    ancestors = list(_ancestors(report))
    if ancestors:
        model["pedigree"] = {
            "ancestors": ancestors,
            "notes": "Declared by the submission, or all compared values are equal. Weights do not show a direction.",
        }
    return model


def _file(number: int, file: FileEvidence) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "bom-ref": f"file-{number}", "name": visible(file.name)}
    if file.sha256 and file.digest_scope == "file":
        entry["hashes"] = [{"alg": "SHA-256", "content": file.sha256}]
    elif file.sha256:
        entry["properties"] = [{"name": PREFIX + "sha256-of-sample", "value": visible(file.sha256)}]
    return entry


def _families(report: AuditReport) -> str:
    return ", ".join(dict.fromkeys(visible(component.family) for component in report.components))


def _ancestors(report: AuditReport) -> Iterator[dict[str, object]]:
    """Declared sources first, then references whose values the subject has; each model once."""
    references = {reference.name: reference for reference in report.references}
    seen: set[str] = set()
    for declared in report.declaration.components if report.declaration else ():
        if declared.origin in (Origin.INITIALISED_FROM, Origin.FROZEN_FROM) and _stands(declared):
            for source in filter(None, declared.source.split(", ")):
                if source.casefold() not in seen:
                    seen.add(source.casefold())
                    yield _ancestor(len(seen), source, None, declared.licence, "declared")
    for component in report.components:
        name = component.reference
        if component.relation not in ESTABLISHED or name is None:
            continue
        reference = references.get(name)
        names = {name.casefold(), (reference.source or name).casefold() if reference else name.casefold()}
        if not names & seen:
            seen |= names
            yield _ancestor(len(seen), name, reference, (reference.licence or "") if reference else "", "found")


def _stands(declared: Declared) -> bool:
    """Whether a declaration can be repeated: of a component that exists, and not contradicted by what was found."""
    return declared.agreement not in (
        Agreement.NO_SUCH_COMPONENT,
        Agreement.DECLARED_NOT_FOUND,
        Agreement.UNDECLARED_DERIVATION,
    )


def _ancestor(number: int, name: str, reference: Reference | None, licence: str, basis: str) -> dict[str, object]:
    entry: dict[str, object] = {
        "type": "machine-learning-model",
        "bom-ref": f"ancestor-{number}",
        "name": visible(name),
        "properties": [{"name": PREFIX + "basis", "value": basis}],
    }
    source = reference.source if reference else name
    if source and source.count("/") == 1:
        revision = f"@{quote(reference.revision, safe='')}" if reference and reference.revision else ""
        entry["purl"] = f"pkg:huggingface/{quote(source, safe='/')}{revision}"
    if licence:
        entry["licenses"] = [{"license": {"name": visible(licence)}}]
    return entry


def _properties(report: AuditReport) -> Iterator[tuple[str, str]]:
    opinion = report.opinion
    yield "policy", f"{visible(opinion.policy)} {visible(opinion.policy_version)}"
    yield "outcome", badge_of(report).value
    yield "report-sha256", report_digest(report)
    yield "mode", report.settings.mode
    yield "synthetic", str(report.subject.synthetic).lower()
    compared = sum(reference.status == "compared" for reference in report.references)
    yield "references-compared", f"{compared} of {len(report.references)}"
    yield from (("incomplete", message.key.partition(".")[2]) for message in report.summary.incomplete)
    for component in report.components:
        beside = f" beside {visible(component.reference)}" if component.reference else ""
        uncovered = component.relations.get(Relation.NOT_TESTED, 0.0)
        left = f"; {percent(uncovered)} not compared" if uncovered and component.relation != Relation.NOT_TESTED else ""
        yield f"relation:{visible(component.name)}", f"{component.relation}{beside}{left}"
    for criterion in opinion.criteria:
        yield f"criterion:{visible(criterion.id)}", criterion.outcome.value
