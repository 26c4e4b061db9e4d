"""Are the units of one layer those of another, in whatever order, scale and basis? Three tests of whitened responses.

Order: where the units kept their order, those that k sampled ones are matched with ascend (exact law). Up-sign: turning
a unit's (up, down) into -(up, down) is a symmetry of initialisation, Adam and weight decay in a gated layer without
biases, so that between strangers the cosine of the up rows of two units matched *through gate alone* has a random sign
(rigorous bound exp(-z²/2), by Hoeffding's inequality for signed sums). Agreement: how many units gate and up match with
the same one (empirical: strangers share hubs and a few universal units).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.order import is_ordered
from independence_audit.statistics.scores import normal_scores
from independence_audit.statistics.sequence import order_p, strict_lis

LEANING = 0.1
"""Mean cosine of a unit's gate and up from which their signs are not left to chance. Where both sides lean by c, up
rows matched through gate lean by about c², so that z of 512 units grows by 75 c²: 0.8 at 0.1, 3 at 0.2, 6 at 0.3."""

TIED = 1 / 3
"""Median cosine of a unit's two roles from which they are one; of 192 anchors' responses strangers have 0.05."""


@dataclass(frozen=True, slots=True)
class UnitTests:
    """What the tests of one pair of layers come to."""

    units: int
    """How many units of one side were looked for among all of the other."""
    matched: int
    """How many were left with a partner of their own."""
    order: int
    """Length of the longest strictly increasing run of matches."""
    order_p: float
    up_sign_z: float | None
    """None without gates."""
    up_sign_p: float | None
    both_z: float | None
    """up·down in place of up: survives flipped signs; empirical. None where a side has no down."""
    agreement: int | None
    """Units that two roles match with the same one; empirical. None where only one role is there."""
    agreed: int | None
    """How many different ones these are: where everything matches one hub, or constants, this is 1."""
    second_z: float | None
    """A second look: how high the other role's likeness ranks at the first one's matches, in standard deviations of
    ranks at random; empirical, because strangers share hubs."""


def unit_tests(sampled: Mapping[str, NDArray[np.floating]], whole: Mapping[str, NDArray[np.floating]]) -> UnitTests:
    """Look for sampled units among all units of a layer.

    Args:
        sampled: Whitened responses [k, t] by role: gate and up, or fc1; down and fc2 where they are there.
        whole: The same [m, t].
    """
    first, second = ("gate", "up") if "gate" in sampled else ("fc1", "fc2")
    found = match(sampled[first] @ whole[first].T)
    other = sampled[second] @ whole[second].T if second in sampled and second in whole else None
    order = strict_lis(found.place.tolist())
    agreement, agreed = _agreement(found, other)
    z, both = _signs(found, sampled, whole) if first == "gate" else (None, None)
    return UnitTests(
        units=len(found.place),
        matched=len(np.unique(found.place)),
        order=order,
        order_p=order_p(len(found.place), order),
        up_sign_z=z,
        up_sign_p=None if z is None else sign_p(z),
        both_z=both,
        agreement=agreement,
        agreed=agreed,
        second_z=None if other is None else _second_look(found, np.abs(other)),
    )


def are_ordered(responses: NDArray[np.floating]) -> bool:
    """Whether units [k, t] stand in an order that chance would not give: sorted, or experts one behind the other.

    The law of the order test is that of a random order; strangers whose units are sorted alike ascend together.
    """
    return is_ordered(normal_scores(np.ascontiguousarray(responses.T)))


def are_alike(side: Mapping[str, NDArray[np.floating]]) -> bool:
    """Whether the two roles of each unit look alike on one side by itself, so that matching both says nothing new.

    Between gate and up that is a common lean, which initialisation leaves to chance; where most units have a cosine
    above a third, matrices are tied or one was made of the other.
    """
    first, second = ("gate", "up") if "gate" in side else ("fc1", "fc2")
    if second not in side:
        return False
    cosines = (side[first] * side[second]).sum(axis=1)
    tied = float(np.median(np.abs(cosines))) >= TIED
    return tied or (first == "gate" and abs(float(cosines.mean())) > LEANING)


def sign_z(values: NDArray[np.floating]) -> float:
    """Σx / sqrt(Σx²): standard normal at most under random signs, P(z >= a) <= exp(-a²/2)."""
    size = math.sqrt(float(values @ values))
    return float(values.sum()) / size if size > 0.0 else 0.0


def sign_p(z: float) -> float:
    """The bound on the one-sided p of a sign test, whatever the sizes of what the signs stand before."""
    return max(math.exp(-(max(z, 0.0) ** 2) / 2), 1e-300)


def _agreement(found: Match, other: NDArray[np.floating] | None) -> tuple[int | None, int | None]:
    if other is None:
        return None, None
    same = found.place == match(other).place
    return int(same.sum()), len(np.unique(found.place[same]))


def _second_look(found: Match, likeness: NDArray[np.floating]) -> float:
    """z of the mean rank of likeness [k, m] at the matches, against ranks at random (uniform, variance 1/12)."""
    i, j = found.one_to_one()
    ranks = (likeness[i] < likeness[i, j][:, None]).mean(axis=1)
    return float((ranks.mean() - 0.5) * math.sqrt(12 * len(i)))


def _signs(
    found: Match, sampled: Mapping[str, NDArray[np.floating]], whole: Mapping[str, NDArray[np.floating]]
) -> tuple[float, float | None]:
    """z of the up rows' signs at the matches, and of those of up·down where both sides have down."""
    i, j = found.one_to_one()
    up = (sampled["up"][i] * whole["up"][j]).sum(axis=1)
    if "down" not in sampled or "down" not in whole:
        return sign_z(up), None
    return sign_z(up), sign_z(up * (sampled["down"][i] * whole["down"][j]).sum(axis=1))
