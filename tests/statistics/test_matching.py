"""The nearest of many, and one partner for each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from independence_audit.statistics.matching import Match, match

COSINES = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0]))
)


@given(COSINES)
def test_each_finds_its_nearest(cosines: np.ndarray) -> None:
    """The place holds the row's largest cosine, the first of equal ones."""
    found = match(cosines)
    for row, place, cosine in zip(cosines.tolist(), found.place.tolist(), found.cosine.tolist(), strict=True):
        assert cosine == max(row)
        assert place == row.index(cosine)


def test_each_partner_is_taken_once() -> None:
    """Of two units with one nearest the closer keeps it."""
    i, j = Match(np.array([3, 3, 1]), np.array([0.2, 0.9, 0.5])).one_to_one()
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(1, 3), (2, 1)]


@given(COSINES)
def test_partners_are_matched_once_and_the_closest_wins(cosines: np.ndarray) -> None:
    """Every place that somebody found has one partner, than which nobody is closer; the closest pair comes first."""
    found = match(cosines)
    i, j = found.one_to_one()
    assert sorted(j.tolist()) == sorted(set(found.place.tolist()))
    assert len(set(i.tolist())) == len(i)
    assert np.array_equal(found.place[i], j)
    for unit, place in zip(i.tolist(), j.tolist(), strict=True):
        assert found.cosine[unit] == found.cosine[found.place == place].max()
    assert list(found.cosine[i]) == sorted(found.cosine[i], reverse=True)


def test_of_equally_close_units_the_first_stays() -> None:
    """Ties are broken by the order of the units, so that two runs choose alike."""
    many = Match(np.array([2, 2, 2, 0] * 50), np.tile([0.5, 0.25], 100))  # few would stay in order by any sorting
    i, j = many.one_to_one()
    assert (i.tolist(), j.tolist()) == ([0, 3], [2, 0])
