"""``audit scratch`` from a name to a report: one checkpoint, and what its values say of its training."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

from independence_audit.core.number_types import ANY_SCALE
from independence_audit.core.progress import NoProgress, Progress
from independence_audit.core.version import __version__
from independence_audit.evidence.audit_report import Run, Tool, TrainingReport
from independence_audit.evidence.report_json import without_overflow
from independence_audit.fingerprint import read_model
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.training.one_checkpoint import scratch_evidence


@ANY_SCALE
def scratch(subject: str, settings: AuditSettings | None = None, progress: Progress | None = None) -> TrainingReport:
    """Look for what training has not touched in one checkpoint.

    Args:
        subject: A checkpoint's file or folder, a name on the Hub, or a fingerprint.
        settings: The salt, and whether the network may be used.
        progress: Is told how far the reading has come.

    Raises:
        InputError: The subject cannot be read, or is no model.
    """
    settings, progress = settings or AuditSettings(), progress or NoProgress()
    model = read_model(subject, settings.sampler, progress, offline=settings.offline)
    model.close()
    fingerprint = model.fingerprint
    report = TrainingReport(
        tool=Tool("independence-audit", __version__),
        run=run_of(settings),
        subject=fingerprint.name,
        sampler=fingerprint.sampler,
        training=scratch_evidence(fingerprint),
        notices=fingerprint.notices,
    )
    return without_overflow(report)[0]


def run_of(settings: AuditSettings) -> Run:
    """When, where and how a report is made."""
    return Run(datetime.now(UTC).isoformat(timespec="seconds"), socket.gethostname(), settings.command)


def incomplete(report: TrainingReport) -> bool:
    """Whether some of what was submitted could not be looked at."""
    trajectory = report.training.trajectory
    return trajectory is not None and any(seen.status != "read" for seen in trajectory.checkpoints)


def contradicted(report: TrainingReport) -> bool:
    """Whether something was found that training from an initial draw does not explain."""
    components = (finding for part in report.training.components for finding in part.findings)
    logs = (finding for log in report.training.logs for finding in log.findings)
    return any(finding.contradicts for finding in (*components, *logs))
