"""An audit's report as sections: one function each, from what the page says in words to blocks.

A new section is a function here, in its place of :data:`SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import NAMED, Relation
from independence_audit.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Document,
    Drawing,
    Pairs,
    Paragraph,
    Section,
    Table,
    Tone,
    Where,
    points,
)
from independence_audit.report.declared_rows import COLUMNS
from independence_audit.report.distribution import distribution_of, in_words, norm_caveat_rows, norm_vectors
from independence_audit.report.layer_rows import layer_runs
from independence_audit.report.page import Page, page_of
from independence_audit.report.page_rows import ComponentRow, CriterionRow, control_rows, layers_title
from independence_audit.report.plain import visible
from independence_audit.report.training_sections import component_section
from independence_audit.report.wording import label, word

NAME, SHORT_NAME, CRITERION, WORDS = 60, 44, 30, 200
"""Columns on a terminal: of most names, of those of crowded tables, of criteria, and of what is seldom long."""

TERMINAL, MARKDOWN = Where.TERMINAL, Where.MARKDOWN


def document_of(report: AuditReport, lang: str) -> Document:
    """The whole report.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, lang)
    sections = tuple(section for make in SECTIONS for section in make(report, page, lang))
    return Document(page.title, page.standing, page.banner, (Pairs(page.identity),), sections)


