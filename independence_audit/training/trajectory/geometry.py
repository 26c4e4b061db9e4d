"""Distances between checkpoints and combinations of them, from sketches: every pair, without holding their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from independence_audit.statistics.laws import Floats
from independence_audit.training.trajectory.checkpoint_state import Place
from independence_audit.training.trajectory.updates import LINKED, TensorStep


@dataclass(frozen=True, slots=True)
class Geometry:
    """One component's checkpoints as points."""

    points: Floats
    """[checkpoints, sums]: sketches of its matrices side by side, each scaled to the first's deviation."""
    distances: Floats
    """[checkpoints, checkpoints]."""
    rounding: float
    """Distance that rounding alone makes between two checkpoints."""


def geometry_of(steps: Sequence[Sequence[TensorStep]]) -> Geometry | None:
    """The points of one component; None where the checkpoints have no matrix in common.

    Args:
        steps: The component's tensors at each checkpoint.
    """
    tables = [{tensor.place: tensor for tensor in tensors if tensor.sketch is not None} for tensors in steps]
    if not tables:
        return None
    shared = [place for place in tables[0] if all(_alike(table, tables[0], place) for table in tables)]
    if not shared:
        return None
    scale = {place: math.sqrt(tables[0][place].values) / max(tables[0][place].weight, 1e-30) for place in shared}
    points = np.stack([np.concatenate([_sketch(table[place]) * scale[place] for place in shared]) for table in tables])
    square = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2.0 * points @ points.T, 0.0))
    rounding = math.sqrt(2.0 * sum(tables[0][place].values * tables[0][place].rounding ** 2 for place in shared))
    return Geometry(points, distances, rounding)


def _alike(table: dict[Place, TensorStep], first: dict[Place, TensorStep], place: Place) -> bool:
    return place in table and table[place].values == first[place].values


def _sketch(tensor: TensorStep) -> Floats:
    if tensor.sketch is None:
        raise AssertionError(tensor.place)
    return tensor.sketch


def is_one_chain(geometry: Geometry) -> bool:
    """Whether links, correlations that unrelated models do not have, join all checkpoints in some order."""
    lengths = np.linalg.norm(geometry.points, axis=1)
    units = geometry.points / np.maximum(lengths, 1e-30)[:, None]
    linked = np.abs(units @ units.T) >= LINKED
    reached = linked[0]
    for _ in range(len(reached)):
        reached = linked[reached].any(axis=0)
    return bool(reached.all())


def off_the_plane(points: Floats, which: int, pair: tuple[int, int]) -> float:
    """Distance of a point from all combinations of two others."""
    basis = points[list(pair)].T
    solution, *_ = np.linalg.lstsq(basis, points[which], rcond=None)
    return float(np.linalg.norm(points[which] - basis @ solution))
