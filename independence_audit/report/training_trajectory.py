"""A trajectory as tables of text: the checkpoints in order, and every component's way through them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console  # noqa: TC002  the console is passed in, and rich is loaded here anyway
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from independence_audit.evidence.training import TrainingEvidence, TrajectoryPoint
from independence_audit.report import numbers
from independence_audit.report.plain import shortened, visible
from independence_audit.report.training_rows import CHECKPOINT_COLUMNS, checkpoint_rows, order_of
from independence_audit.report.wording import label

LONGEST_NAME = 40
HEADING = "bold"
POINT_COLUMNS = ("checkpoint", "first_r", "previous_r", "relative_update", "update_cosine", "identical_values")
REFERENCE_COLUMNS = ("checkpoint", "reference", "correlation", "z", "update_r", "update_z")


def print_trajectory(training: TrainingEvidence, console: Console, lang: str) -> None:
    """Print the trajectory's tables, where there is one."""
    trajectory = training.trajectory
    if trajectory is None:
        return
    console.print()
    console.print(Text(label("checkpoints", lang), style=HEADING))
    if order := order_of(trajectory, lang):
        console.print(Padding(Text(order), (0, 0, 0, 2)))
    _table(CHECKPOINT_COLUMNS, checkpoint_rows(trajectory, lang), console, lang)
    for component in dict.fromkeys(point.component for point in trajectory.points):
        points = [point for point in trajectory.points if point.component == component]
        console.print()
        console.print(Text(shortened(visible(component), LONGEST_NAME), style=HEADING))
        _table(
            POINT_COLUMNS,
            [point_cells(point) for point in points],
            console,
            lang,
        )
        references = [row for point in points for row in reference_rows(point)]
        if references:
            _table(REFERENCE_COLUMNS, references, console, lang)


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


def reference_rows(point: TrajectoryPoint) -> Iterable[tuple[str, ...]]:
    """Cells of one component at one checkpoint against every reference."""
    for seen in point.references:
        yield (
            _where(point),
            shortened(visible(seen.reference), LONGEST_NAME),
            numbers.coefficient(seen.r),
            numbers.score(seen.z),
            numbers.coefficient(seen.update_r),
            numbers.score(seen.update_z),
        )


def _where(point: TrajectoryPoint) -> str:
    return shortened(visible(point.checkpoint), LONGEST_NAME) if point.step is None else str(point.step)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], console: Console, lang: str) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style=HEADING, show_edge=False)
    for key in columns:
        table.add_column(Text(label(key, lang)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(Padding(table, (0, 0, 0, 2)))
