"""Where units and anchors are, which of them are searched, and what is read of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.anatomy import Anatomy, Part, View, place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.units import places
from independence_audit.fingerprint.units.places import (
    UnitPlace,
    anchor_part,
    chosen_experts,
    read_rows,
    row_blocks,
    search_layers,
    unit_places,
    whole_matrix,
)
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of, transposed
from tests.fingerprint.units.small_decoder import decoder

WIDTH = 8


def gated(layer: int, units: int, width: int = WIDTH, scope: str = "", expert: int | None = None) -> list[Part]:
    """Gate, up and down of one block."""
    return [
        part_of(f"{layer}.{scope}{role}.{expert}", dense(*shape), layer=layer, role=f"{scope}{role}", expert=expert)
        for role, shape in (("gate", (units, width)), ("up", (units, width)), ("down", (width, units)))
    ]


def found_in(parts: Sequence[Part]) -> list[UnitPlace]:
    """The unit layers of the only component."""
    anatomy = anatomy_of(parts)
    return unit_places(anatomy, anatomy.components[0])


def test_search_layers_are_spread(tmp_path: Path) -> None:
    """Over the depth, never more than there are."""
    checkpoint = open_checkpoint(decoder(tmp_path, layers=8))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    checkpoint.source.close()
    places = unit_places(anatomy, anatomy.components[0])
    assert [each.layer for each in search_layers(places, 2)] == [2, 5]
    assert [each.layer for each in search_layers(places, 8)] == list(range(8))
    assert search_layers(places, 0) == []


def test_search_layers_have_as_many_units_as_most() -> None:
    """A first layer that is wider or narrower than the others is not searched."""
    found = found_in([*gated(0, 99), *gated(1, 40), *gated(2, 40)])
    assert [(each.layer, each.block) for each in search_layers(found, 3)] == [(1, 40), (2, 40)]


def test_where_every_layer_has_another_number_of_units_all_may_be_searched() -> None:
    """Whoever makes layers uneven does not choose which of them is looked at."""
    found = found_in([part for layer in range(5) for part in gated(layer, 40 + layer)])
    assert [each.layer for each in search_layers(found, 2)] == [1, 3]


def test_units_are_those_of_matrices_that_fit() -> None:
    """Layers by number; one whose last matrix is not the others' counterpart has none, nor has one without a layer."""
    odd = [*gated(1, 40)[:2], part_of("odd", dense(WIDTH, 39), layer=1, role="down")]
    plain = [
        part_of("fc1", dense(30, WIDTH), layer=0, role="fc1"),
        part_of("fc2", dense(WIDTH, 30), layer=0, role="fc2"),
        part_of("norm", dense(1, WIDTH), layer=0, role="mlp_norm"),
        part_of("q", dense(WIDTH, WIDTH), layer=0, role="q"),
    ]
    found = found_in([*gated(3, 40), *odd, *plain])
    assert [(each.layer, each.roles, each.count) for each in found] == [
        (0, ("fc1", "fc2"), 30),
        (3, ("gate", "up", "down"), 40),
    ]
    assert (found[0].gain, dict(found[0].attention)) == (plain[2], {"q": plain[3]})


def test_stages_of_another_width_are_left_out() -> None:
    """Of a tower whose width grows the most frequent one is searched: others have no common frame with it."""
    found = found_in([*gated(0, 40, 4), *gated(1, 40), *gated(2, 40)])
    assert [(each.layer, each.width) for each in found] == [(1, WIDTH), (2, WIDTH)]


@pytest.mark.parametrize(("shared", "chosen"), [(300, "shared_expert."), (50, "expert.")])
def test_the_first_scope_with_enough_units_stands_for_a_layer(shared: int, chosen: str) -> None:
    """The expert that all tokens pass, or all experts by number where that one is small."""
    experts = [part for number in (2, 0, 1) for part in gated(0, 100, scope="expert.", expert=number)]
    (found,) = found_in([*gated(0, shared, scope="shared_expert."), *experts])
    assert {part.role for parts in found.parts.values() for part in parts} == {
        f"{chosen}{role}" for role in ("gate", "up", "down")
    }
    assert found.count == (300 if chosen == "expert." else shared)
    assert [part.expert for part in found.parts["down"]] == ([0, 1, 2] if chosen == "expert." else [None])


def test_of_many_experts_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit, spread evenly; at least one, however large it is."""
    (found,) = found_in([part for number in range(10) for part in gated(0, 100, scope="expert.", expert=number)])
    assert chosen_experts(found).tolist() == list(range(10))
    monkeypatch.setattr(places, "MOST_UNITS", 499)
    assert chosen_experts(found).tolist() == [0, 2, 5, 7]
    monkeypatch.setattr(places, "MOST_UNITS", 99)
    assert chosen_experts(found).tolist() == [0]


def test_anchors_are_embeddings_before_patches() -> None:
    """Of the units' width and the same component; one row alone is none."""

    def chosen(parts: Mapping[str, View]) -> str | None:
        anatomy: Anatomy = anatomy_of(
            [
                part_of("other", dense(9, WIDTH), role="embed", component="other"),
                *(part_of(role, view, role=role) for role, view in parts.items()),
            ]
        )
        part = anchor_part(anatomy, anatomy.components[1], WIDTH)
        return part.role if part else None

    assert chosen({"patch": dense(9, WIDTH), "embed": dense(9, WIDTH)}) == "embed"
    assert chosen({"patch": dense(9, WIDTH), "embed": dense(9, 4)}) == "patch"
    assert chosen({"position": dense(9, WIDTH), "patch": dense(1, WIDTH)}) == "position"
    assert chosen({"head": dense(9, WIDTH)}) is None


VIEWS = {"dense": dense(6, 4), "behind others": dense(3, 4, offset=8), "turned": transposed(4, 6)} | {
    "interleaved": View(4, (2, 2), (12, 4), 2, 1)
}
"""Views of 24 values."""


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@settings(max_examples=25)
@given(st.data())
def test_rows_and_blocks_are_those_of_the_matrix(view: View, data: st.DataObject) -> None:
    """However few values are in memory at a time, and whichever rows are asked for."""
    flat = np.arange(24, dtype=np.float32)
    offsets = [
        sum(index * stride for index, stride in zip(row, view.row_strides, strict=True))
        for row in np.ndindex(*view.rows)
    ]
    expected = np.array(
        [
            [flat[view.offset + offset + column * view.column_stride] for column in range(view.columns)]
            for offset in offsets
        ]
    )
    checkpoint, part = checkpoint_of({"w": flat}), part_of("w", view)
    np.testing.assert_array_equal(whole_matrix(checkpoint, part), expected)
    rows = sorted(data.draw(st.sets(st.sampled_from(range(view.row_count)), min_size=1)))
    np.testing.assert_array_equal(read_rows(checkpoint, part, np.array(rows, dtype=np.int64)), expected[rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "BLOCK", data.draw(st.integers(1, 30)))
        for first, block in row_blocks(checkpoint, part):
            np.testing.assert_array_equal(block, expected[first : first + len(block)])
        np.testing.assert_array_equal(whole_matrix(checkpoint, part), expected)
