"""Tells whether a model's weights were trained from scratch or come from another model.

    from independence_audit import AuditSettings, audit

    report = audit("team/model", ["reference/model"], AuditSettings(full=True))
    report.save("report.html")

``fingerprint`` is a module: ``fingerprint.save_fingerprint``, ``fingerprint.read_fingerprint``. Everything that is not
listed here is private. What is imported is loaded when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from independence_audit.core.version import __version__

if TYPE_CHECKING:
    from independence_audit import fingerprint
    from independence_audit.anatomy import Anatomy, Component, Kind
    from independence_audit.api import Report, audit, inspect, parse_report, read_report
    from independence_audit.core.progress import Progress
    from independence_audit.errors import AuditError, InputError, UsageError
    from independence_audit.evidence.audit_report import Criterion, Opinion, Outcome, Reference, Severity, Submission
    from independence_audit.evidence.measurement import ComponentEvidence, LayerEvidence, Message, TensorEvidence
    from independence_audit.evidence.relation import Relation
    from independence_audit.evidence.training_evidence import TrainingEvidence
    from independence_audit.pipeline.settings import AuditSettings

_HOMES = {
    "anatomy": ("Anatomy", "Component", "Kind"),
    "api": ("Report", "audit", "inspect", "parse_report", "read_report"),
    "core.progress": ("Progress",),
    "errors": ("AuditError", "InputError", "UsageError"),
    "evidence.measurement": ("ComponentEvidence", "LayerEvidence", "Message", "TensorEvidence"),
    "evidence.relation": ("Relation",),
    "evidence.audit_report": ("Criterion", "Opinion", "Outcome", "Reference", "Severity", "Submission"),
    "evidence.training_evidence": ("TrainingEvidence",),
    "pipeline.settings": ("AuditSettings",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Anatomy",
    "AuditError",
    "AuditSettings",
    "Component",
    "ComponentEvidence",
    "Criterion",
    "InputError",
    "Kind",
    "LayerEvidence",
    "Message",
    "Opinion",
    "Outcome",
    "Progress",
    "Reference",
    "Relation",
    "Report",
    "Severity",
    "Submission",
    "TensorEvidence",
    "TrainingEvidence",
    "UsageError",
    "__version__",
    "audit",
    "fingerprint",
    "inspect",
    "parse_report",
    "read_report",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  of whatever type the name is; checkers read the imports above
    if name == "fingerprint":
        return import_module("independence_audit.fingerprint")
    if name in _HOME:
        return getattr(import_module(f"independence_audit.{_HOME[name]}"), name)
    message = f"module 'independence_audit' has no attribute {name!r}"
    raise AttributeError(message)
