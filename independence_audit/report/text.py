"""The report as text: for a terminal in its own width and colours, for a file 100 columns wide and plain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from independence_audit.evidence.relation import NAMED, Relation
from independence_audit.evidence.report import AuditReport, Outcome
from independence_audit.report.declared import COLUMNS
from independence_audit.report.distribution import distribution_of, in_words
from independence_audit.report.languages import ENGLISH
from independence_audit.report.layers import layer_runs
from independence_audit.report.page import ComponentRow, CriterionRow, Page, layers_title, page_of
from independence_audit.report.plain import fitted, shortened, visible
from independence_audit.report.training_text import print_component
from independence_audit.report.trap import norm_vectors, trap_rows
from independence_audit.report.wording import label, word

WIDTH = 100
"""Columns of a report that goes to a file."""
LONGEST_NAME = 60
LONGEST_CELL = 44
LONGEST_CRITERION = 30
"""Columns of a criterion's name; most are shorter, and the finding beside it needs the room."""
OUTCOME_STYLES = {
    Outcome.MET: "green",
    Outcome.NOT_MET: "bold red",
    Outcome.REVIEW: "yellow",
    Outcome.NOTHING_AGAINST: "cyan",
    Outcome.MATERIAL_MISSING: "cyan",
    Outcome.ON_DOCUMENTS: "cyan",
    Outcome.NOT_ASSESSED: "cyan",
}
HEADING = "bold"
DIM = "dim"


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Render a report as plain text, 100 columns wide."""
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
    print_report(report, console, lang)
    return "".join(line.rstrip() + "\n" for line in file.getvalue().rstrip().split("\n"))


def print_report(report: AuditReport, console: Console, lang: str = ENGLISH) -> None:
    """Print a report on a console, in its width; rich leaves out colours where there is no terminal or NO_COLOR is set.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    _Printer(report, console, lang).print()


