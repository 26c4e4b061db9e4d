"""A training's report as sections: a conclusion for every component, what it rests on, logs, and the trajectory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from independence_audit.evidence.audit_report import TrainingReport
from independence_audit.evidence.training_evidence import ComponentTraining, Finding, LogEvidence
from independence_audit.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Drawing,
    Paragraph,
    Point,
    Points,
    Section,
    Table,
    Tone,
    Where,
    points,
)
from independence_audit.report.plain import visible
from independence_audit.report.training_rows import (
    CHECKPOINT_COLUMNS,
    POINT_COLUMNS,
    REFERENCE_COLUMNS,
    checkpoint_rows,
    finding_row,
    order_of,
    point_cells,
    reference_rows,
)
from independence_audit.report.wording import label, say, word

NAME = 60


def training_document(report: TrainingReport, lang: str) -> Document:
    """The whole report.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    return Document(
        title=label("training_title", lang),
        standing=label("training_standing", lang),
        banner="",
        preface=(Paragraph(f"{label('subject', lang)}: {visible(report.subject)}", flush=True),),
        sections=tuple(section for make in SECTIONS for section in make(report, lang)),
    )


def _conclusions(report: TrainingReport, lang: str) -> Iterator[Section]:
    components = report.training.components
    rows = tuple(
        (visible(each.component), Cell(word("conclusion", each.conclusion, lang), Tone.STRONG)) for each in components
    )
    meanings = [
        f"{word('conclusion', each, lang)}: {word('conclusion_meaning', each, lang)}"
        for each in dict.fromkeys(each.conclusion for each in components)
    ]
    table = Table((Column("component", longest=NAME), Column("conclusion")), rows)
    yield Section("conclusions", "", (table, Paragraph("; ".join(meanings) + ".", Tone.QUIET, Where.TERMINAL)))


def _components(report: TrainingReport, lang: str) -> Iterator[Section]:
    for component in report.training.components:
        yield component_section(component, lang, level=2)


def component_section(component: ComponentTraining, lang: str, level: int) -> Section:
    """A component's conclusion, what it rests on, what was found and the limits."""
    title = f"{visible(component.component)}: {word('conclusion', component.conclusion, lang)}"
    grounds, limits = ([say(message, lang) for message in each] for each in (component.evidence, component.limits))
    blocks = (
        *([points(grounds, title=label("training_grounds", lang))] if grounds else []),
        *_findings(component.findings, lang),
        *([points(limits, title=label("training_limits", lang))] if limits else []),
    )
    return Section("training_component", title, blocks, level)


def _findings(findings: tuple[Finding, ...], lang: str) -> Iterator[Block]:
    if findings:
        yield Points(tuple(_finding(finding, lang) for finding in findings), label("training_findings", lang))


def _finding(finding: Finding, lang: str) -> Point:
    """A finding, and what else could explain it."""
    row = finding_row(finding, "", lang)
    text = f"[{row.kind}] {row.sentence}" + (f" ({row.tensors})" if row.tensors else "")
    return Point(text, (row.alternatives,) if row.alternatives else ())


def _logs(report: TrainingReport, lang: str) -> Iterator[Section]:
    for log in report.training.logs:
        yield Section("training_log", _log_title(log, lang), tuple(_findings(log.findings, lang)))


def _log_title(log: LogEvidence, lang: str) -> str:
    """What a log is, on one line."""
    columns = ", ".join(log.columns)
    steps = {"first": log.first_step, "last": log.last_step}
    return label("training_log", lang, source=log.source, rows=log.rows, columns=columns, **steps)


def _trajectory(report: TrainingReport, lang: str) -> Iterator[Section]:
    trajectory = report.training.trajectory
    if trajectory is None:
        return
    order = order_of(trajectory, lang)
    said = (Paragraph(order),) if order else ()
    yield Section(
        "checkpoints",
        label("checkpoints", lang),
        (*said, _table(CHECKPOINT_COLUMNS, checkpoint_rows(trajectory, lang)), Chart(Drawing.TRAJECTORY)),
    )
    for name in dict.fromkeys(point.component for point in trajectory.points):
        seen = [point for point in trajectory.points if point.component == name]
        references = [row for point in seen for row in reference_rows(point)]
        tables = (_table(POINT_COLUMNS, list(map(point_cells, seen))),)
        more = (_table(REFERENCE_COLUMNS, references),) if references else ()
        yield Section("trajectory_of", visible(name), (*tables, *more), level=3)


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    return Table(tuple(Column(key) for key in columns), tuple(rows))


def _notices(report: TrainingReport, lang: str) -> Iterator[Section]:
    if report.notices:
        sentences = [say(notice, lang) for notice in report.notices]
        yield Section("notices", "", (points(sentences, title=label("notices", lang)),))


SECTIONS: tuple[Callable[[TrainingReport, str], Iterator[Section]], ...] = (
    _conclusions,
    _components,
    _logs,
    _trajectory,
    _notices,
)
"""The sections of a training's report, in their order."""
