"""What was seen of a model's training, worded: a conclusion for each component, and every finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from independence_audit.evidence.training_evidence import (
    CheckpointSummary,
    ComponentTraining,
    Finding,
    TrainingEvidence,
    TrajectoryEvidence,
    TrajectoryPoint,
)
from independence_audit.report import numbers
from independence_audit.report.plain import shortened, visible
from independence_audit.report.wording import label, say, word

LONGEST_NAME = 60
LONGEST_CHECKPOINT = 40
CHECKPOINT_COLUMNS = ("name", "step", "status", "note")
"""Label keys of the table of checkpoints."""
POINT_COLUMNS = ("checkpoint", "first_r", "previous_r", "relative_update", "update_cosine", "identical_values")
REFERENCE_COLUMNS = ("checkpoint", "reference", "correlation", "z", "update_r", "update_z")
SHOWN_TENSORS = 4
"""Names of tensors beside a finding; the JSON report has all of them."""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding in words."""

    component: str
    kind: str
    """Whether it contradicts what was declared, or is a remark."""
    sentence: str
    tensors: str
    alternatives: str
    """What else could explain it; empty where nothing is known."""


@dataclass(frozen=True, slots=True)
class ConclusionRow:
    """A component's conclusion in words."""

    name: str
    conclusion: str
    meaning: str
    grounds: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """All that formats show of a training but its trajectory."""

    components: tuple[ConclusionRow, ...] = ()
    findings: tuple[FindingRow, ...] = ()


def training_rows(training: TrainingEvidence | None, lang: str) -> TrainingRows:
    """Word a training's conclusions and findings, those of its logs included; nothing where none was looked at.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    if training is None:
        return TrainingRows()
    return TrainingRows(
        components=tuple(_conclusion(component, lang) for component in training.components),
        findings=tuple(finding_row(finding, name, lang) for finding, name in _findings(training)),
    )


def _conclusion(component: ComponentTraining, lang: str) -> ConclusionRow:
    return ConclusionRow(
        name=visible(component.component),
        conclusion=word("conclusion", component.conclusion, lang),
        meaning=word("conclusion_meaning", component.conclusion, lang),
        grounds=tuple(say(message, lang) for message in component.evidence),
        limits=tuple(say(message, lang) for message in component.limits),
    )


def _findings(training: TrainingEvidence) -> Iterator[tuple[Finding, str]]:
    for component in training.components:
        yield from ((finding, component.component) for finding in component.findings)
    for log in training.logs:
        yield from ((finding, log.source) for finding in log.findings)


def finding_row(finding: Finding, name: str, lang: str) -> FindingRow:
    """A finding of a component or a log in words."""
    tensors = ", ".join(shortened(visible(tensor), LONGEST_NAME) for tensor in finding.tensors[:SHOWN_TENSORS])
    alternatives = "; ".join(say(message, lang) for message in finding.alternatives)
    return FindingRow(
        component=visible(name),
        kind=label("contradicts" if finding.contradicts else "remark", lang),
        sentence=say(finding.message, lang),
        tensors=tensors + (" …" if len(finding.tensors) > SHOWN_TENSORS else ""),
        alternatives=label("alternatives", lang, text=alternatives) if alternatives else "",
    )


def order_of(trajectory: TrajectoryEvidence, lang: str) -> str:
    """Who says in which order the checkpoints stand; empty where a report of before does not say."""
    return word("order", trajectory.order, lang) if trajectory.order else ""


def _step(seen: CheckpointSummary, lang: str) -> str:
    if seen.step is None:
        return label("unknown_step", lang)
    return label("guessed_step", lang, step=str(seen.step)) if seen.guessed else str(seen.step)


def checkpoint_rows(trajectory: TrajectoryEvidence, lang: str) -> list[tuple[str, ...]]:
    """Cells of the table of checkpoints."""
    return [
        (
            shortened(visible(seen.name), LONGEST_CHECKPOINT),
            _step(seen, lang),
            word("checkpoint_status", seen.status, lang),
            say(seen.reason, lang) if seen.reason else "",
        )
        for seen in trajectory.checkpoints
    ]


def point_cells(point: TrajectoryPoint) -> tuple[str, ...]:
    """Cells of one component at one checkpoint."""
    return (
        _where(point),
        numbers.coefficient(point.first_r),
        numbers.coefficient(point.previous_r),
        numbers.coefficient(point.relative_update),
        numbers.coefficient(point.update_cosine),
        numbers.percent(point.identical_fraction),
    )


def reference_rows(point: TrajectoryPoint) -> Iterator[tuple[str, ...]]:
    """Cells of one component at one checkpoint against every reference."""
    for seen in point.references:
        yield (
            _where(point),
            shortened(visible(seen.reference), LONGEST_CHECKPOINT),
            numbers.coefficient(seen.r),
            numbers.score(seen.z),
            numbers.coefficient(seen.update_r),
            numbers.score(seen.update_z),
        )


def _where(point: TrajectoryPoint) -> str:
    return shortened(visible(point.checkpoint), LONGEST_CHECKPOINT) if point.step is None else str(point.step)
