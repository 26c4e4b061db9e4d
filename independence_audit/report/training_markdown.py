"""A training report as GitHub-flavoured Markdown: the same content as the text, tables escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from independence_audit.evidence.training import ComponentTraining
from independence_audit.evidence.training_report import TrainingReport
from independence_audit.report.languages import ENGLISH
from independence_audit.report.marks import escaped
from independence_audit.report.plain import visible
from independence_audit.report.training_rows import CHECKPOINT_COLUMNS, checkpoint_rows, order_of
from independence_audit.report.training_text import finding_lines, log_title
from independence_audit.report.training_trajectory import (
    POINT_COLUMNS,
    REFERENCE_COLUMNS,
    point_cells,
    reference_rows,
)
from independence_audit.report.wording import label, say, word


def render_training_markdown(report: TrainingReport, lang: str = ENGLISH) -> str:
    """Render a training report as Markdown.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    return "\n\n".join(_blocks(report, lang)) + "\n"


def _blocks(report: TrainingReport, lang: str) -> Iterator[str]:
    training = report.training
    yield f"# {label('training_title', lang)}"
    yield f"*{label('training_standing', lang)}*"
    yield f"{label('subject', lang)}: {escaped(visible(report.subject))}"
    conclusions = [(each.component, word("conclusion", each.conclusion, lang)) for each in training.components]
    yield _table(("component", "conclusion"), conclusions, lang)
    for component in training.components:
        yield from component_blocks(component, lang, level=2)
    for log in training.logs:
        yield f"## {escaped(log_title(log, lang))}"
        yield from _list(each for finding in log.findings for each in finding_lines(finding, lang))
    if training.trajectory is not None:
        yield f"## {label('checkpoints', lang)}"
        if order := order_of(training.trajectory, lang):
            yield order
        yield _table(CHECKPOINT_COLUMNS, checkpoint_rows(training.trajectory, lang), lang)
        for name in dict.fromkeys(point.component for point in training.trajectory.points):
            points = [point for point in training.trajectory.points if point.component == name]
            yield f"### {escaped(visible(name))}"
            yield _table(POINT_COLUMNS, map(point_cells, points), lang)
            references = [row for point in points for row in reference_rows(point)]
            if references:
                yield _table(REFERENCE_COLUMNS, references, lang)
    yield from _list(say(notice, lang) for notice in report.notices)


def component_blocks(component: ComponentTraining, lang: str, level: int) -> Iterator[str]:
    """A component's conclusion under a heading of some level, what it rests on, what was found and the limits."""
    yield f"{'#' * level} {escaped(visible(component.component))}: {word('conclusion', component.conclusion, lang)}"
    for key, sentences in (
        ("training_grounds", [say(message, lang) for message in component.evidence]),
        ("training_findings", [each for finding in component.findings for each in finding_lines(finding, lang)]),
        ("training_limits", [say(message, lang) for message in component.limits]),
    ):
        if sentences:
            yield f"**{label(key, lang)}**"
            yield from _list(sentences)


def _list(sentences: Iterable[str]) -> Iterator[str]:
    """A list; a sentence that begins with spaces belongs to the one before."""
    lines = [f"{'  ' if each.startswith(' ') else ''}- {escaped(each.strip())}" for each in sentences]
    if lines:
        yield "\n".join(lines)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], lang: str) -> str:
    lines = [[label(key, lang) for key in columns], *rows]
    cells = [f"| {' | '.join(escaped(cell) or ' ' for cell in line)} |" for line in lines]
    return "\n".join([cells[0], f"|{'---|' * len(columns)}", *cells[1:]])
