"""Layers put together where they came out alike, and laid out by role."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from independence_audit.evidence.measurement import LayerEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.report.layer_rows import Cell, grid_of, layer_runs
from tests.report.sample_reports import finding


def layer(number: int | None, relation: Relation, beside: int | None, r: float | None = 0.5) -> LayerEvidence:
    """A layer's evidence."""
    return LayerEvidence(number, relation, beside, r, 0.0)


def test_layers_that_came_out_alike_are_one_row() -> None:
    """A run ends where the relation, the distance to the reference's layer or the numbering changes."""
    layers = [
        layer(0, Relation.IDENTICAL, 0),
        layer(1, Relation.IDENTICAL, 1),
        layer(2, Relation.IDENTICAL, 3),
        layer(3, Relation.RELATED, 4),
        layer(5, Relation.RELATED, 6),
        layer(6, Relation.UNRELATED, None),
    ]
    assert [(run.layers, run.reference_layers) for run in layer_runs(layers)] == [
        ("0 … 1", "0 … 1"),
        ("2", "3"),
        ("3", "4"),
        ("5", "6"),
        ("6", "–"),
    ]


def test_a_row_shows_the_range_of_its_layers() -> None:
    """The lowest and the highest r and share of identical values stand in the row."""
    layers = [
        LayerEvidence(n, Relation.RELATED, n, r, f) for n, (r, f) in enumerate([(0.9, 0.5), (0.7, 0.1), (0.8, 0.3)])
    ]
    (run,) = layer_runs(layers)
    assert (run.r, run.identical) == ("0.700 … 0.9000", "10.0% … 50.0%")


def test_what_stands_outside_the_layers_comes_first() -> None:
    """The embeddings' row comes first, without a layer number."""
    runs = layer_runs([layer(0, Relation.RELATED, 0), layer(None, Relation.UNRELATED, None, None)])
    assert [(run.layers, run.r) for run in runs] == [("", "–"), ("0", "0.500")]


@given(st.lists(st.tuples(st.sampled_from(Relation), st.booleans()), max_size=12))
def test_every_layer_is_in_one_row(found: list[tuple[Relation, bool]]) -> None:
    """Rows cover all layers, once each, in order."""
    layers = [layer(n, relation, n if mapped else None) for n, (relation, mapped) in enumerate(found)]
    covered: list[int] = []
    for run in layer_runs(layers):
        first, _, last = run.layers.partition(" … ")
        covered += range(int(first), int(last or first) + 1)
    assert covered == list(range(len(layers)))


def test_a_grid_has_a_cell_for_each_role_and_layer() -> None:
    """Roles run down, layers across, what stands outside them first; what was not compared is left out."""
    grid = grid_of(t for t in finding().tensors if t.component == "model.language_model")
    assert grid.layers == (None, *range(72))
    assert grid.roles[:4] == ("embed", "final_norm", "head", "attn_norm")
    assert grid.cells[0][0] is not None
    assert grid.cells[0][1] is None
    assert grid_of(t for t in finding().tensors if t.component == "model.video_audio_compressor").roles == ()


def test_several_tensors_of_a_cell_show_the_strongest() -> None:
    """Where a layer has a role twice, the cell shows the stronger relation."""
    tensor = replace(finding().tensors[3], layer=0, role="q", r=0.01, relation=Relation.UNRELATED)
    other = replace(tensor, r=0.9, relation=Relation.RELATED)
    assert grid_of([tensor, other]).cells == ((Cell(Relation.RELATED, 0.9),),)
