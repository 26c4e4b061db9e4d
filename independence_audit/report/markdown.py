"""Reports as GitHub-flavoured Markdown: the same content as the text, everything escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from independence_audit.evidence.audit_report import AuditReport, TrainingReport
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
from independence_audit.report.plain import escaped, shortened
from independence_audit.report.sections import document_of
from independence_audit.report.training_sections import training_document
from independence_audit.report.wording import label

LONGEST_NAME = 80
HERE = Where.MARKDOWN
LINE_START = re.compile(r"^(\d+)([.)])|^([-+=])")
"""What would begin a list or underline a heading."""
BREAK = "<br>"


def render(report: AuditReport, lang: str = ENGLISH) -> str:
    """Render an audit's report as Markdown.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    return _written(document_of(report, lang), lang)


def render_training(report: TrainingReport, lang: str = ENGLISH) -> str:
    """Render a training's report as Markdown, as :func:`render` does."""
    return _written(training_document(report, lang), lang)


def _written(document: Document, lang: str) -> str:
    head = [f"# {document.title}", f"*{document.standing}*"]
    banner = [f"> **{escaped(document.banner)}**"] if document.banner else []
    sections = (part for section in document.sections for part in _section(section, lang))
    return "\n\n".join((*head, *banner, *blocks_of(document.preface, lang), *sections)) + "\n"


def _section(section: Section, lang: str) -> Iterator[str]:
    if section.title and HERE in section.titled:
        title = shortened(section.title, LONGEST_NAME) if section.inset else section.title
        yield f"{'#' * section.level} {escaped(title)}"
    yield from blocks_of((*section.lead, *section.blocks), lang)


def blocks_of(blocks: Iterable[Block], lang: str) -> Iterator[str]:
    """Blocks as they are written, each a text without empty lines around it."""
    for block in blocks:
        match block:
            case Paragraph():
                if HERE in block.where:
                    yield _paragraph(block)
            case Pairs():
                yield "\n".join(f"- **{escaped(name)}:** {escaped(text)}" for name, text in block.rows)
            case Table():
                if HERE in block.where:
                    yield table(block, lang)
            case Points():
                if HERE in block.where:
                    yield from _points(block)
            case Chart():
                pass
            case _:
                assert_never(block)


def _line(text: str) -> str:
    """Escape text that begins a line, where digits and dashes mean something too."""
    return LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", escaped(text))


def _paragraph(paragraph: Paragraph) -> str:
    if paragraph.tone is Tone.COMMAND:
        return fenced(paragraph.text)
    return f"**{escaped(paragraph.text)}**" if paragraph.tone is Tone.STRONG else _line(paragraph.text)


def _points(points: Points) -> Iterator[str]:
    if points.title:
        yield f"**{escaped(points.title)}**"
    lines = []
    for number, point in enumerate(points.items, 1):
        lines.append(f"{number}. {_line(point.text)}" if points.numbered else f"- {_line(point.text)}")
        lines += [f"  - {_line(below)}" for below in point.below]
    yield "\n".join(lines)


def table(table: Table, lang: str) -> str:
    """A table with its escaped cells."""
    shown = table.shown(HERE)
    columns = [table.columns[number] for number in shown]
    lines = [
        [escaped(label(column.key, lang)) for column in columns],
        ["---:" if column.number else "---" for column in columns],
        *([_cell(row[number], table.columns[number]) for number in shown] for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


def _cell(cell: str | Cell, column: Column) -> str:
    one = cell if isinstance(cell, Cell) else Cell(cell)
    text = shortened(one.text, LONGEST_NAME) if column.longest else one.text
    shown = BREAK.join(escaped(line) for line in text.split("\n"))
    strong = one.tone in {Tone.STRONG, Tone.WORD}
    return BREAK.join(part for part in (f"**{shown}**" if strong else shown, escaped(one.below)) if part)


def fenced(text: str) -> str:
    """Put a line of text in a block of code, between more backticks than it holds in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
