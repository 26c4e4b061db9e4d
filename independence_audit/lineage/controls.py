"""Controls of the search for disguised copies: what it would have shown, and what it shows where nothing is.

A search that finds nothing clears somebody only if it could have found something. The positive control plants a copy of
the reference that has drifted to cosine r, anchors and all, among the subject's own units, and looks for it with the
same tests; the smallest r that is found at the audit's level in 95 of 100 draws is the search's bound. The negative
control looks for the reference's units with its anchors in an order that has no meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import ControlPoint, DisguisedTest, UnitTest
from independence_audit.lineage.units_together import COUNTED, UNITS_ALIKE, Together
from independence_audit.statistics.decision import POWER
from independence_audit.statistics.planting import Planting

DRAWS = 6
"""Draws at every r: their mean and spread say what 95 of 100 would reach."""

BEGIN, STEP, LEAST, MOST = 0.5, 0.05, 0.2, 0.95
"""The first r, the distance of the next, and the smallest and the largest that are tried."""

HOPELESS, SURE = 4.0, 12.0
"""z that no level of an audit takes for a finding, and that every one does: exp(-8) and exp(-72)."""


@dataclass(frozen=True, slots=True)
class Controls:
    """What the search shows of planted copies; which of it is a finding is for the audit's level to say."""

    points: tuple[ControlPoint, ...]
    """Ascending in r."""
    z: float | None
    """Of the signs over all layers as they are."""
    negative_z: float | None
    """The same with the reference's anchors in an order without meaning."""

    def bound(self, critical: float) -> float | None:
        """The smallest r from which on planted copies are found; None where the largest is not.

        Args:
            critical: z of the signs over all layers that is a finding.
        """
        found: ControlPoint | None = None
        for point in reversed(self.points):
            if not _is_found(point, critical):
                return None if found is None else _between(point, found, critical)
            found = point
        return None if found is None else found.r


def _is_found(point: ControlPoint, critical: float) -> bool:
    return point.alike >= UNITS_ALIKE or (point.z is not None and point.z >= critical)


def _between(missed: ControlPoint, found: ControlPoint, critical: float) -> float:
    """Where z reaches what it must between two points; gates that are alike come all at once."""
    if missed.z is None or found.z is None or found.z < critical:
        return found.r
    return round(missed.r + (found.r - missed.r) * (critical - missed.z) / (found.z - missed.z), 3)


def controls(
    together: Together, negative: Together, gram: NDArray[np.floating], width: int, *, symmetric: bool
) -> Controls | None:
    """Plant drifted copies of a reference among a subject's units; None where no layers were matched.

    Args:
        together: The reference's layers, after all layers of the subject were seen.
        negative: The same with the reference's anchors in an order without meaning.
        gram: E Eᵀ [t, t] of the reference's shared anchors.
        width: The reference's residual width.
        symmetric: Whether (up, down) -> -(up, down) is a symmetry of both sides' blocks.
    """
    observed = list(together.tests(symmetric=symmetric))
    if not observed:
        return None
    planting, rng = Planting(gram, width), np.random.default_rng(0)

    def point(r: float) -> ControlPoint:
        drawn = [
            list(together.tests_with(planting.draw(together.looked_for, r, rng), symmetric=symmetric))
            for _ in range(DRAWS)
        ]
        z = [each for tests in drawn if (each := _z_of(tests)) is not None]
        alike = [_share(test) for tests in drawn for test in tests if test.test == UnitTest.GATES_ALIKE]
        return ControlPoint(r, _almost_always(z) if z else None, _almost_always(alike))

    points = sorted(_around(point), key=lambda each: each.r)
    return Controls(tuple(points), _z_of(observed), _z_of(negative.tests(symmetric=symmetric)))


def _around(point: Callable[[float], ControlPoint]) -> list[ControlPoint]:
    """Points down to where no level finds anything and up to where every one does."""
    points = [point(BEGIN)]
    while points[-1].r > LEAST and (points[-1].alike >= UNITS_ALIKE or (points[-1].z or 0.0) >= HOPELESS):
        points.append(point(round(points[-1].r - STEP, 2)))
    highest = points[0]
    while highest.r < MOST and not _is_found(highest, SURE):
        highest = point(round(highest.r + STEP, 2))
        points.append(highest)
    return points


def _almost_always(values: Sequence[float]) -> float:
    """What draws exceed with the power at which bounds are stated, by the mean and the spread of some."""
    drawn = np.asarray(values)
    return round(float(drawn.mean() - NormalDist().inv_cdf(POWER) * drawn.std(ddof=1)), 4)


def _share(test: DisguisedTest) -> float:
    """The share of units that are alike, where these are as many as counts are evidence from; else none."""
    return (test.count or 0) / test.units if test.units >= COUNTED else 0.0


def _z_of(tests: Iterable[DisguisedTest]) -> float | None:
    return next((test.z for test in tests if test.test == UnitTest.SIGNS_TOGETHER), None)
