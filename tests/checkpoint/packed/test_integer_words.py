"""Whole numbers in words, less their zero point and times the scale of their group, as three formats store them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.checkpoint.packed.integer_words import ByInputs, ByRows
from tests.checkpoint.packed.stored_arrays import Arrays, all_of, info, info_of, worked_out

UP = 0x76543210
"""The fields 0 to 7."""


def words(*rows: tuple[int, ...]) -> NDArray[np.int32]:
    """Words as files store them."""
    return np.array(rows, np.uint32).view(np.int32)


ROWS: Arrays = {
    "packed": words((UP, UP), (UP, UP)),
    "scale": np.array([[1.0, 10.0], [100.0, 1000.0]], np.float32),
    "zero": words((0x21, 0x43)),
}
"""Two outputs of ten inputs in groups of five; what a row's last word holds beyond them is not used."""

FIELDS = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, 1])


def by_rows(*, zero: bool) -> ByRows:
    """The weight [2, 10], with zero points or without."""
    found = ByRows.of(
        "w", (2, 10), info_of(ROWS, "packed"), info_of(ROWS, "scale"), info_of(ROWS, "zero") if zero else None
    )
    assert found is not None
    return found


def test_rows_without_zero_points() -> None:
    """The middle of the range stands for zero; every group has its scale."""
    scales = np.repeat(ROWS["scale"], 5, axis=1)
    np.testing.assert_array_equal(all_of(by_rows(zero=False), ROWS), (FIELDS - 8) * scales)


def test_zero_points_are_packed_along_the_outputs() -> None:
    """Of every group of inputs one word holds those of eight outputs."""
    zeros = np.repeat([[1, 3], [2, 4]], 5, axis=1)
    scales = np.repeat(ROWS["scale"], 5, axis=1)
    packed = by_rows(zero=True)
    np.testing.assert_array_equal(all_of(packed, ROWS), (FIELDS - zeros) * scales)
    np.testing.assert_array_equal(worked_out(packed, ROWS, 13, 17), ((FIELDS - zeros) * scales).ravel()[13:17])
    assert packed.scheme == "int4"


@pytest.mark.parametrize(("bits", "columns"), [(2, 32), (4, 16), (8, 8)])
def test_the_shape_tells_how_many_bits(bits: int, columns: int) -> None:
    """As many fields to a word as inputs."""
    arrays: Arrays = {"packed": words((0xFFFFFFFF, 0xFFFFFFFF)), "scale": np.ones((1, 1), np.float32)}
    found = ByRows.of("w", (1, columns), info_of(arrays, "packed"), info_of(arrays, "scale"), None)
    assert found is not None
    assert found.scheme == f"int{bits}"
    assert set(all_of(found, arrays).ravel()) == {2.0 ** (bits - 1) - 1}


@pytest.mark.parametrize(
    ("shape", "packed", "scale", "zero"),
    [
        ((2, 10), (2, 4), (2, 2), None),
        ((2, 10), (2, 2), (2, 3), None),
        ((2, 10), (2, 2), (3, 2), None),
        ((2, 10), (2, 2), (2, 0), None),
        ((2, 10), (2, 2), (2,), None),
        ((2, 10), (2, 2), (2, 2), (2, 2)),
        ((0, 10), (0, 2), (0, 2), None),
        ((-2, 10), (2, 2), (2, 2), None),
    ],
)
def test_rows_that_do_not_fit(
    shape: tuple[int, int], packed: tuple[int, ...], scale: tuple[int, ...], zero: tuple[int, ...] | None
) -> None:
    """Words, scales or zero points of another number than the shape's: nothing is made up."""
    beside = None if zero is None else info("zero", "I32", *zero)
    assert ByRows.of("w", shape, info("packed", "I32", *packed), info("scale", "F32", *scale), beside) is None


SCALES = np.array([np.arange(1, 9), 10 * np.arange(1, 9)], np.float16)
GPTQ: Arrays = {
    "qweight": words((UP,) * 8, (UP,) * 8),
    "qzeros": words((UP,), (0x11111111,)),
    "scales": SCALES,
    "g_idx": np.array([0, 1] * 8, np.int32),
}
"""Eight outputs of sixteen inputs in two groups: the first eight and the last, or by turns."""

