"""The report as GitHub-flavoured Markdown: the same content as the text, tables escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from independence_audit.evidence.report import AuditReport
from independence_audit.report.distribution import distribution_of, in_words
from independence_audit.report.layers import layer_runs
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
from independence_audit.report.trap import norm_vectors, trap_rows
from independence_audit.report.wording import ENGLISH, label, word

LONGEST_NAME = 80
MARKS = re.compile(r"[\\`*_\[\]|~#$]")
"""Characters that mean something inside a line."""
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
LINE_START = re.compile(r"^(\d+)([.)])|^([-+=])")
"""What would begin a list or underline a heading."""
BARE_LINK = re.compile(r"(://|\bwww\.|@)", re.IGNORECASE)
"""What GitHub turns into a link or a mention without any mark."""
BREAK = "<br>"


def render(report: AuditReport) -> str:
    """Render a report as Markdown.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    page = page_of(report, ENGLISH)
    sections = (
        _head(page),
        _opinion(page),
        _components(page.components),
        _criteria(page.criteria),
        _limits(page),
        _reproduce(page),
        _references(page),
        _comparisons(page.comparisons),
        _layers(report, page),
        _trap(report),
        _distribution(report),
        _provenance(page),
    )
    return "\n\n".join(block for section in sections for block in section) + "\n"


def escaped(text: str) -> str:
    """Escape text so that it is shown as it is: no markup, no HTML, no links, no mentions, one line."""
    safe = MARKS.sub(r"\\\g<0>", " ".join(text.split("\n")))
    safe = re.sub("[&<>]", lambda match: ENTITIES[match[0]], safe)
    return BARE_LINK.sub(lambda match: _broken_up(match[0]), safe)


def _line(text: str) -> str:
    """Escape text that begins a line, where digits and dashes mean something too."""
    return LINE_START.sub(lambda match: f"{match[1]}\\{match[2]}" if match[1] else f"\\{match[3]}", escaped(text))


def _broken_up(link: str) -> str:
    """Write the beginning of a bare link so that it is shown and not recognised."""
    return "".join(f"&#{ord(character)};" for character in link)


def _name(text: str) -> str:
    return escaped(shortened(text, LONGEST_NAME))


def _heading(key: str) -> str:
    return f"## {label(key, ENGLISH)}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Write a table of escaped cells; ``columns`` and ``right`` are label keys."""
    lines = [
        [escaped(label(key, ENGLISH)) for key in columns],
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


def _opinion(page: Page) -> Iterator[str]:
    yield f"## {label('opinion', ENGLISH)}: {page.outcome_word}"
    yield f"**{escaped(page.opinion)}**"
    if page.facts:
        yield "\n".join(f"{number}. {_line(fact)}" for number, fact in enumerate(page.facts, 1))


def _components(rows: Sequence[ComponentRow]) -> Iterator[str]:
    yield _heading("components")
    columns = ("component", "kind", "parameters", "relation", "reference", "correlation", "unchanged", "outcome")
    yield _table(
        columns,
        [
            (
                _name(row.name),
                _name(row.kind),
                row.parameters,
                f"**{row.word}**",
                _name(row.reference),
                escaped(row.r),
                escaped(row.unchanged),
                row.outcome_word,
            )
            for row in rows
        ],
        ("parameters", "correlation", "unchanged"),
    )
    relations = dict.fromkeys(row.relation for row in rows)
    yield _bullets(f"{word('relation', r, ENGLISH)}: {word('meaning', r, ENGLISH)}" for r in relations)


def _criteria(rows: Sequence[CriterionRow]) -> Iterator[str]:
    if rows:
        yield _heading("criteria")
        yield _table(("criterion", "outcome", "finding"), [_criterion(row) for row in rows])


def _criterion(row: CriterionRow) -> tuple[str, str, str]:
    quote = f"“{row.quote}”" if row.quote else ""
    source = f"{label('source', ENGLISH)}: {row.source}" if row.source else ""
    lines = (row.finding, *row.evidence, quote, source)
    return _name(row.id), row.outcome_word, BREAK.join(escaped(line) for line in lines if line)


def _limits(page: Page) -> Iterator[str]:
    for key, sentences in (
        ("cannot_judge", page.cannot_judge),
        ("not_searched", page.not_searched),
        ("would_change", page.would_change),
        ("notices", page.notices),
    ):
        if sentences:
            yield _heading(key)
            yield _bullets(sentences)


def _reproduce(page: Page) -> Iterator[str]:
    yield _heading("reproduce")
    yield fenced(page.command)
    yield _line(label("reproduce_text", ENGLISH))


def fenced(text: str) -> str:
    """Put a line of text in a block of code, between more backticks than it holds in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _references(page: Page) -> Iterator[str]:
    yield _heading("references")
    rows = [(r.name, r.owner, r.source, r.licence, r.ancestors, r.status) for r in page.references]
    columns = ("name", "owner", "source", "licence", "ancestors", "status")
    yield _table(columns, [[_name(cell) for cell in row] for row in rows])


def _comparisons(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    yield _heading("comparisons")
    columns = ("component", "reference", "relation", "correlation", "joint_z", "p_value", "detection_bound", "note")
    cells = [
        (_name(r.component), _name(r.reference), r.word, r.r, r.joint_z, escaped(r.p_value), escaped(r.bound), r.note)
        for r in rows
    ]
    yield _table(columns, cells, columns[3:7])


def _layers(report: AuditReport, page: Page) -> Iterator[str]:
    yield _heading("layers")
    yield _line(label("layers_text", ENGLISH))
    columns = ("layer", "relation", "reference_layer", "correlation", "identical_values")
    for component, row in zip(report.components, page.components, strict=True):
        yield f"### {_name(layers_title(row, ENGLISH))}"
        runs = [
            (
                run.layers or label("layer_outside", ENGLISH),
                word("relation", run.relation, ENGLISH),
                run.reference_layers,
                escaped(run.r),
                escaped(run.identical),
            )
            for run in layer_runs(component.layers)
        ]
        yield _table(columns, runs, ("correlation", "identical_values"))


def _trap(report: AuditReport) -> Iterator[str]:
    yield _heading("trap")
    rows = trap_rows(norm_vectors(report.tensors))
    if not rows:
        yield _line(word("trap", "none", ENGLISH))
        return
    yield _line(word("trap", "text", ENGLISH))
    columns = ("component", "trap_vectors", "trap_cosine", "trap_r", "trap_z")
    cells = [
        (_name(visible(row.component)), str(row.vectors), escaped(row.cosine), escaped(row.pearson), row.largest_z)
        for row in rows
    ]
    yield _table(columns, cells, columns[1:])
    yield _line(word("trap", "calibrated", ENGLISH))


def _distribution(report: AuditReport) -> Iterator[str]:
    yield _heading("distribution")
    yield "\n\n".join(_line(sentence) for sentence in in_words(distribution_of(report), ENGLISH))


def _provenance(page: Page) -> Iterator[str]:
    yield _heading("provenance")
    yield _pairs(page.provenance)
    yield _files(page.files)


def _files(files: Sequence[FileRow]) -> str:
    rows = [(_name(file.name), file.size, escaped(file.digest), file.scope) for file in files]
    return _table(("name", "size", "digest", "digest_scope"), rows, ("size",))
