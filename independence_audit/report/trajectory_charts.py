"""Each component's way through the checkpoints as a chart: how alike it stays to the first one and to others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from independence_audit.evidence.training_evidence import TrainingEvidence, TrajectoryPoint
from independence_audit.report.charts import Frame, Label
from independence_audit.report.plain import shortened, visible

LONGEST_STEP = 10
MOST_REFERENCES = 2
"""References that a chart draws; the table behind it has all."""
LABELLED = 7
"""Steps that are written below the axis."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    key: str
    """``first_r``, ``previous_r``, ``identical_values`` or ``reference``: a label key, and how the line is drawn."""
    name: str
    """The reference, where it is one."""
    line: str
    """As the points of a polyline."""
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TrajectoryChart:
    """One component."""

    component: str
    points: tuple[TrajectoryPoint, ...]
    series: tuple[Series, ...]
    ticks: tuple[Label, ...]
    steps: tuple[Label, ...]


def trajectory_charts(training: TrainingEvidence, frame: Frame) -> tuple[TrajectoryChart, ...]:
    """Draw every component that was seen at two checkpoints or more."""
    trajectory = training.trajectory
    if trajectory is None:
        return ()
    components = dict.fromkeys(point.component for point in trajectory.points)
    ways = [tuple(point for point in trajectory.points if point.component == component) for component in components]
    return tuple(_chart(points, frame) for points in ways if len(points) > 1)


def _chart(points: Sequence[TrajectoryPoint], frame: Frame) -> TrajectoryChart:
    places = [frame.x(0.03 + 0.94 * share) for share in _shares(points)]
    figures: list[tuple[str, str, Callable[[TrajectoryPoint], float | None]]] = [
        ("first_r", "", lambda point: point.first_r),
        ("previous_r", "", lambda point: point.previous_r),
        ("identical_values", "", lambda point: point.identical_fraction),
        *(("reference", name, _to(name)) for name in _references(points)[:MOST_REFERENCES]),
    ]
    values = [value for _, _, figure in figures for point in points if (value := figure(point)) is not None]
    low = -1.0 if any(value < -0.05 for value in values) else 0.0  # noqa: PLR2004 - less is noise around 0
    series = [
        _series(key, name, [(x, frame.y((max(v, low) - low) / (1 - low))) for x, v in _known(places, points, figure)])
        for key, name, figure in figures
    ]
    every = max(1, -(-len(points) // LABELLED))
    return TrajectoryChart(
        component=visible(points[0].component),
        points=tuple(points),
        series=tuple(line for line in series if line.points),
        ticks=tuple(
            Label(frame.left, frame.y(share), f"{low + (1 - low) * share:g}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        ),
        steps=tuple(
            Label(x, frame.height - 12, where(point))
            for number, (x, point) in enumerate(zip(places, points, strict=True))
            if number % every == 0
        ),
    )


def where(point: TrajectoryPoint) -> str:
    """A point's step, or its checkpoint's name where no step is known."""
    return shortened(visible(point.checkpoint), LONGEST_STEP) if point.step is None else f"{point.step:,}"


def _shares(points: Sequence[TrajectoryPoint]) -> list[float]:
    """Where along the axis each point lies: by its step where all have rising ones, else by its order."""
    steps = [point.step for point in points if point.step is not None]
    if len(steps) == len(points) and steps[-1] > steps[0] and steps == sorted(steps):
        return [(step - steps[0]) / (steps[-1] - steps[0]) for step in steps]
    return [number / (len(points) - 1) for number in range(len(points))]


def _references(points: Sequence[TrajectoryPoint]) -> list[str]:
    return list(dict.fromkeys(seen.reference for point in points for seen in point.references))


def _to(reference: str) -> Callable[[TrajectoryPoint], float | None]:
    return lambda point: next((seen.r for seen in point.references if seen.reference == reference), None)


def _known(
    places: Sequence[float], points: Sequence[TrajectoryPoint], figure: Callable[[TrajectoryPoint], float | None]
) -> list[tuple[float, float]]:
    return [(x, value) for x, point in zip(places, points, strict=True) if (value := figure(point)) is not None]


def _series(key: str, name: str, points: Sequence[tuple[float, float]]) -> Series:
    return Series(key, visible(name) if name else "", " ".join(f"{x:g},{y:g}" for x, y in points), tuple(points))
