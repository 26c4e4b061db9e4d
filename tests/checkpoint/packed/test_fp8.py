"""8-bit floats are multiplied with the scale of their block, row or tensor, and of nothing that fits no such grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.checkpoint.packed.fp8 import Fp8Scaled
from tests.checkpoint.packed.stored_arrays import Arrays, all_of, info, info_of, worked_out

ONE, MINUS_TWO = 0x38, 0xC0
"""Of four bits of exponent and three of fraction (OCP 8-bit floating point, E4M3)."""


def scaled(shape: tuple[int, ...], scale: NDArray[np.float32], sides: tuple[int, ...] = ()) -> tuple[Fp8Scaled, Arrays]:
    """A weight of ones, all but its last value, which is minus two."""
    values = np.full(shape, ONE, np.uint8)
    values.flat[-1] = MINUS_TWO
    arrays: Arrays = {"w": values, "w_scale": scale}
    found = Fp8Scaled.of(info_of(arrays, "w", "F8_E4M3"), info_of(arrays, "w_scale"), sides)
    assert found is not None
    return found, arrays


def numbered(*shape: int) -> NDArray[np.float32]:
    """Scales that are all different."""
    return np.arange(2, 2 + np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "scale", "sides", "rows", "columns"),
    [
        ((6, 8), (), (), 6, 8),
        ((6, 8), (1,), (), 6, 8),
        ((6, 8), (6, 1), (), 1, 8),
        ((6, 8), (6,), (), 1, 8),
        ((6, 8), (2, 4), (), 3, 2),
        ((6, 8), (2, 3), (4, 3), 4, 3),
        ((200, 140), (2, 2), (), 128, 128),
        ((200, 140), (2, 2), (128, 128), 128, 128),
    ],
)
def test_every_value_has_the_scale_of_its_block(
    shape: tuple[int, int], scale: tuple[int, ...], sides: tuple[int, ...], rows: int, columns: int
) -> None:
    """One for all, one a row, blocks that divide the sides or are cut off at the end, as the config says or usual."""
    packed, arrays = scaled(shape, numbered(*scale), sides)
    found = all_of(packed, arrays)
    scales = numbered(*scale).reshape(-(-shape[0] // rows), -(-shape[1] // columns))
    expected = np.kron(scales, np.ones((rows, columns), np.float32))[: shape[0], : shape[1]]
    expected[-1, -1] *= -2.0
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


def test_every_matrix_of_a_stack_has_its_own_blocks() -> None:
    """Experts one behind the other, with blocks or with rows."""
    for scale, repeats in (
        (numbered(2, 3, 2), (1, 2, 4)),
        (numbered(2, 6, 1), (1, 1, 8)),
        (numbered(2, 1, 1), (1, 6, 8)),
    ):
        packed, arrays = scaled((2, 6, 8), scale)
        expected = np.kron(scale, np.ones(repeats, np.float32))
        expected[-1, -1, -1] *= -2.0
        np.testing.assert_array_equal(all_of(packed, arrays), expected)


@given(st.integers(0, 95), st.integers(1, 96))
def test_a_run_has_the_values_of_the_whole(start: int, length: int) -> None:
    """Wherever it begins and ends, within rows, blocks and matrices."""
    packed, arrays = scaled((2, 6, 8), numbered(2, 2, 3), (4, 3))
    stop = min(96, start + length)
    np.testing.assert_array_equal(worked_out(packed, arrays, start, stop), all_of(packed, arrays).ravel()[start:stop])


def test_one_value_needs_one_row_of_scales() -> None:
    """Its own byte, and the scales of the blocks beside it."""
    packed, _ = scaled((200, 140), numbered(2, 2))
    assert [(run.tensor.name, run.start, run.stop) for run in packed.runs(199 * 140, 199 * 140 + 1)] == [
        ("w", 199 * 140, 199 * 140 + 1),
        ("w_scale", 8, 16),
    ]


@pytest.mark.parametrize(
    ("shape", "scale", "sides"),
    [
        ((8,), (8,), ()),
        ((0, 8), (1,), ()),
        ((6, 8), (5, 1), ()),
        ((6, 8), (2, 2, 2), ()),
        ((6, 8), (7, 8), ()),
        ((6, 8), (2, 2), (2, 2)),
        ((6, 8), (2, 2), (0, 0)),
        ((6, 8), (4, 1), ()),
        ((2, 6, 8), (3, 3, 4), ()),
    ],
)
def test_scales_that_do_not_fit(shape: tuple[int, ...], scale: tuple[int, ...], sides: tuple[int, ...]) -> None:
    """No matrix, no values, more blocks than rows, blocks of another size than the config says: nothing is made up."""
    assert Fp8Scaled.of(info("w", "F8_E4M3", *shape), info("w_scale", "F32", *scale), sides) is None


@pytest.mark.parametrize("sides", [(128, 128), ()])
def test_blocks_go_before_one_scale_a_row(sides: tuple[int, ...]) -> None:
    """Eight rows and eight blocks of columns have as many scales; the usual blocks are meant, as the config says."""
    packed = Fp8Scaled.of(info("w", "F8_E4M3", 8, 1024), info("w_scale", "F32", 1, 8), sides)
    assert packed is not None
    assert (packed.grid, packed.block) == ((1, 8), (8, 128))
    rows = Fp8Scaled.of(info("w", "F8_E4M3", 8, 1024), info("w_scale", "F32", 8, 1), sides)
    assert rows is not None
    assert (rows.grid, rows.block) == ((8, 1), (1, 1024))
