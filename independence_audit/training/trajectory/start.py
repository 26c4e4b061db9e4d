"""Whether weights are an initial draw: the first checkpoint of a trajectory, and those at which it breaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from independence_audit.fingerprint import Sample
from independence_audit.statistics.laws import (
    NOTHING,
    Dependence,
    distance_to,
    fit_law,
    row_dependence,
    spread_excess,
)
from independence_audit.training.initialisers import (
    ANY,
    DEPENDENCE,
    DISTANCE,
    KOLMOGOROV,
    SPREAD,
    Expected,
    Initialiser,
    scale_error,
)
from independence_audit.training.trajectory.checkpoint_state import State
from independence_audit.training.untouched import constant, is_drawn

FEWEST_VALUES = 512
"""A matrix of fewer sampled values is passed over: any law fits it."""
MOST, FEW = 0.9, 0.5
"""Shares of what can be told that must be on a law to be called initial, and below which it is called trained."""
TOP = 4
"""Strongest directions of a trained matrix that are looked for in its initial draw."""
CARRIED = 0.7
"""Weight that an initial draw has in the last checkpoint's strong directions, relative to the others, from which the
draw was made from the trained weights. Training builds directions that its draw does not have: in 9 honest runs whose
last checkpoint has them 0.05 to 0.25, with noise of half to four times the weights' deviation added to trained ones
0.97 to 1.05 (``python -m benchmarks.trajectory``)."""
HAS_DIRECTIONS = 3.0
"""Dependence of the last checkpoint's rows from which it has strong directions at all; without, honest runs reach
0.97."""
LEAST_CARRIED = 0.02
"""Coefficient of the other directions below which nothing can be compared."""


class Freshness(StrEnum):
    """Whether weights are an initial draw."""

    INITIAL = "initial"
    TRAINED = "trained"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Start:
    """What the weights of one component at one checkpoint look like beside an initial draw."""

    freshness: Freshness
    share: float
    """Share of the parameters that could be told which lie on an initial law or constant."""
    ratio: float
    """Dependence of the rows of all its matrices together; 1 for a draw."""
    undeclared: tuple[str, ...] = ()
    """Roles whose law or scale is not the declared one."""


def start_of(samples: Sequence[Sample], initialiser: Initialiser) -> Start:
    """Hold the weights of one component against an initialiser, matrix by matrix.

    A component without a matrix or gain that can be told is unclear.
    """
    told = initial = gains = fresh_gains = 0
    dependence = NOTHING
    undeclared: dict[str, None] = {}
    for sample in samples:
        expected = initialiser.of(sample.role)
        if sample.shape[0] == 1:
            if not _is_bias(sample.role):
                gains += 1
                value = constant(sample)
                fresh_gains += value is not None or is_drawn(sample)
                if (
                    value is not None
                    and expected.gain not in {None, value}
                    and not sample.role.startswith("layer_scale")
                ):
                    undeclared[sample.role] = None
            continue
        values = sample.values()
        if values.size < FEWEST_VALUES or not np.isfinite(values).all():
            continue
        told += sample.parameters
        if not values.any():  # an output that starts at zero, as some designs have
            initial += sample.parameters
            continue
        own = row_dependence(values)
        dependence += own
        if _is_draw(sample, own):
            initial += sample.parameters
            if not _as_declared(sample, expected):
                undeclared[sample.role] = None
    share = initial / told if told else 1.0
    gain_share = fresh_gains / gains if gains else 1.0
    return Start(
        _freshness(share, gain_share, anything=bool(told or gains)), share, dependence.ratio, tuple(undeclared)
    )


def _freshness(share: float, gains: float, *, anything: bool) -> Freshness:
    if not anything:
        return Freshness.UNCLEAR
    if min(share, gains) >= MOST:
        return Freshness.INITIAL
    return Freshness.TRAINED if min(share, gains) < FEW else Freshness.UNCLEAR


def _is_bias(role: str) -> bool:
    return "bias" in role.rpartition(".")[2]


def _is_draw(sample: Sample, dependence: Dependence) -> bool:
    """Whether a matrix cannot be told from a draw of some law; its scale may be any."""
    values = sample.values()
    fit = fit_law(values)
    if fit is None or fit.distance > DISTANCE + KOLMOGOROV / math.sqrt(fit.values):
        return False
    if dependence.ratio > 1.0 + DEPENDENCE + 5.0 * dependence.deviation:
        return False
    excess = max(spread_excess(values), spread_excess(values.T))
    return excess <= SPREAD + 2.0 / math.sqrt(values.size / 8) + 1.0 / math.sqrt(min(values.shape) * 4)


def _as_declared(sample: Sample, expected: Expected) -> bool:
    """Whether a draw has the declared law and scale."""
    if expected.law == ANY:
        return True
    values = sample.values()
    fit = fit_law(values)
    if fit is None:
        return False
    near = distance_to(values, expected.law) <= DISTANCE + KOLMOGOROV / math.sqrt(fit.values)
    return near and (expected.scale is None or abs(fit.scale / expected.scale - 1.0) <= scale_error(fit))


def carried(first: State, last: State, component: str) -> float | None:
    """How much of the last checkpoint's strong directions an initial draw already has, relative to the others.

    An honest draw survives in the weak directions and hardly in the strong ones, which training built. A draw that was
    made by adding noise to trained weights has both alike.

    Returns:
        None where the draw has left too little to compare, or there is no matrix.
    """
    top, bulk, dependence = np.zeros(2), np.zeros(2), NOTHING
    for place, mine in first.values.items():
        theirs = last.values.get(place)
        if place[0] != component or theirs is None or theirs.shape != mine.shape or min(mine.shape) < 2 * TOP:
            continue
        dependence += row_dependence(theirs)
        left, strengths, right = np.linalg.svd(theirs.astype(np.float64), full_matrices=False)
        energy = float((strengths**2).sum())
        if energy == 0.0:
            continue
        along = ((left[:, :TOP].T @ mine.astype(np.float64)) * right[:TOP]).sum(axis=1)
        strong = float(along @ strengths[:TOP]), float((strengths[:TOP] ** 2).sum())
        whole = float((mine.astype(np.float64) * theirs).sum())
        top += np.array(strong) / energy
        bulk += np.array([whole - strong[0], energy - strong[1]]) / energy
    if dependence.ratio < HAS_DIRECTIONS or bulk[1] == 0.0 or top[1] == 0.0 or bulk[0] / bulk[1] < LEAST_CARRIED:
        return None
    return float((top[0] / top[1]) / (bulk[0] / bulk[1]))
