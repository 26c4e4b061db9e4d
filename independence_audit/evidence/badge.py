"""The one word beside the opinion: the gravest outcome among what weights and exhibits can decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from independence_audit.evidence.report import AuditReport, Criterion, Outcome, Severity

GRAVITY = (
    Outcome.ON_DOCUMENTS,
    Outcome.MET,
    Outcome.NOTHING_AGAINST,
    Outcome.NOT_ASSESSED,
    Outcome.MATERIAL_MISSING,
    Outcome.REVIEW,
    Outcome.NOT_MET,
)
"""Outcomes, the lightest first. What is decided on documents counts only where there is nothing else."""


def badge_of(report: AuditReport) -> Outcome:
    """The gravest outcome; never a clean one where the audit is inconclusive."""
    outcome = gravest(report.opinion.criteria)
    open_ = bool(report.opinion.undecided or report.summary.incomplete)
    return max(outcome, Outcome.MATERIAL_MISSING, key=GRAVITY.index) if open_ else outcome


def gravest(criteria: Sequence[Criterion]) -> Outcome:
    """The gravest outcome among criteria; without any it is left to documents."""
    return max((each.outcome for each in weighty(criteria)), key=GRAVITY.index, default=Outcome.ON_DOCUMENTS)


def gravest_of(component: str, criteria: Iterable[Criterion]) -> Criterion | None:
    """The criterion of a component that weighs most, first by its severity."""
    severity = list(Severity)
    own = weighty([criterion for criterion in criteria if criterion.component == component])
    return max(own, key=lambda c: (severity.index(c.severity), GRAVITY.index(c.outcome)), default=None)


def weighty(criteria: Sequence[Criterion]) -> Sequence[Criterion]:
    """Leave remarks out, unless there is nothing else: a missing attribution must not colour a whole component."""
    return [each for each in criteria if each.severity != Severity.REMARK] or criteria
