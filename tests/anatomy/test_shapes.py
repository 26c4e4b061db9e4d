"""Shapes say which axes are outputs, inputs and taps, and which sizes are hidden widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy.shapes import (
    axis_order,
    column_axis,
    hidden_widths,
    outputs_and_inputs,
    recurrent_layer,
)
from tests.anatomy.gather import tensor

SIZES = st.lists(st.sampled_from([1, 3, 5, 11, 12, 40, 64, 300]), max_size=5)


@given(SIZES)
def test_a_shape_read_backwards_has_its_sides_backwards(shape: list[int]) -> None:
    """A kernel stored [taps, in, out] has the outputs and inputs of the same one stored [out, in, taps]."""
    plain = outputs_and_inputs(shape, inputs_first=False)
    turned = outputs_and_inputs(shape[::-1], inputs_first=True)
    last = len(shape) - 1
    assert turned == (None if plain is None else (last - plain[0], last - plain[1]))


@pytest.mark.parametrize(
    ("shape", "inputs_first", "sides"),
    [
        ((64, 40), False, (0, 1)),
        ((64, 40), True, (1, 0)),
        ((64, 40, 3), False, (0, 1)),
        ((3, 40, 64), True, (2, 1)),
        ((8, 128, 16), False, None),
        ((64, 40, 3, 3), True, (0, 1)),
        ((3, 3, 40, 64), False, (3, 2)),
        ((3, 3, 3, 10), False, (3, 2)),
        ((40, 40, 40, 40), False, None),
        ((40,), False, None),
        ((), False, None),
    ],
)
def test_sides_of_matrices_and_kernels(
    shape: tuple[int, ...],
    inputs_first: bool,  # noqa: FBT001  a case's parameter
    sides: tuple[int, int] | None,
) -> None:
    """Small square ends are taps and tell how a kernel is stored; where they do not tell, the other kernels do."""
    assert outputs_and_inputs(shape, inputs_first=inputs_first) == sides


def test_what_one_tensor_writes_and_another_reads_is_a_width() -> None:
    """Classes and pixels stand on one side only; what recurs in matrices there may be a width, once it is large."""
    found = hidden_widths(
        [tensor("a", 300, 784), tensor("a.bias", 300), tensor("b", 10, 300), tensor("c", 50, 784), tensor("d", 3, 3)]
    )
    assert found.inner == {300}
    assert found.outer == {784}
    assert found.one_sided == {784, 10, 50}
    assert (found.tensors[300], found.tensors[784], found.tensors[7]) == (3, 2, 0)
    assert not found.inputs_first


def test_most_kernels_tell_how_all_are_stored() -> None:
    """Two kernels [taps, in, out] against one make a checkpoint that stores inputs first."""
    first, last = tensor("a", 3, 3, 40, 64), tensor("b", 64, 40, 3, 3)
    assert hidden_widths([first, first, last]).inputs_first
    assert not hidden_widths([first, last, last]).inputs_first
    assert not hidden_widths([]).inputs_first


@given(SIZES, st.booleans())
def test_an_order_of_axes_has_every_axis_once(shape: list[int], inputs_first: bool) -> None:  # noqa: FBT001
    """Outputs and inputs stand in front where there are any; nothing is lost."""
    kernel = tensor("k", 3, 3, 40, 64) if inputs_first else tensor("k", 64, 40, 3, 3)
    widths = hidden_widths([kernel])
    order = axis_order(shape, widths)
    assert sorted(order) == list(range(len(shape)))
    sides = outputs_and_inputs(shape, inputs_first=inputs_first)
    assert sides is None or order[:2] == sides


def test_columns_run_along_a_sure_width_before_a_likely_one() -> None:
    """Inputs before outputs, of unsure sizes the smaller; of other shapes the last axis, or the commonest width."""
    widths = hidden_widths(
        [tensor("a", 64, 40), tensor("b", 40, 64), tensor("c", 5000, 300), tensor("d", 5000, 300), tensor("e", 64, 40)]
    )
    assert column_axis((64, 40), widths) == 1
    assert column_axis((64, 7), widths) == 0
    assert column_axis((5000, 300), widths) == 1
    assert column_axis((300, 5000), widths) == 0
    assert column_axis((10, 7), widths) is None
    assert column_axis((64, 99, 40), widths) == 2
    assert column_axis((64, 40, 99), widths) == 1
    assert column_axis((), widths) is None


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("rnn.weight_ih_l0", (("rnn",), "_l0")),
        ("rnn.bias_hh_l1_reverse", (("rnn",), "_l1_reverse")),
        ("a/cell/weight_hh", (("a", "cell"), "")),
        ("rnn.my_weight_hh", None),
        ("weight_hh.x", None),
        ("rnn.weight_hr_l0", None),
    ],
)
def test_names_of_recurrent_layers(name: str, layer: tuple[tuple[str, ...], str] | None) -> None:
    """All tensors of one layer and direction have one name; what only contains the words has none."""
    assert recurrent_layer(name) == layer


def test_gates_of_recurrent_layers() -> None:
    """Their hidden matrix tells how many they are; a shape of no known cell tells nothing."""
    tensors = [
        tensor("lstm.weight_hh_l0", 200, 50),
        tensor("gru.weight_hh_l0", 150, 50),
        tensor("odd.weight_hh", 99, 50),
    ]
    found = hidden_widths([*tensors, tensor("lstm.weight_ih_l0", 200, 7)])
    assert found.gates == {(("lstm",), "_l0"): (4, 50), (("gru",), "_l0"): (3, 50)}
    assert 50 in found.inner
    assert not {200, 150} & (found.inner | found.outer)
