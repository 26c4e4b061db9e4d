"""The report as GitHub-flavoured Markdown: the same content as the text, tables escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from independence_audit.evidence.report import AuditReport
from independence_audit.report.declared import COLUMNS
from independence_audit.report.distribution import distribution_of, in_words
from independence_audit.report.languages import ENGLISH
from independence_audit.report.layers import layer_runs
from independence_audit.report.marks import escaped
from independence_audit.report.page import (
    ComparisonRow,
    ComponentRow,
    CriterionRow,
    FileRow,
    Page,
    layers_title,
    page_of,
)
from independence_audit.report.plain import shortened, visible
from independence_audit.report.training_markdown import component_blocks
from independence_audit.report.trap import norm_vectors, trap_rows
from independence_audit.report.wording import label, word

LONGEST_NAME = 80
LINE_START = re.compile(r"^(\d+)([.)])|^([-+=])")
"""What would begin a list or underline a heading."""
BREAK = "<br>"


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Render a report as Markdown.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, lang)
    sections = (
        _head(page),
        _opinion(page, lang),
        _components(page.components, lang),
        _criteria(page.criteria, lang),
        _declaration(page, lang),
        _training(report, lang),
        _changes(page, lang),
        _limits(page, lang),
        _reproduce(page, lang),
        _references(page, lang),
        _comparisons(page.comparisons, lang),
        _layers(report, page, lang),
        _trap(report, lang),
        _distribution(report, lang),
        _provenance(page, lang),
    )
    return "\n\n".join(block for section in sections for block in section) + "\n"


def _line(text: str) -> str:
    """Escape text that begins a line, where digits and dashes mean something too."""
    return LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", escaped(text))


def _name(text: str) -> str:
    return escaped(shortened(text, LONGEST_NAME))


def _heading(key: str, lang: str) -> str:
    return f"## {label(key, lang)}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], lang: str, right: Sequence[str] = ()) -> str:
    """Write a table of escaped cells; ``columns`` and ``right`` are label keys."""
    lines = [
        [escaped(label(key, lang)) for key in columns],
        ["---:" if key in right else "---" for key in columns],
        *rows,
    ]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_line(sentence)}" for sentence in sentences)


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- **{escaped(name)}:** {escaped(text)}" for name, text in rows)


def _head(page: Page) -> Iterator[str]:
    yield f"# {page.title}"
    yield f"*{page.standing}*"
    if page.banner:
        yield f"> **{escaped(page.banner)}**"
    yield _pairs(page.identity)


def _opinion(page: Page, lang: str) -> Iterator[str]:
    yield f"## {label('opinion', lang)}: {page.outcome_word}"
    yield f"**{escaped(page.opinion)}**"
    if page.found:
        yield _line(page.found)
    yield _line(page.compared)
    if page.facts:
        yield "\n".join(f"{number}. {_line(fact)}" for number, fact in enumerate(page.facts, 1))
    if page.open:
        yield f"### {label('open', lang)}"
        yield _bullets(page.open)


def _components(rows: Sequence[ComponentRow], lang: str) -> Iterator[str]:
    yield _heading("components", lang)
    columns = ("component", "kind", "parameters", "relation", "reference", "correlation", "unchanged", "outcome")
    yield _table(
        columns,
        [
            (
                _name(row.name),
                _name(row.kind),
                row.parameters,
                BREAK.join(part for part in (f"**{row.word}**", escaped(row.uncovered)) if part),
                _name(row.reference),
                escaped(row.r),
                escaped(row.unchanged),
                row.outcome_word,
            )
            for row in rows
        ],
        lang,
        ("parameters", "correlation", "unchanged"),
    )
    relations = dict.fromkeys(row.relation for row in rows)
    yield _bullets(f"{word('relation', r, lang)}: {word('meaning', r, lang)}" for r in relations)


def _criteria(rows: Sequence[CriterionRow], lang: str) -> Iterator[str]:
    if rows:
        yield _heading("criteria", lang)
        yield _table(("criterion", "outcome", "finding"), [_criterion(row, lang) for row in rows], lang)


def _criterion(row: CriterionRow, lang: str) -> tuple[str, str, str]:
    quote = f"“{row.quote}”" if row.quote else ""
    source = f"{label('source', lang)}: {row.source}" if row.source else ""
    lines = (row.finding, *row.evidence, quote, source)
    return _name(row.name), row.outcome_word, BREAK.join(escaped(line) for line in lines if line)


def _declaration(page: Page, lang: str) -> Iterator[str]:
    if page.declaration:
        yield _heading("declared", lang)
        yield _table(COLUMNS, [[_name(cell) for cell in row.cells] for row in page.declaration], lang)


def _training(report: AuditReport, lang: str) -> Iterator[str]:
    if report.training and report.training.speaks:
        yield _heading("training_title", lang)
        for component in report.training.components:
            yield from component_blocks(component, lang, level=3)


def _changes(page: Page, lang: str) -> Iterator[str]:
    if page.changes:
        yield _heading("changes", lang)
        yield _bullets(sentence for changes in page.changes for sentence in changes.sentences)


def _limits(page: Page, lang: str) -> Iterator[str]:
    for key, sentences in (
        ("cannot_judge", page.cannot_judge),
        ("would_change", page.would_change),
        ("notices", page.notices),
    ):
        if sentences:
            yield _heading(key, lang)
            yield _bullets(sentences)


def _reproduce(page: Page, lang: str) -> Iterator[str]:
    yield _heading("reproduce", lang)
    yield fenced(page.command)
    yield _line(label("reproduce_text", lang))


def fenced(text: str) -> str:
    """Put a line of text in a block of code, between more backticks than it holds in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _references(page: Page, lang: str) -> Iterator[str]:
    yield _heading("references", lang)
    rows = [(r.name, r.owner, r.source, r.licence, r.ancestors, r.status) for r in page.references]
    columns = ("name", "owner", "source", "licence", "ancestors", "status")
    yield _table(columns, [[_name(cell) for cell in row] for row in rows], lang)


