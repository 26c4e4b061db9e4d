"""The report as text, in files and in terminals."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from independence_audit.report.languages import KOREAN, LANGUAGES
from independence_audit.report.text import WIDTH, print_report, render
from independence_audit.report.wording import word
from tests.report.sample_reports import SAMPLES, finding


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sample", SAMPLES)
def test_files_are_plain_and_of_fixed_width(sample: str, lang: str) -> None:
    """A file has no colours, no trailing spaces and no line wider than 100 columns, wide characters counted twice."""
    for line in render(SAMPLES[sample](), lang).splitlines():
        assert "\x1b" not in line
        assert line == line.rstrip()
        assert cell_len(line) <= WIDTH


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 132])
def test_terminals_keep_their_width(width: int, lang: str) -> None:
    """In a terminal the report fits the terminal, and nothing of a sentence is cut off."""
    file = StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    print_report(finding(), console, lang)
    lines = file.getvalue().splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert any(word("relation", "identical", lang) in line for line in lines)
    assert "r=0.9826,p<1e-12." in "".join(file.getvalue().split())


def test_korean_columns_stand_below_each_other() -> None:
    """Cells of a table begin in the column of their head, though Hangul takes two columns a syllable."""
    lines = render(finding(), KOREAN).splitlines()
    head = next(line for line in lines if "변경 없음" in line)
    start = cell_len(head[: head.index("관계")])
    rows = [line for line in lines if "Qwen2-Audio   1.0000" in line or "Qwen2.5-VL    0.9826" in line]
    assert [cell_len(row[: row.index(word)]) for row, word in zip(rows, ("동일", "공유"), strict=True)] == [start] * 2


def console(**environment: str) -> tuple[StringIO, Console]:
    """A console that takes its file for a colour terminal."""
    file = StringIO()
    return file, Console(file=file, width=100, force_terminal=True, color_system="standard", _environ=environment)


def test_colour_is_for_terminals_that_want_it() -> None:
    """A terminal gets colours; with NO_COLOR it gets none."""
    file, terminal = console()
    print_report(finding(), terminal)
    assert "\x1b[1;31m" in file.getvalue()
    file, terminal = console(NO_COLOR="1")
    print_report(finding(), terminal)
    assert "\x1b[1;31m" not in file.getvalue()


def test_environment_does_not_reach_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file comes out the same whatever the terminal's variables say."""
    before = render(finding())
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert render(finding()) == before


def test_equal_layers_are_one_line() -> None:
    """Thirty-two identical layers take one line, with the layers that they match."""
    lines = [" ".join(line.split()) for line in render(finding()).splitlines()]
    assert "0 … 31 identical 0 … 31 1.0000 100%" in lines


def test_markup_of_names_is_not_obeyed() -> None:
    """Square brackets and colons in names are shown, not taken for styles and emoji."""
    text = render(SAMPLES["hostile"]())
    assert "[bold]rich[/bold]" in text
    assert ":skull:" in text
