"""Units of layers without gates told apart without anchors: numbers that no rotation and no permutation changes.

GELU lets neither signs nor scales pass, so that nothing here has a random sign between strangers: a unit is looked for
twice, by its row of fc1 and by its column of fc2, and how often both find the same one is counted (empirical).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from independence_audit.statistics.anchors import unit_rows
from independence_audit.statistics.descriptors import Descriptors, Matrix
from independence_audit.statistics.scores import Floats

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
