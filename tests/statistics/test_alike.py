"""Directions are alike beyond chance, however many units and however few dimensions there are."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.statistics.alike import ALIKE, count_alike, least_cosine
from independence_audit.statistics.anchors import unit_rows
from independence_audit.statistics.matching import Match, match


@pytest.mark.parametrize(("units", "dimensions"), [(500, 24), (5000, 48), (20000, 96), (20000, 192)])
def test_units_at_random_are_not_alike(units: int, dimensions: int) -> None:
    """The best of all units, for each of hundreds, stays below what is asked for but for one in a hundred."""
    random = np.random.default_rng(1)
    few, every = (unit_rows(random.normal(size=(count, dimensions))) for count in (300, units))
    assert count_alike(match(few @ every.T), least_cosine(units, dimensions)) <= 3


def test_more_units_or_fewer_dimensions_ask_for_more() -> None:
    """And never less than what copies show."""
    assert least_cosine(10, 10**6) == ALIKE
    assert least_cosine(10**6, 48) > least_cosine(10**3, 48) > least_cosine(10**3, 192) == ALIKE


def test_a_unit_counts_once() -> None:
    """However many are matched with it."""
    found = Match(np.array([4, 4, 4, 7, 9]), np.array([0.9, 0.8, 0.7, 0.6, 0.1]))
    assert count_alike(found, 0.5) == 2
