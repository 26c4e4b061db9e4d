"""Components, parts and views are values, and say of themselves what others would have to count."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy.component import Axis, Kind, Part, PartKey, View, is_generic, is_router
from tests.anatomy import decoders
from tests.anatomy.decoders import prefixed
from tests.anatomy.gather import numbered, place_arrays, places

SIDES = st.integers(0, 5)


@given(rows=st.lists(SIDES, max_size=3), columns=SIDES, offset=st.integers(0, 9))
def test_a_view_counts_what_it_shows(rows: list[int], columns: int, offset: int) -> None:
    """Rows, shape and size are those of the places that the view lists, whatever its strides."""
    strides = tuple(range(7, 7 + len(rows)))
    view = View(offset, tuple(rows), strides, columns, 3)
    listed = places(view)
    assert view.shape == (view.row_count, columns) == listed.shape
    assert view.size == listed.size


def test_no_two_parts_have_one_key() -> None:
    """Fused tensors and stacks of experts are told apart by where their views begin, and by the expert."""
    shapes = prefixed("model.", {**decoders.llama((0,)), "layers.0.self_attn.qkv_proj.bias": (100,)})
    shapes |= {"model.layers.0.mlp.experts.gate_up_proj": (3, 2 * 36, decoders.HIDDEN)}
    parts = place_arrays(numbered(shapes)).parts
    assert len({part.key for part in parts}) == len(parts) > len(shapes)
    stacked = [part.key for part in parts if part.expert is not None]
    assert stacked[:2] == [
        PartKey("model.layers.0.mlp.experts.gate_up_proj", 0, 0),
        PartKey("model.layers.0.mlp.experts.gate_up_proj", 36 * decoders.HIDDEN, 0),
    ]


def test_a_key_is_the_same_in_every_process() -> None:
    """A part that was sent to another process has the key that it had, and an equal part has it as well."""
    part = Part("w", "model", 0, "q", None, View(4, (2,), (8,), 8, 1), Axis.RESIDUAL)
    sent = pickle.loads(pickle.dumps(part))  # noqa: S301  our own
    assert sent == part
    assert {sent.key: 1} == {part.key: 1} == {PartKey("w", 4, None): 1}


def test_columns_of_a_view_are_apart() -> None:
    """A view of every other column has the values in between in none of its rows."""
    view = View(1, (2, 2), (16, 4), 2, 2)
    np.testing.assert_array_equal(places(view), [[1, 3], [5, 7], [17, 19], [21, 23]])


@pytest.mark.parametrize(
    ("role", "generic", "router"),
    [
        ("q", False, False),
        ("router", False, True),
        ("mtp.router", False, True),
        ("router.bias", False, False),
        ("generic:model.router", True, True),
        ("generic:", True, False),
        ("my.generic:x", False, False),
    ],
)
def test_names_of_roles(role: str, generic: bool, router: bool) -> None:  # noqa: FBT001  a case's parameters
    """A generic role begins so, a router's ends so."""
    assert (is_generic(role), is_router(role)) == (generic, router)


def test_kinds_and_axes_are_their_names() -> None:
    """As reports and fingerprints write them; what is written is read as what it was."""
    assert f"{Kind.VISION_ENCODER} {Axis.RESIDUAL}" == "vision_encoder residual"
    assert [Kind(str(kind)) for kind in Kind] == list(Kind)
