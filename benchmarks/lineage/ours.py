"""The audit as a method among others: a black box that is given two folders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from independence_audit.errors import AuditError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

CERTAIN = 400.0
"""Added to the score of what is found, so that nothing unfound outranks it; above -log10 of the least p."""
LEAST_P = 1e-300


def report_of(
    subject: Path, references: Sequence[Path], *, full: bool = False, salt: bytes | None = None
) -> AuditReport | None:
    """An audit at the default level; None where it says that nothing can be compared."""
    settings = AuditSettings(full=full, offline=True, salt=salt)
    try:
        return audit(str(subject), [str(one) for one in references], settings)
    except AuditError:
        return None


def finds(report: AuditReport | None) -> bool:
    """Whether any component was found related in any way."""
    return report is not None and any(component.relation in FOUND for component in report.components)


def relation(report: AuditReport | None) -> Relation | None:
    """The strongest relation of any component."""
    return report.summary.strongest if report is not None else None


def score(report: AuditReport | None) -> float | None:
    """-log10 of the least p of any component, raised for what is found: how sure the audit is, for ranking."""
    if report is None:
        return None
    ps = [component.p_value for component in report.components if component.p_value is not None]
    least = -math.log10(max(min(ps, default=1.0), LEAST_P))
    return least + CERTAIN * finds(report)


def detection_bound(report: AuditReport | None) -> float | None:
    """The smallest r that the best-placed component's test would have found."""
    if report is None:
        return None
    bounds = [one.detection_bound for one in report.components if one.detection_bound is not None]
    return min(bounds, default=None)
