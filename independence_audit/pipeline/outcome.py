"""What an audit's exit status says."""

from __future__ import annotations

from independence_audit.evidence.report import AuditReport, Severity
from independence_audit.policy.judge import worst_severity

PASSED = 0
FINDING = 1
INCONCLUSIVE = 3


def exit_code(report: AuditReport, fail_on: Severity) -> int:
    """1 for a finding at or above ``fail_on``; else 3 where something that matters was not tested; else 0."""
    order = list(Severity)
    if order.index(worst_severity(report.opinion)) >= order.index(fail_on):
        return FINDING
    return INCONCLUSIVE if report.opinion.undecided or report.summary.incomplete else PASSED
