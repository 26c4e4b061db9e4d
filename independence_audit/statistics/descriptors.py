"""Units told apart without anchors: numbers that no rotation, permutation, rescaling or value/output mixing changes.

The cosines among a unit's folded gate, up and down directions, and their quadratic forms with the h x h matrices that
turn with the residual stream. Forms even in (up, down) say which unit it is; forms odd in it carry a sign that is
random between unrelated models: match by the even ones, test the odd ones at the match.

Units of layers without gates told apart without anchors: numbers that no rotation and no permutation changes.

GELU lets neither signs nor scales pass, so that nothing here has a random sign between unrelated models: a unit is
looked for twice, by its row of fc1 and by its column of fc2, and how often both find the same one is counted
(empirical).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import unit_rows
from independence_audit.statistics.leaning import controlled_z, leans, without_lean
from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.scores import Floats
from independence_audit.statistics.units import sign_p, sign_z

Matrix = NDArray[np.floating]

WEAK = 1e-3
"""Directions of the reference's descriptors with a smaller share of the largest variance are left out: noise."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """Standardised descriptors of a layer's units."""

    even: Matrix
    """[m, F]: unchanged by (up, down) -> -(up, down)."""
    odd: Matrix
    """[m, G]: changes sign with it."""


@dataclass(frozen=True, slots=True)
class DescriptorTest:
    """What the descriptors of two layers come to."""

    z: float
    """Of the signs at the matches; without a p-value, of what they show beyond random and near matches."""
    p_value: float | None
    """Rigorous, exp(-z²/2), where blocks have the symmetry and no side leans: given the reference, everything is linear
    in the subject's signs. None elsewhere."""
    agreement: int
    """Units that even and |odd| descriptors match with the same one; empirical."""
    agreed: int
    """How many different ones these are."""
    units: int


def residual_matrices(
    gate: Matrix, up: Matrix, down: Matrix, attention: Sequence[tuple[Matrix, Matrix, Matrix, Matrix]] = ()
) -> list[Matrix]:
    """The [h, h] matrices of one layer that turn with its residual stream and ignore order, scale and mixing of units.

    Args:
        gate: Units [m, h] with the norm's gain folded in.
        up: The same.
        down: Units [m, h].
        attention: For every query head q [d, h], k, v of its group [d, h] (gain folded) and o [h, d].
    """
    u, d = unit_rows(up), unit_rows(down)
    weight = (np.linalg.norm(up, axis=1) * np.linalg.norm(down, axis=1))[:, None]  # survives up * c, down / c
    matrices = [gate.T @ gate, (u * weight).T @ u, (d * weight).T @ d, (u * weight).T @ d]
    if attention:
        scores, values = np.zeros_like(matrices[0]), np.zeros_like(matrices[0])
        for q, k, v, o in attention:
            scores += q.T @ k
            values += o @ v
        matrices += [scores, values]
    return matrices


def unit_descriptors(gate: Matrix, up: Matrix, down: Matrix, matrices: Sequence[Matrix]) -> Descriptors:
    """Descriptors of units [m, h], gains folded; no embeddings and no tokenizer are needed."""
    g, u, d = unit_rows(gate), unit_rows(up), unit_rows(down)
    sizes = [np.linalg.norm(each, axis=1) for each in (gate, up, down)]
    even = [np.log(np.maximum(sizes[0], 1e-30)), np.log(np.maximum(sizes[1] * sizes[2], 1e-30)), _dot(u, d)]
    odd = [_dot(g, u), _dot(g, d)]
    for matrix in matrices:
        by_gate, by_up, by_down = g @ matrix, u @ matrix, d @ matrix
        even += [_dot(by_gate, g), _dot(by_up, u), _dot(by_down, d), _dot(by_up, d), _dot(by_down, u)]
        odd += [_dot(by_gate, u), _dot(by_up, g), _dot(by_gate, d), _dot(by_down, g)]
    e, o = np.stack(even, axis=1), np.stack(odd, axis=1)
    return Descriptors(
        np.asarray((e - e.mean(axis=0)) / np.maximum(e.std(axis=0), 1e-30)),
        np.asarray(o / np.maximum(o.std(axis=0), 1e-30)),
    )


