"""The report of a training alone, as ``audit scratch`` and ``audit trajectory`` write it: no references, no opinion."""

from __future__ import annotations

from dataclasses import dataclass, field

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report import SCHEMA_VERSION, Run, Tool
from independence_audit.evidence.training import TrainingEvidence


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was seen of a model's training; only ``run`` differs between two runs on the same inputs."""

    tool: Tool
    run: Run
    subject: str
    """The checkpoint, or the trajectory's last one."""
    sampler: str
    training: TrainingEvidence
    notices: tuple[Message, ...] = ()
    schema_version: str = field(default=SCHEMA_VERSION)