def _comparisons(rows: Sequence[ComparisonRow], lang: str) -> Iterator[str]:
    yield _heading("comparisons", lang)
    columns = ("component", "reference", "relation", "correlation", "joint_z", "p_value", "detection_bound", "note")
    cells = [
        (_name(r.component), _name(r.reference), r.word, r.r, r.joint_z, escaped(r.p_value), escaped(r.bound), r.note)
        for r in rows
    ]
    yield _table(columns, cells, lang, columns[3:7])


def _layers(report: AuditReport, page: Page, lang: str) -> Iterator[str]:
    yield _heading("layers", lang)
    yield _line(label("layers_text", lang))
    columns = ("layer", "relation", "reference_layer", "correlation", "identical_values")
    for component, row in zip(report.components, page.components, strict=True):
        yield f"### {_name(layers_title(row, lang))}"
        runs = [
            (
                run.layers or label("layer_outside", lang),
                word("relation", run.relation, lang),
                run.reference_layers,
                escaped(run.r),
                escaped(run.identical),
            )
            for run in layer_runs(component.layers)
        ]
        yield _table(columns, runs, lang, ("correlation", "identical_values"))


def _trap(report: AuditReport, lang: str) -> Iterator[str]:
    yield _heading("trap", lang)
    rows = trap_rows(norm_vectors(report.tensors))
    if not rows:
        yield _line(word("trap", "none", lang))
        return
    yield _line(word("trap", "text", lang))
    columns = ("component", "trap_vectors", "trap_cosine", "trap_r", "trap_z")
    cells = [
        (_name(visible(row.component)), str(row.vectors), escaped(row.cosine), escaped(row.pearson), row.largest_z)
        for row in rows
    ]
    yield _table(columns, cells, lang, columns[1:])
    yield _line(word("trap", "calibrated", lang))


def _distribution(report: AuditReport, lang: str) -> Iterator[str]:
    yield _heading("distribution", lang)
    yield "\n\n".join(_line(sentence) for sentence in in_words(distribution_of(report), lang))


def _provenance(page: Page, lang: str) -> Iterator[str]:
    yield _heading("provenance", lang)
    yield _pairs(page.provenance)
    yield _files(page.files, lang)


def _files(files: Sequence[FileRow], lang: str) -> str:
    rows = [(_name(file.name), file.size, escaped(file.digest), file.scope) for file in files]
    return _table(("name", "size", "digest", "digest_scope"), rows, lang, ("size",))
