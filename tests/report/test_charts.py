"""The geometry of the charts: nothing lies outside its frame, and lengths say what they should."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.evidence.relation import Relation
from independence_audit.report import charts
from independence_audit.report.charts import FRAME
from independence_audit.report.distribution import distribution_of, norm_vectors
from independence_audit.report.layer_rows import grid_of
from tests.report.sample_reports import SAMPLES, finding

REPORT = finding()
RELATIONS = st.lists(st.floats(1e-9, 1), min_size=1, max_size=8)


@given(RELATIONS)
def test_bars_are_filled_exactly(shares: list[float]) -> None:
    """Segments touch, fill the bar, and none vanishes."""
    total = sum(shares)
    bar = charts.bar_of([(relation, share / total) for relation, share in zip(Relation, shares, strict=False)])
    assert bar[0].x == 0
    assert bar[-1].x + bar[-1].width == pytest.approx(charts.BAR, abs=0.02)
    assert all(before.x + before.width == pytest.approx(after.x, abs=0.02) for before, after in pairwise(bar))
    assert all(segment.width > 1 for segment in bar)


def test_a_component_without_parameters_has_an_empty_bar() -> None:
    """Nothing is divided by nothing."""
    assert charts.bar_of([]) == ()


@pytest.mark.parametrize("sample", SAMPLES)
def test_heatmaps_hold_their_cells(sample: str) -> None:
    """All squares and labels lie inside; there is one square for each cell."""
    tensors = SAMPLES[sample]().tensors
    for component in {tensor.component for tensor in tensors}:
        grid = grid_of(tensor for tensor in tensors if tensor.component == component)
        chart = charts.heatmap_of(grid)
        assert len(chart.squares) == sum(cell is not None for row in grid.cells for cell in row)
        assert all(0 < square.x < chart.width and 0 < square.y < chart.height for square in chart.squares)
        assert len(chart.rows) == len(grid.roles)


def test_layers_are_numbered_in_steps() -> None:
    """Every eighth layer has its number above it; what stands outside the layers has none."""
    grid = grid_of(tensor for tensor in finding().tensors if tensor.component == "model.language_model")
    assert [text.text for text in charts.heatmap_of(grid).columns] == [str(layer) for layer in range(0, 72, 8)]


@pytest.mark.parametrize("sample", SAMPLES)
def test_points_lie_in_the_frame(sample: str) -> None:
    """Every norm vector has its point in both scatters, inside the axes; the band of chance is around 0."""
    vectors = norm_vectors(SAMPLES[sample]().tensors)
    cosines, scores = charts.cosine_scatter(vectors), charts.z_scatter(vectors)
    assert len(cosines.points) == len(scores.points) == len(vectors)
    for point in (*cosines.points, *scores.points):
        assert FRAME.left <= point.x <= FRAME.width - FRAME.right
        assert FRAME.top - 0.1 <= point.y <= FRAME.height - FRAME.bottom + 0.1
    assert scores.band is not None
    assert scores.band[0] + scores.band[1] / 2 == pytest.approx(FRAME.y(0.5), abs=0.1)


def test_negative_cosines_have_room() -> None:
    """A negative cosine extends the scale to -1."""
    vector = replace(norm_vectors(finding().tensors)[0], cosine=-0.4)
    assert [tick.text for tick in charts.cosine_scatter([vector]).ticks] == ["-1", "-0.5", "0", "0.5", "1"]


def test_components_are_named_below_their_vectors() -> None:
    """Names come in order with a divider between two, shortened where there is little room."""
    vectors = norm_vectors(finding().tensors)
    names = {vector.component: vector.component.removeprefix("model.") for vector in vectors}
    groups = charts.groups_of(vectors, names)
    assert [text.text for text in groups.names] == ["language_model", "vision_model", "audio_model"]
    assert len(groups.dividers) == 2
    crowded = charts.groups_of(vectors, dict.fromkeys(names, "x" * 99))
    assert all(len(text.text) < 60 for text in crowded.names)


def test_a_tall_bin_is_cut_and_counted() -> None:
    """Hundreds of copies do not flatten the rest; their bin carries its count."""
    chart = charts.histogram_of(distribution_of(REPORT))
    cut = [column.cut for column in chart.columns if column.cut]
    assert [text.text for text in cut] == ["544"]
    assert max(column.other_height for column in chart.columns) > (FRAME.height - FRAME.top - FRAME.bottom) / 2


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.sampled_from(["model.language_model", "model.audio_model"])), max_size=30)
)
def test_columns_stay_in_the_frame(scores: list[tuple[float, str]]) -> None:
    """Whatever was tested, columns stand on the axis and stay below the top."""
    tensors = tuple(replace(REPORT.tensors[0], z=z, component=component) for z, component in scores)
    chart = charts.histogram_of(distribution_of(replace(REPORT, tensors=tensors)))
    for column in chart.columns:
        assert column.found_y >= FRAME.top - 0.1
        assert column.other_height >= 0
        assert column.found_height >= 0
        assert column.other_y + column.other_height == pytest.approx(FRAME.y(0), abs=0.02)
        assert column.found_y + column.found_height == pytest.approx(column.other_y, abs=0.02)
