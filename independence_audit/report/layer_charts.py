"""Where a component's layers stand beside its reference's, and r of each layer with its detection bound, as charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from independence_audit.evidence.measurement import LayerEvidence, TensorEvidence
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.report.charts import Frame, Label, rounded

LARGEST_CELL, ROOM = 24.0, 240.0
"""Pixels of a layer in the map, and of the whole map."""
LEFT, TOP = 34.0, 20.0
FULL = 1.0
ZOOMED = 0.2
"""Charts of layers whose r and bounds all stay below this are drawn at their own scale."""
HEADROOM = 1.25


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer with its figures."""

    layer: int
    relation: Relation
    reference_layer: int | None
    r: float | None
    bound: float | None
    """Median of its tests' bounds."""
    identical: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer of the subject at its layer of the reference."""

    x: float
    y: float
    relation: Relation


@dataclass(frozen=True, slots=True)
class LayerMap:
    """Layers of the subject across, those of the reference down."""

    width: float
    height: float
    cell: float
    left: float
    top: float
    pairs: tuple[Pair, ...]
    across: tuple[Label, ...]
    down: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """r of one layer."""

    x: float
    y: float
    found: bool


@dataclass(frozen=True, slots=True)
class LayerChart:
    """r over the layers, with what the tests could not have seen."""

    marks: tuple[Mark, ...]
    bounds: tuple[str, ...]
    """The detection bound above and below zero, as the points of polylines."""
    band: str
    """What lies between, as the points of a polygon."""
    ticks: tuple[Label, ...]
    layers: tuple[Label, ...]


def layer_rows(layers: Iterable[LayerEvidence], tensors: Iterable[TensorEvidence]) -> tuple[LayerRow, ...]:
    """Put a component's numbered layers in order, each with the bound of its tests."""
    bounds: dict[int, list[float]] = {}
    for tensor in tensors:
        if tensor.layer is not None and tensor.r is not None and tensor.detection_bound is not None:
            bounds.setdefault(tensor.layer, []).append(tensor.detection_bound)
    numbered = sorted((layer for layer in layers if layer.layer is not None), key=lambda layer: layer.layer or 0)
    return tuple(
        LayerRow(
            layer=layer.layer,
            relation=layer.relation,
            reference_layer=layer.reference_layer,
            r=layer.r,
            bound=median(bounds[layer.layer]) if layer.layer in bounds else None,
            identical=layer.identical_fraction,
        )
        for layer in numbered
        if layer.layer is not None
    )


def map_of(rows: Sequence[LayerRow]) -> LayerMap | None:
    """Draw the layers that have a layer of the reference beside them; None where there are fewer than two."""
    paired = [(row.layer, row.reference_layer, row.relation) for row in rows if row.reference_layer is not None]
    if len(paired) < 2:  # noqa: PLR2004 - one layer has no place among others
        return None
    layers, references = max(row.layer for row in rows) + 1, max(reference for _, reference, _ in paired) + 1
    cell = min(LARGEST_CELL, rounded(ROOM / max(layers, references)))
    return LayerMap(
        width=rounded(LEFT + layers * cell + 12),
        height=rounded(TOP + references * cell + 4),
        cell=cell,
        left=LEFT,
        top=TOP,
        pairs=tuple(
            Pair(rounded(LEFT + layer * cell), rounded(TOP + reference * cell), relation)
            for layer, reference, relation in paired
        ),
        across=tuple(Label(rounded(LEFT + (n + 0.5) * cell), TOP - 6, str(n)) for n in _ticks(layers)),
        down=tuple(Label(LEFT - 5, rounded(TOP + (n + 0.5) * cell + 4), str(n)) for n in _ticks(references)),
    )


def _ticks(layers: int) -> range:
    return range(0, layers, max(1, next(step for step in (1, 2, 4, 8, 16, 32, 64, 10**9) if layers / step <= 12)))  # noqa: PLR2004 - labels that fit


def chart_of(rows: Sequence[LayerRow], frame: Frame) -> LayerChart | None:
    """Draw r of every layer that was tested; None where there are fewer than two."""
    tested = [row for row in rows if row.r is not None]
    if len(tested) < 2:  # noqa: PLR2004 - one mark makes no chart
        return None
    reach = max(max(abs(row.r or 0.0), row.bound or 0.0) for row in tested)
    high = FULL if reach >= ZOOMED else reach * HEADROOM or FULL
    least = min(0.0, *(row.r or 0.0 for row in tested), *(-(row.bound or 0.0) for row in tested))
    low = -high if reach < ZOOMED else max(-FULL, least * HEADROOM)
    last = max(row.layer for row in rows) or 1

    def x(layer: float) -> float:
        return frame.x(0.02 + 0.96 * layer / last)

    def y(r: float) -> float:
        return frame.y((min(max(r, low), high) - low) / (high - low))

    bounded = [(row.layer, row.bound) for row in tested if row.bound is not None]
    upper = [f"{x(layer):g},{y(bound):g}" for layer, bound in bounded]
    lower = [f"{x(layer):g},{y(-bound):g}" for layer, bound in bounded]
    marks = [low, 0.0, high / 2, high] if low < 0 else [0.0, high / 2, high]
    if reach >= ZOOMED:
        marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    return LayerChart(
        marks=tuple(Mark(x(row.layer), y(row.r or 0.0), row.relation in FOUND) for row in tested),
        bounds=(" ".join(upper), " ".join(lower)),
        band=" ".join([*upper, *reversed(lower)]),
        ticks=tuple(Label(frame.left, y(r), f"{r:.2g}") for r in marks),
        layers=tuple(Label(x(n), frame.height - 12, str(n)) for n in _ticks(last + 1)),
    )
