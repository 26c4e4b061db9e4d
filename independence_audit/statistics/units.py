"""Are the units of one layer those of another, in whatever order, scale and basis? Three tests of whitened responses.

Order: where the units kept their order, those that k sampled ones are matched with ascend (exact law). Up-sign: turning
a unit's (up, down) into -(up, down) is a symmetry of initialisation, Adam and weight decay in a layer whose block is
linear in up, so that between unrelated models the cosine of the up rows of two units matched *through gate alone* has a
random sign (rigorous bound exp(-z²/2), by Hoeffding's inequality for signed sums). Blocks such as gpt-oss's (up + 1)
glu(gate) have no such symmetry, and signs that lean were not left to chance: there up is freed of what the unit's own
gate and all units together show of it, and held against random and near matches (empirical). Agreement: how many units
gate and up match with the same one (empirical: unrelated models share hubs and a few universal units).

The order test: is there too long an increasing subsequence for a random permutation?

The longest increasing subsequence of a random permutation of n has the law of the first row of a partition under the
Plancherel measure (Robinson and Schensted): P(L >= k) is the sum of (f^λ)²/n! over the partitions λ of n whose first
part is at least k, f^λ = n!/product of hook lengths. Far out only the partitions of the few left cells are summed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import unit_rows
from independence_audit.statistics.leaning import controlled_z
from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.order_probe import is_ordered
from independence_audit.statistics.scores import Floats, normal_scores

LEANING = 0.1
"""Mean cosine of a unit's gate and up, or root of that of all units' ups with each other, from which their signs are
not left to chance. Where both sides lean by c, up rows matched through gate lean by about c², so that z of 512 units
grows by 75 c²: 0.8 at 0.1, 3 at 0.2, 6 at 0.3."""

TIED = 1 / 3
"""Median cosine of a unit's two roles from which they are one; of 192 anchors' responses unrelated models have 0.05."""


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
    """None without gates, and where signs are not left to chance: up_sign_z is then empirical."""
    both_z: float | None
    """up·down in place of up: survives flipped signs; empirical. None where a side has no down."""
    agreement: int | None
    """Units that two roles match with the same one; empirical. None where only one role is there."""
    agreed: int | None
    """How many different ones these are: where everything matches one hub, or constants, this is 1."""
    second_z: float | None
    """A check after alignment: how high the other role's likeness ranks at the first one's matches, in standard
    deviations of ranks at random; empirical, because unrelated models share hubs."""


def unit_tests(
    sampled: Mapping[str, NDArray[np.floating]], whole: Mapping[str, NDArray[np.floating]], *, symmetric: bool
) -> UnitTests:
    """Look for sampled units among all units of a layer.

    Args:
        sampled: Whitened responses [k, t] by role: gate and up, or fc1; down and fc2 where they are there.
        whole: The same [m, t].
        symmetric: Whether (up, down) -> -(up, down) is a symmetry of both sides' blocks.
    """
    first, second = ("gate", "up") if "gate" in sampled else ("fc1", "fc2")
    closeness = sampled[first] @ whole[first].T
    found = match(closeness)
    there = second in sampled and second in whole
    leaning = there and (are_leaning(sampled) or are_leaning(whole))
    chance = symmetric and not leaning
    if there and (leaning or (first == "gate" and not symmetric)):
        sampled, whole = (side | {second: _freed(side[first], side[second])} for side in (dict(sampled), dict(whole)))
    other = sampled[second] @ whole[second].T if there else None
    order = strict_lis(found.place.tolist())
    agreement, agreed = _agreement(found, other)
    z, both = _signs(found, sampled, whole) if first == "gate" else (None, None)
    if z is not None and other is not None and not chance:
        z = controlled_z(other, closeness, found)
    return UnitTests(
        units=len(found.place),
        matched=len(np.unique(found.place)),
        order=order,
        order_p=order_p(len(found.place), order),
        up_sign_z=z,
        up_sign_p=sign_p(z) if z is not None and chance else None,
        both_z=both,
        agreement=agreement,
        agreed=agreed,
        second_z=None if other is None else _second_look(found, np.abs(other)),
    )


def are_ordered(responses: NDArray[np.floating]) -> bool:
    """Whether units [k, t] stand in an order that chance would not give: sorted, or experts one behind the other.

    The law of the order test is that of a random order; unrelated models whose units are sorted alike ascend together.
    """
    return is_ordered(normal_scores(np.ascontiguousarray(responses.T)))


def are_tied(side: Mapping[str, NDArray[np.floating]]) -> bool:
    """Whether the two roles of each unit are one on one side by itself, so that matching both says nothing new.

    Where most units have a cosine above a third, matrices are tied or one was made of the other.
    """
    cosines = _own_cosines(side)
    return cosines is not None and float(np.median(np.abs(cosines))) >= TIED


def are_leaning(side: Mapping[str, NDArray[np.floating]]) -> bool:
    """Whether the second roles of one side lean by themselves: towards the unit's first role, or all the same way.

    Between unrelated models who lean alike neither signs nor second matches are left to chance.
    """
    cosines = _own_cosines(side)
    if cosines is None:
        return False
    units = side["up" if "gate" in side else "fc2"]
    total, count = units.sum(axis=0, dtype=np.float64), len(units)
    pairwise = (float(total @ total) - count) / max(1, count * (count - 1))
    return abs(float(cosines.mean())) > LEANING or pairwise > LEANING**2


def _own_cosines(side: Mapping[str, NDArray[np.floating]]) -> NDArray[np.floating] | None:
    """Cosine of every unit's two roles [k]; None where the second is not there."""
    first, second = ("gate", "up") if "gate" in side else ("fc1", "fc2")
    return (side[first] * side[second]).sum(axis=1) if second in side else None


