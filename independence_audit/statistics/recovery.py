"""Recovering how one residual stream was turned into another, and a check after alignment behind that turn.

From the units of two layers that were matched, the turn is the orthogonal matrix that takes one role's rows on one side
nearest to those on the other (Schönemann, 1966). Any two sets of rows have such a matrix, so what it was fitted on says
nothing; the other roles of the units, and attention, were not asked and do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import unit_rows

Matrix = NDArray[np.floating]

UNRELATED_OTHERS, UNRELATED_ATTENTION = 0.12, 0.21
"""Largest |r| of other roles and of attention behind a basis recovered between unrelated models (docs/benchmark.md,
``python -m benchmarks.lineage``)."""


@dataclass(frozen=True, slots=True)
class AlignmentCheck:
    """What lies behind a recovered turn."""

    units: int
    """Matched units that it was fitted on."""
    fitted: float
    """Mean cosine of the role that it was fitted on, which any two models reach in part."""
    others: float
    """Likeness of the units' other roles: 0 on average between unrelated models, 1 for a copy."""
    attention: float | None
    """Correlation of the matrices of attention, Σqᵀk and Σov; None where there are none."""


def recovered_rotation(first: Matrix, second: Matrix) -> Matrix:
    """The orthogonal [h, h] that takes rows second [k, h] nearest to first [k, h]: second @ turn ~ first."""
    left, _, right = np.linalg.svd(unit_rows(second).T @ unit_rows(first))
    return np.asarray(left @ right)


def check_after_alignment(
    first: Sequence[Matrix],
    second: Sequence[Matrix],
    attention: Sequence[tuple[Matrix, Matrix]] = (),
) -> AlignmentCheck:
    """Fit the turn on the first role of matched units, and look at everything else behind it.

    Args:
        first: Rows [k, h] of every role of one side's units, gains folded.
        second: The same of the other side, each unit beside its match.
        attention: Pairs of [h, h] matrices that turn with the residual stream on both sides.
    """
    rotation = recovered_rotation(first[0], second[0])
    cosines = [_dot(unit_rows(mine), unit_rows(theirs @ rotation)) for mine, theirs in zip(first, second, strict=True)]
    likeness = [_correlation(mine, rotation.T @ theirs @ rotation) for mine, theirs in attention]
    return AlignmentCheck(
        units=len(first[0]),
        fitted=float(cosines[0].mean()),
        others=_likeness(cosines[1:]),
        attention=float(np.mean(likeness)) if likeness else None,
    )


def _likeness(cosines: Sequence[Matrix]) -> float:
    """The mean cosine of one role; of up and down the root of their mean product, which no unit's sign changes."""
    if len(cosines) == 1:
        return float(cosines[0].mean())
    product = float(np.prod(cosines, axis=0).mean())
    return float(np.copysign(np.sqrt(abs(product)), product))


def _correlation(first: Matrix, second: Matrix) -> float:
    """Cosine of two [h, h] matrices without their traces, which no turn changes."""
    x, y = (each - np.trace(each) / len(each) * np.eye(len(each)) for each in (first, second))
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float((x * y).sum()) / size if size > 0.0 else 0.0


def _dot(first: Matrix, second: Matrix) -> Matrix:
    return np.asarray(np.einsum("ij,ij->i", first, second))
