"""Blocks of a report: which of them, and which of their columns, a place shows."""

from __future__ import annotations

import pytest

from independence_audit.report.blocks import Column, Point, Points, Table, Where, points

COLUMNS = (Column("component"), Column("z", number=True, where=Where.MARKDOWN), Column("note", where=Where.TERMINAL))


@pytest.mark.parametrize("place", Where)
def test_what_is_for_everything_is_shown_in_every_place(place: Where) -> None:
    """And what is for one place, in that place."""
    assert place in Where.EVERYWHERE
    assert place in Where[place.name]


def test_what_is_for_one_place_is_in_no_other() -> None:
    """Nor does it become a block for everything."""
    assert Where.TERMINAL not in Where.MARKDOWN
    assert Where.MARKDOWN not in Where.TERMINAL
    assert Where.EVERYWHERE not in Where.TERMINAL


@pytest.mark.parametrize(
    ("place", "shown"),
    [(Where.TERMINAL, [0, 2]), (Where.MARKDOWN, [0, 1]), (Where.EVERYWHERE, [0])],
)
def test_a_table_shows_the_columns_of_a_place(place: Where, shown: list[int]) -> None:
    """By their numbers, which are those of the cells in each row."""
    assert Table(COLUMNS, (("tower", "1.2", "only there"),)).shown(place) == shown


def test_sentences_become_points_in_their_order() -> None:
    """With a title and numbers where these are asked for, from a list as from a tuple."""
    assert points(["first", "second"], title="Limits", numbered=True) == Points(
        (Point("first"), Point("second")), "Limits", numbered=True
    )
    assert points(("first",)) == points(["first"]) == Points((Point("first"),))
