"""Reports as text: for a terminal in its own width and colours, for a file 100 columns wide and plain."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import assert_never

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from independence_audit.evidence.audit_report import AuditReport, Outcome, TrainingReport
from independence_audit.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Pairs,
    Paragraph,
    Points,
    Section,
    Table,
    Tone,
    Where,
)
from independence_audit.report.languages import ENGLISH
from independence_audit.report.plain import fitted, shortened
from independence_audit.report.sections import document_of
from independence_audit.report.training_sections import training_document
from independence_audit.report.wording import label

WIDTH = 100
"""Columns of a report that goes to a file."""
HERE = Where.TERMINAL
OUTCOME_STYLES = {
    Outcome.MET: "green",
    Outcome.NOT_MET: "bold red",
    Outcome.REVIEW: "yellow",
    Outcome.NOTHING_AGAINST: "cyan",
    Outcome.MATERIAL_MISSING: "cyan",
    Outcome.ON_DOCUMENTS: "cyan",
    Outcome.NOT_ASSESSED: "cyan",
}
HEADING, DIM = "bold", "dim"
STYLES = {Tone.STRONG: "bold", Tone.QUIET: DIM}


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Render an audit's report as plain text, 100 columns wide."""
    return _plain(document_of(report, lang), lang)


def render_training(report: TrainingReport, lang: str = ENGLISH) -> str:
    """Render a training's report as plain text, 100 columns wide."""
    return _plain(training_document(report, lang), lang)


def print_report(report: AuditReport, console: Console, lang: str = ENGLISH) -> None:
    """Print an audit's report on a console, in its width; rich leaves out colours where none are wanted.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    _Printer(console, lang).print(document_of(report, lang))


def print_training(report: TrainingReport, console: Console, lang: str = ENGLISH) -> None:
    """Print a training's report on a console, as :func:`print_report` does."""
    _Printer(console, lang).print(training_document(report, lang))


def _plain(document: Document, lang: str) -> str:
    file = StringIO()
    console = Console(
        file=file,
        width=WIDTH,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
        legacy_windows=False,
        _environ={},
    )
    _Printer(console, lang).print(document)
    return "".join(line.rstrip() + "\n" for line in file.getvalue().rstrip().split("\n"))


class _Printer:
    """One report on its way to one console."""

    def __init__(self, console: Console, lang: str) -> None:
        self.console, self.lang = console, lang

    def print(self, document: Document) -> None:
        """Print everything, the first screen first."""
        self._line(document.title, HEADING)
        self._line(document.standing)
        if document.banner:
            self.console.print(Panel(Text(document.banner, style="bold"), border_style="yellow", expand=True))
        self._line()
        self._blocks(document.preface)
        for section in document.sections:
            self._section(section)

    def _line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def _section(self, section: Section) -> None:
        self._line()
        if section.outcome is not None:
            self._frame(section, OUTCOME_STYLES[section.outcome])
        elif section.title and HERE in section.titled:
            title = shortened(section.title, WIDTH)
            self._line(title, "" if section.inset else HEADING, indent=2 if section.inset else 0)
        self._blocks(section.blocks)

    def _frame(self, section: Section, style: str) -> None:
        """The heading and what stands in a frame with it, one line each."""
        said = [Text(one.text, style=STYLES.get(one.tone, "")) for one in section.lead if HERE in one.where]
        title = Text(section.title, style=style)
        self.console.print(Panel(Text("\n").join(said), title=title, title_align="left", border_style=style))

    def _blocks(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            match block:
                case Paragraph():
                    self._paragraph(block)
                case Pairs():
                    self._pairs(block)
                case Table():
                    self._table(block)
                case Points():
                    self._points(block)
                case Chart():
                    pass
                case _:
                    assert_never(block)

    def _paragraph(self, paragraph: Paragraph) -> None:
        if HERE in paragraph.where:
            text = f"$ {paragraph.text}" if paragraph.tone is Tone.COMMAND else paragraph.text
            self._line(text, STYLES.get(paragraph.tone, ""), indent=0 if paragraph.flush else 2)

    def _pairs(self, pairs: Pairs) -> None:
        grid = Grid.grid(padding=(0, 2))
        for name, text in pairs.rows:
            grid.add_row(Text(name, style=DIM), Text(text, overflow="fold"))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def _points(self, points: Points) -> None:
        if HERE not in points.where:
            return
        if points.title:
            self._line(points.title, DIM, indent=2)
            for point in points.items:
                self._line(point.text, indent=4)
                for below in point.below:
                    self._line(below, indent=6)
            return
        grid = Grid.grid(padding=(0, 1))
        grid.add_column()
        grid.add_column(overflow="fold")
        for number, point in enumerate(points.items, 1):
            grid.add_row(Text(f"{number}." if points.numbered else "-"), Text("\n".join((point.text, *point.below))))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def _table(self, table: Table) -> None:
        if HERE not in table.where:
            return
        shown = table.shown(HERE)
        grid = Grid(box=SIMPLE_HEAD, pad_edge=False, header_style=HEADING, show_edge=False)
        for column in (table.columns[number] for number in shown):
            justify = "right" if column.number else "left"
            grid.add_column(Text(label(column.key, self.lang)), justify=justify, overflow="fold")  # type: ignore[arg-type]
        for row in table.rows:
            grid.add_row(*(_cell(row[number], table.columns[number]) for number in shown))
        self.console.print(Padding(grid, (0, 0, 0, 2)))


def _cell(cell: str | Cell, column: Column) -> Text:
    one = cell if isinstance(cell, Cell) else Cell(cell)
    style = OUTCOME_STYLES[one.outcome] if one.outcome else STYLES.get(one.tone, "")
    text = Text(_cut(one.text, column), style=style)
    if one.below:
        text.append(f"\n{_cut(one.below, column)}", style=DIM)
    return text


def _cut(text: str, column: Column) -> str:
    if not column.longest:
        return text
    return fitted(text, column.longest) if column.folded else shortened(text, column.longest)
