"""Runs, stretches and whole matrices of a reference, wherever they stand in a subject's tensors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.layouts import Piece, Reading, laid_out, scattered
from independence_audit.lineage.outcomes import Undone
from independence_audit.lineage.windows import Hits, Segments, Windows, codes_of, stretch_of
from tests.lineage.hand_made import noise, sample_of

ROWS, COLUMNS = 192, 128
MATRIX = noise(ROWS, COLUMNS, seed=1)


def sampled(matrix: NDArray[np.float32], role: str = "q") -> Sample:
    """A few rows of a matrix, as a fingerprint has them."""
    plan = Sampler(values=4096).plan(*matrix.shape)
    rows = matrix[plan.rows]
    return sample_of(rows, rows=plan.rows, shape=matrix.shape, role=role)


TARGET = sampled(MATRIX)


def reading(values: NDArray[np.float32], last: int = 1, name: str = "blob") -> Reading:
    """A tensor in memory."""
    flat = np.ascontiguousarray(values, np.float32).ravel()

    def read(places: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(flat[places])[:, :, None].view(np.uint8)

    return Reading(name, "F32", flat.size, last, as_stored=True, read=read)


def hits_in(values: NDArray[np.float32], stride: int = 1, targets: tuple[Sample, ...] = (TARGET,)) -> Hits:
    """Where both ways of looking see rows of the reference."""
    flat = np.ascontiguousarray(values, np.float32).ravel()
    return Hits.joined([Windows(targets).find(codes_of(flat), stride), Segments(targets).find(flat, stride)])


def piece_of(tensor: Reading, stride: int, hits: Hits) -> Piece:
    """What is laid out in a tensor, which must be something."""
    laid = laid_out(TARGET, tensor, stride, hits)
    assert laid is not None
    return laid[0]


Place = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], int, int]]

LAYOUTS: dict[str, Place] = {
    "flat": lambda w: (w, 1, COLUMNS),
    "behind others": lambda w: (np.concatenate([noise(3, COLUMNS, seed=8), w, noise(5, COLUMNS, seed=9)]), 1, COLUMNS),
    "transposed": lambda w: (w.T, ROWS, ROWS),
    "interleaved": lambda w: (np.stack([w, noise(ROWS, COLUMNS, seed=8)], axis=-1), 2, 2),
    "side by side": lambda w: (np.concatenate([noise(ROWS, COLUMNS, seed=8), w], axis=1), 1, 2 * COLUMNS),
    "reversed rows": lambda w: (w[::-1], 1, COLUMNS),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("noised", [0.0, 0.4])
def test_a_matrix_is_read_wherever_it_stands(layout: str, noised: float) -> None:
    """All sampled rows and columns of it, equal or changed."""
    changed = MATRIX + noised * noise(ROWS, COLUMNS, seed=2)
    values, stride, last = LAYOUTS[layout](changed.astype(np.float32))
    piece = piece_of(reading(values, last), stride, hits_in(values, stride))
    assert piece.shape == (ROWS, COLUMNS)
    assert (piece.measured.undone, piece.measured.rearranged) == (Undone.LAYOUT, True)
    assert piece.measured.numbers.compared_values == TARGET.values().size
    assert piece.measured.test is not None
    assert piece.measured.test.r > 0.85
    assert (piece.measured.numbers.identical_fraction == 1.0) == (noised == 0.0)


def test_a_half_is_read_as_far_as_it_goes() -> None:
    """Columns and rows that were left out are no part of it."""
    columns = np.ascontiguousarray(MATRIX[:, 64:])
    piece = piece_of(reading(columns, 64), 1, hits_in(columns))
    assert piece.shape == (ROWS, 64)
    rows = np.concatenate([MATRIX[:96], noise(96, COLUMNS, seed=3)])
    piece = piece_of(reading(rows, COLUMNS), 1, hits_in(rows))
    assert 64 <= piece.shape[0] <= 128  # the sampled rows are not spread evenly


def test_a_piece_explains_the_rows_that_stand_where_it_has_them() -> None:
    """Not those that stand between: of a matrix with two rows exchanged it leaves these two, if any, to be counted."""
    order = np.arange(ROWS)
    first, second = TARGET.rows[[5, 9]]
    order[[first, second]] = order[[second, first]]
    hits = hits_in(MATRIX[order])
    laid = laid_out(TARGET, reading(MATRIX[order], COLUMNS), 1, hits)
    assert laid is not None
    explained = laid[1]
    assert set(hits.row[~explained].tolist()) == {5, 9}
    assert set(hits.row[explained].tolist()) == set(range(len(TARGET.rows))) - {5, 9}


def test_bits_are_named() -> None:
    """A tensor that is read as another type than its own."""
    bits = reading(MATRIX, COLUMNS)
    bits = Reading(bits.tensor, bits.dtype, bits.size, bits.last, as_stored=False, read=bits.read)
    piece = piece_of(bits, 1, hits_in(MATRIX))
    assert piece.measured.undone == Undone.BIT_PATTERN


@pytest.mark.parametrize("seed", range(5))
def test_strangers_hold_nothing(seed: int) -> None:
    """No run of theirs is equal; what a stretch sees by chance does not go on in other rows."""
    values = noise(512, 256, seed=100 + seed)
    for stride in (1, 2, 128, 256):
        assert not len(Windows((TARGET,)).find(codes_of(values.ravel()), stride))
        assert laid_out(TARGET, reading(values, 256), stride, hits_in(values, stride)) is None


def test_rows_in_another_order_count_where_they_are_equal() -> None:
    """Whatever tensors they stand in; the evidence counts once."""
    order = np.random.default_rng(0).permutation(ROWS)
    halves = np.split(MATRIX[order], 2)
    found = [(reading(half, COLUMNS, f"part{n}"), 1, hits_in(half)) for n, half in enumerate(halves)]
    pieces = scattered(TARGET, found)
    assert {piece.tensor for piece in pieces} == {"part0", "part1"}
    assert sorted(piece.measured.repeated for piece in pieces) == [False, True]
    assert {piece.measured.undone for piece in pieces} == {Undone.SCATTERED_ROWS}
    assert pieces[0].measured.numbers.compared_values == TARGET.values().size
    assert sum(piece.shape[0] for piece in pieces) == ROWS
    few = np.ascontiguousarray(MATRIX[TARGET.rows[:4]])
    assert scattered(TARGET, [(reading(few, COLUMNS), 1, hits_in(few))]) == []


def test_ordered_columns_are_no_finding() -> None:
    """Equal sinusoids stand in every model that has them."""
    angles = np.arange(ROWS)[:, None] / 100 ** (np.arange(COLUMNS) / COLUMNS)
    table = np.sin(angles).astype(np.float32)
    target = sampled(table, role="generic:table")
    hits = hits_in(table, targets=(target,))
    assert len(hits)
    assert laid_out(target, reading(table, COLUMNS), 1, hits) is None
    assert scattered(target, [(reading(table, COLUMNS), 1, hits)]) == []


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((64, 128)),
        np.ones((64, 128)),
        np.tile(np.arange(4.0), (64, 32)),
        np.sign(noise(64, 128)),
        np.triu(np.full((128, 128), -1e4)),
    ],
)
def test_values_that_hold_little_are_not_looked_for(values: NDArray[np.float64]) -> None:
    """Constants, masks, ternary levels: any model may hold the same."""
    assert len(Windows([sample_of(values.astype(np.float32))])) == 0


def test_types_meet_in_bfloat16() -> None:
    """A value cast to half, single or double precision is found by its bfloat16 neighbour's code."""
    for kind in (np.float16, np.float32, np.float64):
        half = MATRIX.astype(np.float16).astype(kind)
        target = sampled(MATRIX.astype(np.float16).astype(np.float32))
        assert len(Windows((target,)).find(codes_of(np.asarray(half.ravel(), dtype=np.float64)), 1)) > 100


def test_equal_runs_are_looked_at_a_few_times() -> None:
    """A value table that repeats itself costs no more than a few places."""
    repeated = np.tile(MATRIX[TARGET.rows[:1]], (500, 1))
    assert len(Windows((TARGET,)).find(codes_of(repeated.ravel()), 1)) <= 8 * 8


@pytest.mark.parametrize(
    ("columns", "length"), [(64, 32), (128, 64), (192, 64), (576, 64), (896, 128), (4096, 256), (100, 100), (50, 50)]
)
def test_stretches_fill_rows(columns: int, length: int) -> None:
    """Several times where widths allow it."""
    assert stretch_of(columns) == length


def test_too_little_is_nothing() -> None:
    """Fewer values than a run or a stretch."""
    few = np.zeros(7, np.float32)
    assert not len(hits_in(few))
    assert not len(Hits.joined([]))
    assert not len(Windows([]).find(codes_of(MATRIX.ravel()), 1))
    assert Segments([]).work == 0
    narrow = sample_of(noise(16, 4))
    assert len(Windows((narrow,))) == 0
    assert Segments((sample_of(noise(16, 64), start=40, stop=104, shape=(16, 40)),)).work >= 0