def _opinion(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    found = (Paragraph(page.found),) if page.found else ()
    yield Section(
        "opinion",
        f"{label('opinion', lang)}: {page.outcome_word}",
        (*found, Paragraph(page.compared, where=MARKDOWN)),
        outcome=page.outcome,
        lead=(Paragraph(page.opinion, Tone.STRONG), Paragraph(page.compared, where=TERMINAL)),
    )
    if page.facts:
        yield Section("facts", label("facts", lang), (points(page.facts, numbered=True),), titled=TERMINAL)
    if page.open:
        yield Section("open", label("open", lang), (points(page.open),), level=3)


def _components(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    columns = (
        Column("component", longest=NAME, where=TERMINAL),
        Column("component", longest=NAME, where=MARKDOWN),
        Column("kind", longest=NAME, where=MARKDOWN),
        Column("parameters", number=True, where=MARKDOWN),
        Column("relation"),
        Column("reference", longest=NAME),
        Column("correlation", number=True),
        Column("unchanged", number=True),
        Column("outcome"),
    )
    there = {row.relation for row in page.components}
    meanings = [
        f"{word('relation', relation, lang)}: {word('meaning', relation, lang)}"
        for relation in Relation
        if relation in there
    ]
    blocks = (
        Table(columns, tuple(_component(row) for row in page.components)),
        Paragraph("; ".join(meanings) + ".", Tone.QUIET, TERMINAL),
    )
    yield Section("components", label("components", lang), (*blocks, _only_in_markdown(meanings)))


def _only_in_markdown(sentences: list[str]) -> Block:
    found = points(sentences)
    return type(found)(found.items, where=MARKDOWN)


def _component(row: ComponentRow) -> tuple[str | Cell, ...]:
    return (
        Cell(row.kind, below=row.name if row.name != row.kind else ""),
        row.name,
        row.kind,
        row.parameters,
        Cell(row.word, Tone.STRONG if row.relation in NAMED else Tone.WORD, below=row.uncovered),
        row.reference,
        row.r,
        row.unchanged,
        Cell(row.outcome_word, outcome=row.outcome),
    )


def _criteria(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    if page.criteria:
        columns = (Column("criterion", longest=CRITERION, folded=True), Column("outcome"), Column("finding"))
        rows = tuple(_criterion(row, lang) for row in page.criteria)
        yield Section("criteria", label("criteria", lang), (Table(columns, rows),))


def _criterion(row: CriterionRow, lang: str) -> tuple[str | Cell, ...]:
    quote = f"“{row.quote}”" if row.quote else ""
    source = f"{label('source', lang)}: {row.source}" if row.source else ""
    finding = "\n".join(line for line in (row.finding, *row.evidence, quote, source) if line)
    return row.name, Cell(row.outcome_word, outcome=row.outcome), finding


def _declaration(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    if page.declaration:
        columns = tuple(Column(key, longest=NAME) for key in COLUMNS)
        yield Section(
            "declared", label("declared", lang), (Table(columns, tuple(row.cells for row in page.declaration)),)
        )


def _training(report: AuditReport, _: Page, lang: str) -> Iterator[Section]:
    if report.training and report.training.speaks:
        yield Section("training_title", label("training_title", lang), ())
        for component in report.training.components:
            yield component_section(component, lang, level=3)


def _changes(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    if page.changes:
        sentences = [sentence for changes in page.changes for sentence in changes.sentences]
        yield Section("changes", label("changes", lang), (points(sentences),))


def _limits(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    for key, sentences in (
        ("cannot_judge", page.cannot_judge),
        ("would_change", page.would_change),
        ("notices", page.notices),
    ):
        if sentences:
            yield Section(key, label(key, lang), (points(sentences),))


def _reproduce(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    blocks = (Paragraph(page.command, Tone.COMMAND), Paragraph(label("reproduce_text", lang)))
    yield Section("reproduce", label("reproduce", lang), blocks)


def _references(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    columns = (
        Column("name", longest=NAME),
        Column("owner", longest=WORDS),
        Column("source", longest=SHORT_NAME),
        Column("licence", longest=NAME, where=MARKDOWN),
        Column("ancestors", longest=NAME, where=MARKDOWN),
        Column("status", longest=WORDS),
    )
    rows = tuple((row.name, row.owner, row.source, row.licence, row.ancestors, row.status) for row in page.references)
    yield Section("references", label("references", lang), (Table(columns, rows),))


def _comparisons(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    columns = (
        Column("component", longest=SHORT_NAME),
        Column("reference", longest=SHORT_NAME),
        Column("relation", where=TERMINAL),
        Column("relation", where=MARKDOWN),
        *(Column(key, number=True) for key in ("correlation", "joint_z", "p_value", "detection_bound")),
        Column("note", where=MARKDOWN),
    )
    rows = tuple(
        (
            row.component,
            row.reference,
            f"{row.word}: {row.note}" if row.note else row.word,
            row.word,
            row.r,
            row.joint_z,
            row.p_value,
            row.bound,
            row.note,
        )
        for row in page.comparisons
    )
    yield Section("comparisons", label("comparisons", lang), (Table(columns, rows),))


def _controls(report: AuditReport, _: Page, lang: str) -> Iterator[Section]:
    rows = tuple(row for component in report.components for row in control_rows(component))
    if not rows:
        return
    columns = (
        Column("component", longest=SHORT_NAME),
        Column("reference", longest=SHORT_NAME),
        *(Column(key, number=True) for key in ("control_bound", "control_z", "control_negative")),
        Column("control_points", where=MARKDOWN),
    )
    blocks = (Paragraph(label("controls_text", lang), Tone.QUIET), Table(columns, rows))
    yield Section("controls", label("controls", lang), blocks)


def _layers(report: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    yield Section("layers", label("layers", lang), (Paragraph(label("layers_text", lang), Tone.QUIET),))
    numbers = ("correlation", "identical_values")
    keys = ("layer", "relation", "reference_layer", *numbers)
    columns = tuple(Column(key, number=key in numbers) for key in keys)
    for component, row in zip(report.components, page.components, strict=True):
        rows = tuple(
            (
                run.layers or label("layer_outside", lang),
                word("relation", run.relation, lang),
                run.reference_layers,
                run.r,
                run.identical,
            )
            for run in layer_runs(component.layers)
        )
        chart = Chart(Drawing.LAYERS, component.name)
        yield Section("layers_of", layers_title(row, lang), (chart, Table(columns, rows)), level=3, inset=True)


def _trap(report: AuditReport, _: Page, lang: str) -> Iterator[Section]:
    rows = norm_caveat_rows(norm_vectors(report.tensors))
    if not rows:
        yield Section("trap", label("trap", lang), (Paragraph(word("trap", "none", lang)),))
        return
    columns = (
        Column("component", longest=NAME),
        *(Column(key, number=True) for key in ("trap_vectors", "trap_cosine", "trap_r", "trap_z")),
    )
    cells = tuple((visible(row.component), str(row.vectors), row.cosine, row.pearson, row.largest_z) for row in rows)
    blocks = (
        Paragraph(word("trap", "text", lang)),
        Chart(Drawing.NORM_VECTORS),
        Table(columns, cells),
        Paragraph(word("trap", "calibrated", lang)),
    )
    yield Section("trap", label("trap", lang), blocks)


def _distribution(report: AuditReport, _: Page, lang: str) -> Iterator[Section]:
    sentences = in_words(distribution_of(report), lang)
    listed = points(sentences)
    yield Section(
        "distribution",
        label("distribution", lang),
        (
            Chart(Drawing.DISTRIBUTION),
            type(listed)(listed.items, where=TERMINAL),
            *(Paragraph(sentence, where=MARKDOWN) for sentence in sentences),
        ),
    )


def _provenance(_: AuditReport, page: Page, lang: str) -> Iterator[Section]:
    columns = (
        Column("name", longest=NAME),
        Column("size", number=True),
        Column("digest"),
        Column("digest_scope"),
    )
    files = tuple((file.name, file.size, file.digest, file.scope) for file in page.files)
    yield Section(
        "provenance", label("provenance", lang), (Pairs(page.provenance), Table(columns, files, where=MARKDOWN))
    )


SECTIONS: tuple[Callable[[AuditReport, Page, str], Iterator[Section]], ...] = (
    _opinion,
    _components,
    _criteria,
    _declaration,
    _training,
    _changes,
    _limits,
    _reproduce,
    _references,
    _comparisons,
    _controls,
    _layers,
    _trap,
    _distribution,
    _provenance,
)
"""The sections of an audit's report, in their order."""
