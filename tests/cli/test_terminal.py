"""What goes to a terminal beside the report: progress, errors with their ways out, and notes."""

from __future__ import annotations

import io

import click
import pytest

from independence_audit.cli.terminal import NARROWEST, WIDEST, note, progress_on, show_error, show_usage, terminal_on
from independence_audit.errors import MissingError


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize(
    ("stream", "enabled"), [(io.StringIO(), True), (Terminal(), False)], ids=["no terminal", "quiet"]
)
def test_progress_is_for_terminals_that_want_it(stream: io.StringIO, enabled: bool) -> None:  # noqa: FBT001
    """A log file gets none of it."""
    with progress_on(stream, enabled=enabled) as progress:
        progress.step("reading", 1, 2)
    assert stream.getvalue() == ""


def test_every_stage_is_shown_as_what_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither markup nor control characters of a model's name are obeyed."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    with progress_on(terminal, enabled=True) as progress:
        progress.step("reading [red]a\x1b]0;owned\x07", 1, 2)
        progress.step("comparing", 2, 2)
    shown = terminal.getvalue()
    assert "reading [red]a\\u001b]0;owned\\u0007" in shown
    assert "comparing" in shown
    assert " 50%" in shown
    assert "100%" in shown


@pytest.mark.parametrize(
    ("said", "width"),
    [("1", NARROWEST), ("72", 72), ("400", WIDEST), ("99999999", WIDEST)],
)
def test_a_terminal_has_a_width_to_read_in(said: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says of it."""
    monkeypatch.setenv("COLUMNS", said)
    monkeypatch.setenv("LINES", "-3")
    console = terminal_on(io.StringIO())
    assert console.width == width
    assert console.height >= 1


def test_an_error_stands_before_its_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, each on one line, with what it is about in front; without a hint, or a sentence, there is no line."""
    show_error(MissingError("There is no a\nb.", "Check the path."), "qwen")
    show_error(MissingError("There is nothing."))
    show_error(MissingError(""))
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        "error: qwen: There is no a\\u000ab.",
        "hint: Check the path.",
        "error: There is nothing.",
    ]
    assert shown.out == ""


def test_wrong_usage_is_worded_by_click_and_made_visible(capsys: pytest.CaptureFixture[str]) -> None:
    """With the usage of the command where there is one."""
    command = click.Command("look", params=[click.Option(["--at"], required=True)])
    with pytest.raises(click.UsageError) as caught:
        command.main(["--\x1b[31m"], prog_name="look", standalone_mode=False)
    show_usage(caught.value)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Usage: look [OPTIONS]"
    assert "31m" in lines[-1]
    assert all(line.isprintable() for line in lines)


def test_a_note_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever stands in it; an empty one leaves a line free."""
    note("a\nerror: all is well\u202e")
    note("")
    assert capsys.readouterr().err == "a\\u000aerror: all is well\\u202e\n\n"
