"""Whitened anchor responses: units seen through anchors, in a frame that does not turn with the residual stream.

For anchors E [t, h] and units w [m, h], R = w Eᵀ and G = E Eᵀ; the rows of R G^(-1/2) stay what they are when the
width is rotated or permuted in both, and nothing in them needs two models of one width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.scores import Floats

FLAT = 1e-10
"""Eigenvalues below this share of the largest are rounding: fewer anchors are independent than were taken."""


def root(gram: NDArray[np.floating], power: float) -> Floats:
    """A power of a symmetric positive semidefinite matrix [t, t]; its null space stays null.

    Args:
        gram: E Eᵀ.
        power: -0.5 to whiten, 0.5 to undo it.
    """
    values, vectors = np.linalg.eigh(np.asarray(gram, dtype=np.float64))
    keep = values > max(float(values.max(initial=0.0)) * FLAT, 1e-300)
    return np.asarray((vectors[:, keep] * values[keep] ** power) @ vectors[:, keep].T)


def whitened(responses: NDArray[np.floating], gram: NDArray[np.floating]) -> Floats:
    """Raw responses [m, t] to anchors with this Gram matrix [t, t] in an orthonormal frame: [m, t], unit rows."""
    return unit_rows(responses @ root(gram, -0.5))


def whitened_responses(anchors: NDArray[np.floating], units: NDArray[np.floating]) -> Floats:
    """Whitened responses of units [m, h] to anchors [t, h]: [m, t], unit rows."""
    return whitened(units @ anchors.T, anchors @ anchors.T)


def unit_rows(matrix: NDArray[np.floating]) -> Floats:
    """Rows of length one; a row of zeros stays one."""
    return np.asarray(matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12))
