"""Runs and stretches of a reference's rows, found wherever they stand in other values; chance finds none."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.lineage import windows as looking
from independence_audit.lineage.windows import (
    LONGEST,
    MOST_PLACES,
    SHORTEST,
    WINDOW,
    Hits,
    Segments,
    Windows,
    codes_of,
    standard,
    stretch_of,
)
from tests.lineage.hand_made import noise, sample_of

ROWS, COLUMNS = 8, 256
TARGET = sample_of(noise(ROWS, COLUMNS, seed=1))


def planted(values: np.ndarray, at: int, stride: int = 1, size: int = 20_000) -> np.ndarray:
    """Unrelated values with some of one's own among them, each ``stride`` from the next."""
    around = noise(size, seed=99)
    around[at : at + stride * len(values) : stride] = values
    return around


@pytest.mark.parametrize("stride", [1, 3, 64])
def test_a_run_is_found_wherever_it_stands(stride: int) -> None:
    """Each of its places says which row and column of the reference stands there."""
    row = TARGET.values()[3]
    hits = Windows([TARGET]).find(codes_of(planted(row, 1234, stride)), stride)
    assert len(hits) >= 4
    assert set(hits.row.tolist()) == {3}
    assert np.array_equal(hits.place, 1234 + stride * hits.column)


def test_a_cast_is_found_and_a_change_is_not() -> None:
    """Both sides are rounded to bfloat16 first."""
    row = TARGET.values()[3]
    windows = Windows([TARGET])
    assert len(windows.find(codes_of(planted(row.astype(np.float16).astype(np.float32), 5)), 1)) > 0
    assert len(windows.find(codes_of(planted(row * np.float32(1.01), 5)), 1)) == 0


def test_chance_finds_no_run() -> None:
    """Nor do constants, zeros and masks, which hold too little."""
    windows = Windows([TARGET])
    assert len(windows.find(codes_of(noise(200_000, seed=5)), 1)) == 0
    flat = sample_of(np.tile(np.array([0.0, 1.0], np.float32), (ROWS, COLUMNS // 2)))
    assert len(Windows([flat])) == 0
    assert len(Windows([])) == 0
    assert len(windows.find(codes_of(noise(WINDOW - 1, seed=1)), 1)) == 0


def test_columns_are_counted_in_the_whole_matrix() -> None:
    """Of a sample that begins within its rows; so are those of stretches."""
    row = noise(1, 4 * COLUMNS, seed=3)[0]
    sample = sample_of(row[None, COLUMNS : 3 * COLUMNS], start=COLUMNS, stop=3 * COLUMNS, shape=(1, 4 * COLUMNS))
    assert stretch_of(4 * COLUMNS) == COLUMNS
    values = planted(row, 4 * COLUMNS)
    for hits in (Windows([sample]).find(codes_of(values), 1), Segments([sample]).find(values, 1)):
        assert set((hits.place - hits.column).tolist()) == {4 * COLUMNS}
        assert hits.column.min() == COLUMNS
        assert 2 * COLUMNS <= hits.column.max() < 3 * COLUMNS


def test_a_table_that_repeats_a_row_has_a_few_of_its_places() -> None:
    """The first ones of each run."""
    row, times = TARGET.values()[3], 3 * MOST_PLACES
    hits = Windows([TARGET]).find(codes_of(np.tile(row, times)), 1)
    for column in set(hits.column.tolist()):
        places = hits.place[hits.column == column]
        assert places.tolist() == [column + time * COLUMNS for time in range(MOST_PLACES)]


STRETCHES_OF = (2, 6)
"""The rows of TARGET, a quarter and three quarters down, of which stretches are looked for: both halves of each."""


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_stretch_is_found_after_training(stride: int, sign: int) -> None:
    """At multiples of its length, whatever its sign; r = 0.9 is enough, and chance is not."""
    segments, length = Segments([TARGET]), stretch_of(COLUMNS)
    assert segments.work == len(STRETCHES_OF) * COLUMNS // length
    at = 8 * length * stride + stride // 2
    for number, row in enumerate(TARGET.values()):
        changed = sign * (0.9 * row + np.sqrt(1 - 0.81) * noise(COLUMNS, seed=7))
        hits = segments.find(planted(changed.astype(np.float32), at, stride), stride)
        expected = {(number, at)} if number in STRETCHES_OF else set()
        assert set(zip(hits.row.tolist(), (hits.place - stride * hits.column).tolist(), strict=True)) == expected
    assert len(segments.find(noise(50_000, seed=8), stride)) == 0


def test_stretches_are_multiplied_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which costs no place, however few."""
    stride = 3
    segments, at = Segments([TARGET]), 5 * stride * stretch_of(COLUMNS)
    values = planted(TARGET.values()[STRETCHES_OF[0]], at, stride)
    together = segments.find(values, stride)
    monkeypatch.setattr(looking, "TOGETHER", 5)
    apart = segments.find(values, stride)
    assert len(together) > 0
    assert sorted(apart.place.tolist()) == sorted(together.place.tolist())


def test_a_sample_without_a_whole_stretch_has_none() -> None:
    """Fewer columns than a stretch is long: nothing is looked for, and nothing found."""
    segments = Segments([sample_of(noise(4, 100, seed=3), start=100, stop=200, shape=(4, 5000))])
    assert segments.work == 0
    assert len(segments.find(noise(20_000, seed=4), 1)) == 0


@pytest.mark.parametrize("columns", [33, 64, 96, 128, 1000, 4096, 5000])
def test_a_stretch_fits_its_row(columns: int) -> None:
    """Never longer than the row or than the longest."""
    assert min(columns, SHORTEST) <= stretch_of(columns) <= min(columns, LONGEST)


def test_rows_are_compared_as_unit_vectors() -> None:
    """About their means; a constant, and what is no number, is zero."""
    rows = noise(3, 64, seed=2)
    rows[1], rows[2, 0] = 7.0, np.nan
    unit = standard(rows)
    assert np.linalg.norm(unit[0]) == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(unit[0], standard(rows[:1] * 5 + 3)[0], atol=1e-4)
    assert not unit[1:].any()


def test_no_outlier_carries_a_stretch() -> None:
    """Two rows that share nothing but one large value are far less alike than by their plain correlation."""
    first, second = noise(1, COLUMNS, seed=1), noise(1, COLUMNS, seed=2)
    first[0, 7] = second[0, 7] = 2.0
    plain = np.corrcoef(first[0], second[0])[0, 1]
    assert plain > 0.97
    assert (standard(first) @ standard(second).T).item() < 0.7


def test_hits_are_kept_by_matrix_and_counted_on() -> None:
    """Those of one matrix, and the places of a later piece."""
    hits = Hits(*(np.array([first, 1, 2]) for first in (0, 5, 6, 7)))
    assert hits.of(1).place.tolist() == [1]
    assert hits.moved(100).place.tolist() == [107, 101, 102]
    assert len(Hits.joined([hits, hits])) == 6
    assert len(Hits.joined([])) == len(Hits.none()) == 0