class _Printer:
    """One report on its way to one console."""

    def __init__(self, report: AuditReport, console: Console, lang: str) -> None:
        self.report = report
        self.console = console
        self.lang = lang
        self.page: Page = page_of(report, lang)

    def print(self) -> None:
        """Print everything, the first screen first."""
        self._head()
        self._opinion()
        self._components()
        self._criteria()
        self._declaration()
        self._training()
        self._changes()
        self._limits()
        self._reproduce()
        self._references()
        self._comparisons()
        self._layers()
        self._trap()
        self._distribution()
        self._provenance()

    def _line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        self.console.print(Padding(Text(text, style=style), (0, 0, 0, indent)))

    def _heading(self, key: str) -> None:
        self._line()
        self._line(label(key, self.lang), HEADING)

    def _list(self, sentences: Iterable[str], *, numbered: bool = False) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column()
        grid.add_column(overflow="fold")
        for number, sentence in enumerate(sentences, 1):
            grid.add_row(Text(f"{number}." if numbered else "-"), Text(sentence))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def _pairs(self, rows: Iterable[tuple[str, str]]) -> None:
        grid = Table.grid(padding=(0, 2))
        for name, text in rows:
            grid.add_row(Text(name, style=DIM), Text(text, overflow="fold"))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def _table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, numbers: Sequence[str] = ()
    ) -> None:
        """Print a table; ``columns`` and ``numbers`` are label keys, columns named among the latter align right."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style=HEADING, show_edge=False)
        for key in columns:
            table.add_column(
                Text(label(key, self.lang)), justify="right" if key in numbers else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, 2)))

    def _head(self) -> None:
        self._line(self.page.title, HEADING)
        self._line(self.page.standing)
        if self.page.banner:
            self.console.print(Panel(Text(self.page.banner, style="bold"), border_style="yellow", expand=True))
        self._line()
        self._pairs(self.page.identity)

    def _opinion(self) -> None:
        style = OUTCOME_STYLES[self.page.outcome]
        title = Text(f"{label('opinion', self.lang)}: {self.page.outcome_word}", style=style)
        self._line()
        said = Text.assemble((self.page.opinion, HEADING), "\n", self.page.compared)
        self.console.print(Panel(said, title=title, title_align="left", border_style=style))
        if self.page.found:
            self._line(self.page.found, indent=2)
        if self.page.facts:
            self._heading("facts")
            self._list(self.page.facts, numbered=True)
        if self.page.open:
            self._heading("open")
            self._list(self.page.open)

    def _components(self) -> None:
        self._heading("components")
        self._table(
            ("component", "relation", "reference", "correlation", "unchanged", "outcome"),
            [self._component(row) for row in self.page.components],
            numbers=("correlation", "unchanged"),
        )
        relations = [relation for relation in Relation if any(row.relation == relation for row in self.page.components)]
        meanings = [f"{word('relation', r, self.lang)}: {word('meaning', r, self.lang)}" for r in relations]
        self._line("; ".join(meanings) + ".", DIM, indent=2)

    def _component(self, row: ComponentRow) -> tuple[str | Text, ...]:
        name = Text(shortened(row.kind, LONGEST_NAME))
        if row.name != row.kind:
            name.append(f"\n{shortened(row.name, LONGEST_NAME)}", style=DIM)
        relation = Text(row.word, style="bold" if row.relation in NAMED else "")
        if row.uncovered:
            relation.append(f"\n{row.uncovered}", style=DIM)
        outcome = Text(row.outcome_word, style=OUTCOME_STYLES[row.outcome] if row.outcome else "")
        return name, relation, shortened(row.reference, LONGEST_NAME), row.r, row.unchanged, outcome

    def _criteria(self) -> None:
        if not self.page.criteria:
            return
        self._heading("criteria")
        self._table(("criterion", "outcome", "finding"), [self._criterion(row) for row in self.page.criteria])

    def _criterion(self, row: CriterionRow) -> tuple[str | Text, ...]:
        quote = f"“{row.quote}”" if row.quote else ""
        source = f"{label('source', self.lang)}: {row.source}" if row.source else ""
        finding = "\n".join(line for line in (row.finding, *row.evidence, quote, source) if line)
        return fitted(row.name, LONGEST_CRITERION), Text(row.outcome_word, style=OUTCOME_STYLES[row.outcome]), finding

    def _declaration(self) -> None:
        if self.page.declaration:
            self._heading("declared")
            rows = [[shortened(cell, LONGEST_NAME) for cell in row.cells] for row in self.page.declaration]
            self._table(COLUMNS, rows)

    def _training(self) -> None:
        training = self.report.training
        if training and training.speaks:
            self._heading("training_title")
            for component in training.components:
                print_component(component, self.console, self.lang)

    def _changes(self) -> None:
        if self.page.changes:
            self._heading("changes")
            self._list(sentence for changes in self.page.changes for sentence in changes.sentences)

    def _limits(self) -> None:
        for key, sentences in (
            ("cannot_judge", self.page.cannot_judge),
            ("would_change", self.page.would_change),
            ("notices", self.page.notices),
        ):
            if sentences:
                self._heading(key)
                self._list(sentences)

    def _reproduce(self) -> None:
        self._heading("reproduce")
        self._line(f"$ {self.page.command}", indent=2)
        self._line(label("reproduce_text", self.lang), indent=2)

    def _references(self) -> None:
        self._heading("references")
        rows = [
            (shortened(row.name, LONGEST_NAME), row.owner, shortened(row.source, LONGEST_CELL), row.status)
            for row in self.page.references
        ]
        self._table(("name", "owner", "source", "status"), rows)

    def _comparisons(self) -> None:
        self._heading("comparisons")
        columns = ("component", "reference", "relation", "correlation", "joint_z", "p_value", "detection_bound")
        rows = [
            (
                shortened(row.component, LONGEST_CELL),
                shortened(row.reference, LONGEST_CELL),
                f"{row.word}: {row.note}" if row.note else row.word,
                row.r,
                row.joint_z,
                row.p_value,
                row.bound,
            )
            for row in self.page.comparisons
        ]
        self._table(columns, rows, numbers=columns[3:])

    def _layers(self) -> None:
        self._heading("layers")
        self._line(label("layers_text", self.lang), DIM, indent=2)
        for component, row in zip(self.report.components, self.page.components, strict=True):
            self._line()
            self._line(layers_title(row, self.lang), indent=2)
            runs = [
                (
                    run.layers or label("layer_outside", self.lang),
                    word("relation", run.relation, self.lang),
                    run.reference_layers,
                    run.r,
                    run.identical,
                )
                for run in layer_runs(component.layers)
            ]
            columns = ("layer", "relation", "reference_layer", "correlation", "identical_values")
            self._table(columns, runs, numbers=("correlation", "identical_values"))

    def _trap(self) -> None:
        self._heading("trap")
        rows = trap_rows(norm_vectors(self.report.tensors))
        if not rows:
            self._line(word("trap", "none", self.lang), indent=2)
            return
        self._line(word("trap", "text", self.lang), indent=2)
        columns = ("component", "trap_vectors", "trap_cosine", "trap_r", "trap_z")
        cells = [
            (shortened(visible(row.component), LONGEST_NAME), str(row.vectors), row.cosine, row.pearson, row.largest_z)
            for row in rows
        ]
        self._table(columns, cells, numbers=columns[1:])
        self._line(word("trap", "calibrated", self.lang), indent=2)

    def _distribution(self) -> None:
        self._heading("distribution")
        self._list(in_words(distribution_of(self.report), self.lang))

    def _provenance(self) -> None:
        self._heading("provenance")
        self._pairs(self.page.provenance)
