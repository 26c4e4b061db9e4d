"""What an audit's exit status says."""

from __future__ import annotations

from independence_audit.evidence.report import AuditReport, Severity
from independence_audit.policy.judge import undecided_components, worst_severity
from independence_audit.policy.model import load_policy

PASSED = 0
FINDING = 1
INCONCLUSIVE = 3


def exit_code(report: AuditReport, fail_on: Severity) -> int:
    """1 for a finding at or above ``fail_on``; else 3 where something that matters could not be tested; else 0."""
    order = list(Severity)
    if order.index(worst_severity(report.opinion)) >= order.index(fail_on):
        return FINDING
    policy = load_policy(report.opinion.policy)
    return INCONCLUSIVE if undecided_components(policy, report.components, verified=report.subject.verified) else PASSED
