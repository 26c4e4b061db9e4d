"""4-bit codes are looked up in a table and scaled by their block, whatever run of them is asked for."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.packed.codes import MXFP4_VALUES, Bitsandbytes, Mxfp4, Nested
from independence_audit.checkpoint.tensors import Packed
from tests.checkpoint.packed.stored_arrays import Arrays, all_of, info, info_of, worked_out

PLAIN: Arrays = {
    "w": np.array([[0x12], [0x34], [0x56], [0x70]], np.uint8),
    "absmax": np.array([10.0, 100.0, 1000.0], np.float32),
    "table": np.arange(16, dtype=np.float32),
}
"""Seven codes, the high half of a byte first, in blocks of three; the last half of the last byte is not used."""

NESTED: Arrays = {
    **PLAIN,
    "absmax": np.array([0, 1, 2], np.uint8),
    "outer": np.array([10.0, 7.0], np.float32),
    "inner": np.arange(256, dtype=np.float32) + 1.0,
}
"""The scales of these codes as codes themselves, two of them to a scale of their own."""

BLOCKS = np.random.default_rng(1).integers(0, 256, (2, 3, 2, 16), np.uint8)
MX: Arrays = {"w_blocks": BLOCKS, "w_scales": np.array([[[127, 128], [126, 130], [0, 200]]] * 2, np.uint8)}


def plain() -> Bitsandbytes:
    """The weight [7] of the plain codes."""
    stored = tuple(info_of(PLAIN, name) for name in PLAIN)
    return Bitsandbytes("w", (7,), stored, 3, None, "nf4")


def nested() -> Bitsandbytes:
    """The weight [7] whose scales are codes."""
    nest = Nested(info_of(NESTED, "outer"), info_of(NESTED, "inner"), 2, 0.5)
    stored = tuple(info_of(NESTED, name) for name in NESTED)
    return Bitsandbytes("w", (7,), stored, 3, nest, "nf4")


def mxfp4() -> Mxfp4:
    """A stack [2, 3, 64]."""
    found = Mxfp4.of("w", info_of(MX, "w_blocks"), info_of(MX, "w_scales"))
    assert found is not None
    return found


def test_codes_by_their_table_and_scale() -> None:
    """The high half of a byte comes first; every block has its scale."""
    np.testing.assert_array_equal(all_of(plain(), PLAIN), [10, 20, 30, 400, 500, 600, 7000])


def test_scales_that_are_codes_themselves() -> None:
    """A scale is its own table's value times the outer scale of its block, and the offset."""
    scales = [1.0 * 10 + 0.5, 2.0 * 10 + 0.5, 3.0 * 7 + 0.5]
    expected = [code * scales[place // 3] for place, code in enumerate((1, 2, 3, 4, 5, 6, 7))]
    np.testing.assert_array_equal(all_of(nested(), NESTED), expected)


def test_microscaling_blocks() -> None:
    """32 codes to a scale, the low half of a byte first; a scale is a power of two with its bias."""
    found = all_of(mxfp4(), MX)
    assert found.shape == (2, 3, 64)
    for place in np.ndindex(found.shape):
        *row, column = place
        byte = int(BLOCKS[(*row, column // 32, column % 32 // 2)])
        code = byte >> 4 if column % 2 else byte & 15
        assert found[place] == MXFP4_VALUES[code] * 2.0 ** (int(MX["w_scales"][(*row, column // 32)]) - 127)


@given(st.sampled_from(["plain", "nested", "mxfp4"]), st.data())
def test_a_run_has_the_values_of_the_whole(which: str, data: st.DataObject) -> None:
    """Wherever it begins and ends, within bytes and blocks."""
    kinds: dict[str, tuple[Packed, Arrays]] = {
        "plain": (plain(), PLAIN),
        "nested": (nested(), NESTED),
        "mxfp4": (mxfp4(), MX),
    }
    packed, arrays = kinds[which]
    size = prod(packed.shape)
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    np.testing.assert_array_equal(worked_out(packed, arrays, start, stop), all_of(packed, arrays).ravel()[start:stop])


def test_one_value_needs_few_bytes() -> None:
    """A code's byte, its scale and the tables, not the whole weight."""

    def sizes(packed: Packed) -> list[int]:
        return [run.size for run in packed.runs(4, 5)]

    assert sizes(plain()) == [1, 4, 64]
    assert sizes(nested()) == [1, 1, 64, 4, 1024]
    assert sizes(mxfp4()) == [1, 1]


@pytest.mark.parametrize(
    ("blocks", "scales"),
    [((3, 2, 16), (3, 3)), ((3, 2, 8), (3, 2)), ((2, 16), (2,)), ((0, 2, 16), (0, 2)), ((3, 0, 16), (3, 0))],
)
def test_blocks_and_scales_that_do_not_fit(blocks: tuple[int, ...], scales: tuple[int, ...]) -> None:
    """A scale too many, half a block, no matrix, no values: nothing is made up."""
    assert Mxfp4.of("w", info("w_blocks", "U8", *blocks), info("w_scales", "U8", *scales)) is None


def test_the_largest_scales_overflow_and_the_last_is_no_number() -> None:
    """Without a warning: what cannot be had is infinite or no number, and is left out where values are compared."""
    arrays: Arrays = {
        "w_blocks": np.full((1, 2, 16), 0x77, np.uint8),
        "w_scales": np.array([[254, 255]], np.uint8),
    }
    packed = Mxfp4.of("w", info_of(arrays, "w_blocks"), info_of(arrays, "w_scales"))
    assert packed is not None
    values = all_of(packed, arrays).ravel()
    assert np.isinf(values[:32]).all()
    assert np.isnan(values[32:]).all()