AWQ: Arrays = {"qweight": words(*[(UP,)] * 4), "qzeros": words((0,), (0x11111111,)), "scales": SCALES}
"""Eight outputs of four inputs in two groups."""


def by_inputs(arrays: Arrays, *, ordered: bool = False, second: bool = False) -> ByInputs:
    """A weight [out, in], with groups by an order of their own or one behind the other."""
    qweight, qzeros, scales = (info_of(arrays, name) for name in ("qweight", "qzeros", "scales"))
    order = info_of(arrays, "g_idx") if ordered else None
    found = ByInputs.of("w", (qweight, qzeros, scales), order, second=second)
    assert found is not None
    return found


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_gptq_packs_the_inputs(*, ordered: bool, second: bool) -> None:
    """Turned to [out, in]; the first format's zero points are stored less one, groups stand as g_idx says."""
    group = GPTQ["g_idx"] if ordered else np.repeat([0, 1], 8)
    zeros = np.array([np.arange(8), np.ones(8)])[group] + (0 if second else 1)
    expected = ((np.tile(np.arange(8), 2)[:, None] - zeros) * SCALES[group]).T
    packed = by_inputs(GPTQ, ordered=ordered, second=second)
    np.testing.assert_array_equal(all_of(packed, GPTQ), expected)
    np.testing.assert_array_equal(worked_out(packed, GPTQ, 37, 75), expected.ravel()[37:75])
    assert packed.scheme == "gptq"


def test_awq_packs_the_outputs_in_an_order_of_its_own() -> None:
    """The fields of a word are outputs 0, 2, 4, 6, 1, 3, 5, 7; zero points are stored as they are."""
    field_of_output = np.array([0, 4, 1, 5, 2, 6, 3, 7])
    expected = (field_of_output - np.array([0, 0, 1, 1])[:, None]) * SCALES[[0, 0, 1, 1]]
    packed = by_inputs(AWQ)
    np.testing.assert_array_equal(all_of(packed, AWQ), expected.T)
    np.testing.assert_array_equal(worked_out(packed, AWQ, 6, 7), [expected.T[1, 2]])
    assert packed.scheme == "awq"


def test_one_value_needs_a_word_and_its_groups() -> None:
    """Of GPTQ one word, and zero point and scale of every group: a g_idx may name any."""
    assert [run.size for run in by_inputs(GPTQ).runs(17, 18)] == [4, 4, 4, 2, 2]
    assert sum(run.size for run in by_inputs(GPTQ, ordered=True).runs(17, 18)) == 4 + 8 + 4 + 64


def test_groups_that_are_not_there_are_the_nearest() -> None:
    """A g_idx that points beyond the scales cannot make the audit crash."""
    wild: Arrays = {**GPTQ, "g_idx": np.array([-5, 99] * 8, np.int32)}
    np.testing.assert_array_equal(
        all_of(by_inputs(wild, ordered=True), wild), all_of(by_inputs(GPTQ, ordered=True), GPTQ)
    )


@pytest.mark.parametrize(
    ("qweight", "qzeros", "scales", "order"),
    [
        ((2, 8), (2, 1), (3, 8), None),
        ((2, 8), (2, 2), (2, 7), None),
        ((2, 9), (2, 1), (2, 8), None),
        ((2, 8), (2, 4), (2, 8), None),
        ((2, 8), (3, 1), (3, 8), None),
        ((2, 8), (2, 1), (2, 8), (15,)),
        ((2, 8, 1), (2, 1), (2, 8), None),
        ((0, 8), (2, 1), (2, 8), None),
    ],
)
def test_inputs_that_do_not_fit(
    qweight: tuple[int, ...], qzeros: tuple[int, ...], scales: tuple[int, ...], order: tuple[int, ...] | None
) -> None:
    """Groups, outputs or bits that contradict each other: nothing is made up."""
    stored = info("qweight", "I32", *qweight), info("qzeros", "I32", *qzeros), info("scales", "F16", *scales)
    assert ByInputs.of("w", stored, None if order is None else info("g_idx", "I32", *order), second=False) is None
