"""The report as Markdown, read back by a Markdown parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from independence_audit.evidence.measurement import Message
from independence_audit.report.markdown import fenced, render
from independence_audit.report.plain import escaped, visible
from tests.report.sample_reports import SAMPLES, finding

PARSER = MarkdownIt("commonmark").enable("table")


def tokens(markdown: str) -> Iterator[Any]:
    """All tokens of a document, inline ones included."""
    for token in PARSER.parse(markdown):
        yield token
        yield from token.children or ()


@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_but_tables_lists_and_headings(sample: str) -> None:
    """No name becomes a link, an image, code or HTML; the only HTML is the line break inside cells."""
    for token in tokens(render(SAMPLES[sample]())):
        assert not token.type.startswith(("link", "image", "code_inline", "html_block", "code_block", "hr", "lheading"))
        if token.type == "html_inline":
            assert token.content == "<br>"


@pytest.mark.parametrize("sample", SAMPLES)
def test_tables_keep_their_columns(sample: str) -> None:
    """Every row of a table has as many cells as its head: no name ends a cell."""
    columns = cells = 0
    for token in PARSER.parse(render(SAMPLES[sample]())):
        columns = 0 if token.type == "thead_open" else columns + (token.type == "th_open")
        cells = 0 if token.type == "tr_open" else cells + (token.type == "td_open")
        if token.type == "tr_close":
            assert cells in {0, columns}


@given(st.text())
def test_escaped_text_is_read_back_as_it_was(text: str) -> None:
    """What is escaped is shown as it was, as plain text, in a cell and in a line."""
    shown = visible(text)
    (paragraph,) = [t for t in PARSER.parse(f"x {escaped(shown)} x") if t.type == "inline"]
    assert {child.type for child in paragraph.children or ()} == {"text"}
    assert "".join(child.content for child in paragraph.children or ()) == f"x {shown} x"


@pytest.mark.parametrize(
    "text", ["https://example.org", "www.example.org", "WWW.example.org", "a@example.org", "@someone"]
)
def test_bare_links_and_mentions_are_broken_up(text: str) -> None:
    """What GitHub would turn into a link or a mention without any mark is not written as such."""
    assert not any(mark in escaped(text).lower() for mark in ("://", "www.", "@"))


@pytest.mark.parametrize("start", ["- x", "+ x", "1. x", "12) x", "# x", "> x", "=== x", "* x"])
def test_lines_that_begin_with_a_name_stay_lines(start: str) -> None:
    """A fact that begins with a list's mark begins no list."""
    report = finding()
    fact = Message("fact.related", {"component": start, "reference": "R", "r": 0.9, "p": 0.0})
    rendered = render(replace(report, opinion=replace(report.opinion, facts=(fact,))))
    (paragraph,) = [
        t
        for t in PARSER.parse(rendered)
        if t.type == "inline" and "shares weights or an initial draw with R" in t.content
    ]
    assert "".join(child.content for child in paragraph.children or ()).startswith(start)
    assert paragraph.level == 3


@given(st.text())
def test_commands_stay_in_their_block(text: str) -> None:
    """Whatever a command holds, it is one block of code that shows it."""
    shown = visible(text)
    (block,) = PARSER.parse(fenced(shown))
    assert (block.type, block.content) == ("fence", f"{shown}\n")