def _freed(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Second roles [k, t] without what they have in common and without the direction of their own first role."""
    rest = second - second.mean(axis=0)
    return unit_rows(rest - (rest * first).sum(axis=1, keepdims=True) * first)


def sign_z(values: NDArray[np.floating]) -> float:
    """Σx / sqrt(Σx²): standard normal at most under random signs, P(z >= a) <= exp(-a²/2)."""
    size = math.sqrt(float(values @ values))
    return float(values.sum()) / size if size > 0.0 else 0.0


def sign_p(z: float) -> float:
    """The bound on the one-sided p of a sign test, whatever the sizes of what the signs stand before."""
    return max(math.exp(-(max(z, 0.0) ** 2) / 2), 1e-300)


def critical_sign_z(alpha: float, tests: int) -> float:
    """z of a sign test that is a finding at a family-wise level over so many tests: exp(-z²/2) = alpha / tests."""
    return math.sqrt(2.0 * math.log(max(1, tests) / alpha))


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


EXACT_REST = 45
"""Cells outside the first row up to which all partitions are summed: 89,134 of 45. For n = 64 that is every k of at
least 19, where p is 0.001; beyond, the bound stands in."""

NEGLIGIBLE = 1e-30
"""A bound below this says enough; the exact value costs seconds where n is large."""


def strict_lis(sequence: Iterable[int]) -> int:
    """Length of the longest strictly increasing subsequence (patience sorting).

    Strictly: hubs, units that many others match, would make a long one that merely does not fall.
    """
    tails: list[int] = []
    for value in sequence:
        place = bisect_left(tails, value)
        tails[place : place + 1] = [value]
    return len(tails)


def order_bound(n: int, k: int) -> float:
    """C(n, k) / k!: the expected number of increasing subsequences of length k, which bounds P(L >= k)."""
    return min(1.0, math.exp(math.lgamma(n + 1) - math.lgamma(n - k + 1) - 2 * math.lgamma(k + 1)))


@lru_cache(maxsize=1024)
def order_p(n: int, k: int) -> float:
    """P(L >= k) for a random permutation of n: exact where at most ``EXACT_REST`` cells are left, else its bound.

    The bound stands in where it is negligible as well.
    """
    if k <= 1:
        return 1.0
    bound = order_bound(n, k)
    if n - k > EXACT_REST or bound < NEGLIGIBLE:
        return bound
    return min(1.0, sum(_first_row(n, first) for first in range(k, n + 1)))


def _first_row(n: int, first: int) -> float:
    """Probability that the partition's first part is ``first``."""
    rest = _partitions(n - first)
    log_hooks = rest.log_hooks + _row_hooks(first, rest.columns)
    return float(np.exp(math.lgamma(n + 1) - 2.0 * log_hooks[rest.largest <= first]).sum())


@dataclass(frozen=True, slots=True)
class _Partitions:
    """All partitions of a number."""

    columns: NDArray[np.int8]
    """Length of every column, [partitions, cells]."""
    largest: NDArray[np.int64]
    """First part of each."""
    log_hooks: Floats
    """Logarithm of the product of its hook lengths."""


@lru_cache(maxsize=EXACT_REST + 1)
def _partitions(cells: int) -> _Partitions:
    if cells == 0:
        return _Partitions(np.zeros((1, 0), np.int8), np.zeros(1, np.int64), np.zeros(1))
    columns, largest, hooks = [], [], []
    for first in range(1, cells + 1):
        below = _partitions(cells - first)
        fits = below.largest <= first
        own = np.zeros((int(fits.sum()), cells), np.int8)
        own[:, : cells - first] = below.columns[fits]
        hooks.append(below.log_hooks[fits] + _row_hooks(first, below.columns[fits]))
        own[:, :first] += 1
        columns.append(own)
        largest.append(np.full(len(own), first))
    return _Partitions(np.concatenate(columns), np.concatenate(largest), np.concatenate(hooks))


def _row_hooks(first: int, columns: NDArray[np.int8]) -> Floats:
    """Logarithm of the product of a first row's hook lengths, above partitions with these column lengths."""
    legs = np.zeros((len(columns), first), dtype=np.float64)
    shared = min(first, columns.shape[1])
    legs[:, :shared] = columns[:, :shared]
    return np.asarray(np.log(first - np.arange(first) + legs).sum(axis=1))
