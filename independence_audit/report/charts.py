"""Where the marks of charts lie: layers by role, cosine beside z, and the histogram of z. Units are pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, isinf
from statistics import NormalDist

from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.report import numbers
from independence_audit.report.distribution import CHANCE, EDGE, WIDTH, Distribution, NormVector
from independence_audit.report.layer_rows import Grid
from independence_audit.report.plain import shortened, visible

CELL = 11.0
CELL_HEIGHT = 15.0
GAP = 1.0
OUTSIDE_GAP = 8.0
"""Between what stands outside the layers and the first layer."""
CHARACTER = 6.0
"""Width of a character of a label, about."""
LONGEST_ROLE = 36
TICK_EVERY = 8
SMALLEST_SEGMENT = 1.5
BAR = 200.0
"""Width of a component's bar."""


@dataclass(frozen=True, slots=True)
class Square:
    """A cell of the heatmap."""

    x: float
    y: float
    relation: Relation


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Roles down, layers across."""

    width: float
    height: float
    squares: tuple[Square, ...]
    rows: tuple[Label, ...]
    columns: tuple[Label, ...]


def heatmap_of(grid: Grid) -> Heatmap:
    """Lay a component's grid out; what stands outside the layers comes first, set apart."""
    left = CHARACTER * max((len(shortened(visible(role), LONGEST_ROLE)) for role in grid.roles), default=0) + 8
    top = CELL_HEIGHT + 2
    outside = OUTSIDE_GAP if grid.layers[:1] == (None,) and len(grid.layers) > 1 else 0.0
    across = [
        left + column * (CELL + GAP) + (outside if layer is not None else 0.0)
        for column, layer in enumerate(grid.layers)
    ]
    down = [top + row * (CELL_HEIGHT + GAP) for row in range(len(grid.roles))]
    squares = (
        Square(x, y, cell.relation)
        for y, cells in zip(down, grid.cells, strict=True)
        for x, cell in zip(across, cells, strict=True)
        if cell
    )
    return Heatmap(
        width=rounded((across[-1] if across else left) + CELL + 12),
        height=rounded(top + len(grid.roles) * (CELL_HEIGHT + GAP)),
        squares=tuple(squares),
        rows=tuple(
            Label(rounded(left - 6), rounded(y + CELL_HEIGHT - 4), shortened(visible(role), LONGEST_ROLE))
            for y, role in zip(down, grid.roles, strict=True)
        ),
        columns=tuple(
            Label(rounded(x + CELL / 2), CELL_HEIGHT - 3, str(layer))
            for x, layer in zip(across, grid.layers, strict=True)
            if layer is not None and layer % TICK_EVERY == 0
        ),
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A relation's part of a component's bar."""

    x: float
    width: float
    relation: Relation


def bar_of(shares: Sequence[tuple[Relation, float]]) -> tuple[Segment, ...]:
    """Divide a bar by shares; even the smallest share stays to be seen."""
    widths = [max(SMALLEST_SEGMENT, share * BAR) for _, share in shares]
    scale = BAR / sum(widths) if widths else 0.0
    starts = [sum(widths[:number]) * scale for number in range(len(widths))]
    return tuple(
        Segment(rounded(start), rounded(width * scale), relation)
        for start, width, (relation, _) in zip(starts, widths, shares, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Point:
    """A norm vector in the scatter."""

    x: float
    y: float
    found: bool


@dataclass(frozen=True, slots=True)
class Scatter:
    """One figure of every norm vector, in the report's order."""

    points: tuple[Point, ...]
    ticks: tuple[Label, ...]
    band: tuple[float, float] | None
    """Top and height of the range that chance explains."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The components along the scatters."""

    names: tuple[Label, ...]
    """Each below the middle of its vectors."""
    dividers: tuple[float, ...]
    """Between two components."""


def cosine_scatter(vectors: Sequence[NormVector]) -> Scatter:
    """Place raw cosines between 0, or -1 where some are negative, and 1."""
    low = -1.0 if any(vector.cosine < 0 for vector in vectors) else 0.0
    ticks = [low + (1 - low) * number / 4 for number in range(5)]
    return _scatter(vectors, [vector.cosine for vector in vectors], (low, 1.0), ticks)


def z_scatter(vectors: Sequence[NormVector]) -> Scatter:
    """Place z on a scale around 0 that holds the largest, with the band of chance."""
    largest = max((abs(vector.z) for vector in vectors if vector.z is not None), default=0.0)
    step = max(2, ceil(largest / 4 / 2) * 2)
    limit = step * 4.0
    ticks = [float(tick) for tick in range(-4 * step, 4 * step + 1, 2 * step)]
    scatter = _scatter(vectors, [vector.z for vector in vectors], (-limit, limit), ticks)
    top, bottom = (FRAME.y((z + limit) / (2 * limit)) for z in (CHANCE, -CHANCE))
    return Scatter(scatter.points, scatter.ticks, (top, rounded(bottom - top)))


def _scatter(
    vectors: Sequence[NormVector], values: Sequence[float | None], limits: tuple[float, float], ticks: Sequence[float]
) -> Scatter:
    low, high = limits
    points = (
        Point(FRAME.x((number + 0.5) / len(vectors)), FRAME.y((value - low) / (high - low)), vector.relation in FOUND)
        for number, (vector, value) in enumerate(zip(vectors, values, strict=True))
        if value is not None
    )
    return Scatter(
        points=tuple(points),
        ticks=tuple(Label(FRAME.left, FRAME.y((tick - low) / (high - low)), f"{tick:g}") for tick in ticks),
        band=None,
    )


def groups_of(vectors: Sequence[NormVector], names: Mapping[str, str]) -> Groups:
    """Name each component below its vectors, as ``names`` calls it, and divide it from the next."""
    sizes = [
        (component, len(list(group))) for component, group in groupby(vectors, key=lambda vector: vector.component)
    ]
    width = FRAME.x(1.0) - FRAME.left
    labels, dividers, start = [], [], 0
    for component, size in sizes:
        room = max(3, int(width * size / len(vectors) / CHARACTER))
        middle = FRAME.x((start + size / 2) / len(vectors))
        labels.append(Label(middle, FRAME.height - 10, shortened(names.get(component, visible(component)), room)))
        start += size
        dividers.append(FRAME.x(start / len(vectors)))
    return Groups(tuple(labels), tuple(dividers[:-1]))


@dataclass(frozen=True, slots=True)
class Column:
    """A bin of the histogram: what found nothing below, what found shared weights on top."""

    x: float
    width: float
    other_y: float
    other_height: float
    found_y: float
    found_height: float
    cut: Label | None
    """The count of a bin that is taller than the chart."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Tests by z, and the curve that chance alone would give."""

    columns: tuple[Column, ...]
    curve: str
    """As the points of a polyline."""
    ticks: tuple[Label, ...]
    scale: tuple[Label, ...]


def histogram_of(distribution: Distribution) -> Histogram:
    """Place the bins; a bin of found tensors that dwarfs the rest is cut and carries its count."""
    usual = max(max(bin_.other, bin_.expected) for bin_ in distribution.bins)
    tallest = usual * 1.2 or max(float(bin_.found) for bin_ in distribution.bins) or 1.0
    slots = len(distribution.bins)
    columns = []
    for number, bin_ in enumerate(distribution.bins):
        left, right = FRAME.x(number / slots), FRAME.x((number + 1) / slots)
        other, total = bin_.other / tallest, min(1.0, (bin_.other + bin_.found) / tallest)
        cut = bin_.other + bin_.found > tallest
        columns.append(
            Column(
                x=left,
                width=rounded(right - left - 1),
                other_y=FRAME.y(other),
                other_height=rounded(FRAME.y(0) - FRAME.y(other)),
                found_y=FRAME.y(total),
                found_height=rounded(FRAME.y(other) - FRAME.y(total)),
                cut=Label(rounded((left + right) / 2), FRAME.top - 1, numbers.count(bin_.found)) if cut else None,
            )
        )
    return Histogram(tuple(columns), _curve(distribution, tallest), _z_ticks(slots), _count_ticks(tallest))


def _z_place(z: float, slots: int) -> float:
    """Horizontal place of a z between the two outer bins."""
    return FRAME.x(((z + EDGE) / WIDTH + 1) / slots)


def _curve(distribution: Distribution, tallest: float) -> str:
    normal, slots = NormalDist(), len(distribution.bins)
    others = distribution.tests - distribution.found
    places = [-EDGE + WIDTH / 2 * number for number in range(int(4 * EDGE / WIDTH) + 1)]
    heights = [normal.pdf(z) * WIDTH * others / tallest for z in places]
    return " ".join(f"{_z_place(z, slots):g},{FRAME.y(h):g}" for z, h in zip(places, heights, strict=True))


def _z_ticks(slots: int) -> tuple[Label, ...]:
    return tuple(
        Label(_z_place(z, slots), FRAME.height - 14, f"{z:g}") for z in (-EDGE, -4.0, -2.0, 0.0, 2.0, 4.0, EDGE)
    )


def _count_ticks(tallest: float) -> tuple[Label, ...]:
    """Three round counts up the side."""
    step = float(f"{tallest / 3:.0e}") or 1.0
    return tuple(
        Label(FRAME.left, FRAME.y(step * number / tallest), f"{step * number:,.0f}")
        for number in range(4)
        if step * number <= tallest
    )


def bin_name(low: float, high: float) -> tuple[str, float | None, float | None]:
    """Name a bin's kind as a label key, with its edges."""
    if isinf(low):
        return "bin_below", None, high
    if isinf(high):
        return "bin_above", low, None
    return "bin_between", low, high


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing area of the scatters and of the histogram."""

    width: float = 420.0
    height: float = 220.0
    left: float = 40.0
    right: float = 8.0
    top: float = 10.0
    bottom: float = 30.0

    def x(self, share: float) -> float:
        """Horizontal place of a share of the width."""
        return rounded(self.left + share * (self.width - self.left - self.right))

    def y(self, share: float) -> float:
        """Vertical place of a share of the height, from the bottom."""
        return rounded(self.height - self.bottom - share * (self.height - self.top - self.bottom))


FRAME = Frame()


def rounded(value: float) -> float:
    """Two decimals of a pixel are plenty."""
    return round(value, 2)
