"""Suppressions: somebody answers for an outcome until a day, and it does not fail the audit. The outcome stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from independence_audit.evidence.audit_report import AuditReport, Criterion, Opinion, Severity, Suppression


@dataclass(frozen=True, slots=True)
class Suppress:
    """A wish not to fail on one criterion for a while."""

    criterion: str
    """The policy's id of the criterion."""
    component: str
    """The component that it is about; empty for a criterion that is judged for the submission, or for all of them."""
    reason: str
    owner: str
    expires: date
    """The last day on which it holds."""

    def is_about(self, criterion: Criterion) -> bool:
        """Whether it means this criterion, and there is something to suppress."""
        name = criterion.id.partition("/")[0]
        meant = name == self.criterion and self.component in ("", criterion.component)
        return meant and criterion.severity != Severity.NONE


def suppressed(report: AuditReport, wishes: Sequence[Suppress], today: date) -> AuditReport:
    """The same report with suppressions shown at their criteria; one past its date is shown as expired.

    Args:
        report: The report, with every outcome as the policy gives it.
        wishes: The suppressions, of which the first that fits counts; one that holds goes before one that expired.
        today: The day that expiry is judged by.
    """
    ordered = sorted(wishes, key=lambda wish: wish.expires < today)
    criteria = tuple(_suppressed(criterion, ordered, today) for criterion in report.opinion.criteria)
    return replace(report, opinion=replace(report.opinion, criteria=criteria))


def unused(opinion: Opinion, wishes: Sequence[Suppress]) -> list[Suppress]:
    """Suppressions that mean nothing in an opinion: misspelt, or no longer needed."""
    return [wish for wish in wishes if not any(wish.is_about(criterion) for criterion in opinion.criteria)]


def _suppressed(criterion: Criterion, wishes: Sequence[Suppress], today: date) -> Criterion:
    wish = next((wish for wish in wishes if wish.is_about(criterion)), None)
    if wish is None:
        return criterion
    said = Suppression(wish.reason, wish.owner, wish.expires.isoformat(), wish.expires < today)
    return replace(criterion, suppression=said)