def descriptor_test(
    reference: Descriptors, subject: Descriptors, units: NDArray[np.int64] | None = None, *, symmetric: bool
) -> DescriptorTest:
    """Match units by what is even in (up, down), and test the sign of what is odd at the match.

    Where signs are not left to chance on both sides, what is odd is first freed of all that the even explain of it, and
    held against random and near matches.

    Args:
        reference: Its descriptors, whose covariance whitens both.
        subject: Its descriptors.
        units: Which units of the reference are looked for; all of them by default.
        symmetric: Whether (up, down) -> -(up, down) is a symmetry of both sides' blocks.
    """
    rigorous = symmetric and not any(leans(side.odd, _white(side.even)) for side in (reference, subject))
    one, other = (
        (side.odd if rigorous else without_lean(side.odd, _white(side.even))) for side in (reference, subject)
    )
    odd, even = _cosines(one, _by_size(other), units), _cosines(reference.even, subject.even, units)
    found = match(even)
    i, j = found.one_to_one()
    z = sign_z(odd[i, j]) if rigorous else controlled_z(odd, even, found)
    same = np.abs(odd).argmax(axis=1) == found.place
    return DescriptorTest(
        z=z,
        p_value=sign_p(z) if rigorous else None,
        agreement=int(same.sum()),
        agreed=len(np.unique(found.place[same])),
        units=len(found.place),
    )


def even_match(reference: Descriptors, subject: Descriptors, units: NDArray[np.int64] | None = None) -> Match:
    """For every unit of the reference that is looked for, the subject's that is nearest by what has no sign."""
    return match(_cosines(reference.even, subject.even, units))


def _cosines(reference: Matrix, subject: Matrix, units: NDArray[np.int64] | None) -> Floats:
    frame = _frame(reference)
    chosen = reference if units is None else reference[units]
    return np.asarray(unit_rows(chosen @ frame) @ unit_rows(subject @ frame).T)


def _white(features: Matrix) -> Floats:
    """Features [m, F] in their own frame, the strongest directions first."""
    return np.asarray(features @ _frame(features)[:, ::-1])


def _by_size(odd: Matrix) -> Matrix:
    """Odd descriptors in units of their root mean square, which no unit's sign changes; their spread would."""
    return np.asarray(odd / np.maximum(np.sqrt(np.square(odd).mean(axis=0)), 1e-30))


def _frame(features: Matrix) -> Floats:
    """What whitens features [m, F] by their own covariance, weak directions left out."""
    values, vectors = np.linalg.eigh(np.cov(features.T))
    keep = values > values.max() * WEAK
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]))


def _dot(first: Matrix, second: Matrix) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", first, second))


SMALLEST = 1e-30


def plain_matrices(
    fc1: Matrix, fc2: Matrix, attention: Sequence[tuple[Matrix, Matrix, Matrix, Matrix]] = ()
) -> list[Matrix]:
    """The [h, h] matrices of one layer that turn with its residual stream and ignore the order of units.

    Args:
        fc1: Units [m, h] with the norm's gain folded in.
        fc2: Units [m, h].
        attention: For every head q, k, v [d, h] (gain folded) and o [h, d].
    """
    matrices: list[Matrix] = [fc1.T @ fc1, fc2.T @ fc2, fc1.T @ fc2]
    if attention:
        scores, values = np.zeros_like(matrices[0]), np.zeros_like(matrices[0])
        for q, k, v, o in attention:
            scores += q.T @ k
            values += o @ v
        matrices += [scores, values]
    return matrices


def plain_descriptors(fc1: Matrix, fc2: Matrix, matrices: Sequence[Matrix]) -> Descriptors:
    """Descriptors of units [m, h]: those of fc1 as the first, those of fc2, as many, as the second."""
    return Descriptors(_of(fc1, matrices), _of(fc2, matrices))


def _of(units: Matrix, matrices: Sequence[Matrix]) -> Matrix:
    """A unit's size, and what every matrix makes of its direction x: x·Mx, |Mx| and |Mᵀx|; standardised."""
    x = unit_rows(units)
    found = [_log(units)]
    for matrix in matrices:
        turned = x @ matrix
        found += [np.einsum("ij,ij->i", turned, x), _log(turned), _log(x @ matrix.T)]
    values = np.stack(found, axis=1)
    return np.asarray((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), SMALLEST))


def _log(vectors: Matrix) -> Floats:
    return np.asarray(np.log(np.maximum(np.linalg.norm(vectors, axis=1), SMALLEST)))
