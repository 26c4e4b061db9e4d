"""Runs and stretches of a reference's rows, found wherever they stand in other values; chance finds none."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.lineage.windows import (
    LONGEST,
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


@pytest.mark.parametrize("stride", [1, 4])
def test_a_stretch_is_found_after_training(stride: int) -> None:
    """At multiples of its length; r = 0.9 is enough, and chance is not."""
    segments, length = Segments([TARGET]), stretch_of(COLUMNS)
    rows = {int(row) for bank in segments._banks.values() for row in bank.places[:, 1]}
    row = TARGET.values()[min(rows)]
    changed = 0.9 * row + np.sqrt(1 - 0.81) * noise(COLUMNS, seed=7)
    hits = segments.find(planted(changed.astype(np.float32), 8 * length * stride, stride), stride)
    assert min(rows) in hits.row.tolist()
    assert len(segments.find(noise(50_000, seed=8), stride)) == 0
    assert segments.work == sum(len(bank.vectors) for bank in segments._banks.values()) > 0


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


def test_hits_are_kept_by_matrix_and_counted_on() -> None:
    """Those of one matrix, and the places of a later piece."""
    hits = Hits(*(np.array([first, 1, 2]) for first in (0, 5, 6, 7)))
    assert hits.of(1).place.tolist() == [1]
    assert hits.moved(100).place.tolist() == [107, 101, 102]
    assert len(Hits.joined([hits, hits])) == 6
    assert len(Hits.joined([])) == len(Hits.none()) == 0
