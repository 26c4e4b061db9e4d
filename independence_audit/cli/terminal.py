"""A terminal as rich sees it, whatever the environment says of its size."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

NARROWEST, WIDEST = 40, 400
"""Columns. In fewer, words and figures no longer fit a line; a wider table is filled with spaces that nobody sees."""


def terminal_on(stream: TextIO) -> Console:
    """A terminal of a width that a report can be read in.

    rich takes COLUMNS as it is: it prints nothing at all in 0 columns.
    """
    from rich.console import Console

    size = get_terminal_size()
    return Console(file=stream, width=min(max(size.columns, NARROWEST), WIDEST), height=max(size.lines, 1))
