"""Layer maps and per-layer charts: where their marks lie and what is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.measurement import LayerEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.report.charts import FRAME
from independence_audit.report.layer_charts import LayerRow, chart_of, layer_rows, map_of
from tests.report.sample_reports import finding


def rows_of(component: int) -> tuple[LayerRow, ...]:
    """The layers of one of the sample's components."""
    report = finding()
    part = report.components[component]
    return layer_rows(part.layers, [tensor for tensor in report.tensors if tensor.component == part.name])


def test_rows_have_the_bounds_of_their_tests() -> None:
    """Each numbered layer stands once, in order, with the median bound of its tensors."""
    rows = rows_of(0)
    assert [row.layer for row in rows] == list(range(32))
    assert rows[0].bound == pytest.approx(7.9 / (1279 * 16) ** 0.5)
    assert rows_of(3) == ()


def test_layers_in_their_places_make_a_diagonal() -> None:
    """Layer n beside layer n lies as far right as down, and moved layers lie off the diagonal."""
    rows = rows_of(0)
    chart = map_of(rows)
    assert chart is not None
    assert all(pair.x - chart.left == pytest.approx(pair.y - chart.top) for pair in chart.pairs)
    moved = map_of([replace(row, reference_layer=31 - row.layer) for row in rows])
    assert moved is not None
    assert moved.pairs[0].y == pytest.approx(moved.top + 31 * moved.cell)
    assert max(pair.x + moved.cell for pair in moved.pairs) <= moved.width


def test_hundreds_of_layers_fit() -> None:
    """However deep a model is, its map takes no more room."""
    rows = [LayerRow(n, Relation.RELATED, n // 2, 0.9, 0.01, 0.0) for n in range(400)]
    chart = map_of(rows)
    assert chart is not None
    assert chart.width < 300
    assert len(chart.across) <= 13


def test_unmatched_layers_have_no_map() -> None:
    """Where no layer of the reference stands beside any, there is nothing to draw."""
    assert map_of([replace(row, reference_layer=None) for row in rows_of(0)]) is None
    assert map_of(()) is None
    assert chart_of((), FRAME) is None


def test_small_correlations_are_drawn_at_their_own_scale() -> None:
    """For strangers the chart is as high as the bound, for copies as high as 1; the bound lies on both sides of 0."""
    strangers, copies = chart_of(rows_of(2), FRAME), chart_of(rows_of(0), FRAME)
    assert strangers is not None
    assert copies is not None
    assert float(strangers.ticks[-1].text) < 0.2
    assert copies.ticks[-1].text == "1"
    assert {mark.y for mark in copies.marks} == {FRAME.y(1)}
    assert all(mark.found for mark in copies.marks)
    assert not any(mark.found for mark in strangers.marks)
    upper, lower = ([float(point.split(",")[1]) for point in line.split()] for line in strangers.bounds)
    assert max(upper) < min(lower)
    assert all(min(upper) <= mark.y <= max(lower) for mark in strangers.marks)


def test_marks_stay_in_the_frame() -> None:
    """Negative and missing correlations are drawn inside, or not at all."""
    layers = [LayerEvidence(n, Relation.UNRELATED, None, r, None) for n, r in enumerate((-0.9, None, 0.5, 1.0))]
    chart = chart_of(layer_rows(layers, ()), FRAME)
    assert chart is not None
    assert len(chart.marks) == 3
    assert all(FRAME.top <= mark.y <= FRAME.height - FRAME.bottom for mark in chart.marks)
    assert chart.band == ""
