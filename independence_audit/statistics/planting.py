"""Units as a copy would show them whose every weight has drifted to cosine r: what a positive control is made of.

A drifted copy has e' = r e + s |e| n/√h for every anchor e and w' = r w + s |w| n/√h for every unit w, with
s = sqrt(1 - r²) and n standard normal in the width h. What is known of the reference is its Gram matrix G = E Eᵀ and
whitened responses: with G = V Λ Vᵀ of rank q, E is V Λ^(1/2) in some orthonormal basis of the q directions that anchors
span, and a unit's part there is its response ρ, turned by V. The rest of E is zero and of w unknown: a unit of length
one is taken to have the share q/h of its energy in the span, as a direction at random has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import FLAT, root, unit_rows

Singles = NDArray[np.float32]


class Planting:
    """Draws drifted copies of a reference's units, as its drifted anchors see them."""

    def __init__(self, gram: NDArray[np.floating], width: int) -> None:
        """Begin.

        Args:
            gram: E Eᵀ [t, t] of the reference's anchors.
            width: The residual width h of the reference.
        """
        values, vectors = np.linalg.eigh(np.asarray(gram, dtype=np.float64))
        strongest = np.argsort(values)[::-1][:width]
        kept = strongest[values[strongest] > max(float(values.max(initial=0.0)) * FLAT, 1e-300)]
        self._width = max(width, len(kept))
        self._basis = vectors[:, kept].astype(np.float32)
        self._anchors = (vectors[:, kept] * np.sqrt(values[kept])).astype(np.float32)
        self._sizes = np.sqrt(np.diag(gram)).astype(np.float32)

    def draw(self, units: Mapping[str, NDArray[np.floating]], r: float, rng: np.random.Generator) -> dict[str, Singles]:
        """Whitened responses of drifted units to drifted anchors, [k, t] by role, unit rows.

        Args:
            units: Whitened responses [k, t] of the reference's units to its anchors, unit rows.
            r: Cosine of every weight with what it was.
            rng: What draws.
        """
        spread = math.sqrt(1.0 - r * r)
        drift = rng.standard_normal((len(self._sizes), self._width), dtype=np.float32)
        anchors = drift * (self._sizes[:, None] * np.float32(spread / math.sqrt(self._width)))
        anchors[:, : self._anchors.shape[1]] += np.float32(r) * self._anchors
        whiten = root(anchors @ anchors.T, -0.5).astype(np.float32)
        return {role: self._drifted(rows, r, rng, anchors, whiten) for role, rows in units.items()}

    def _drifted(
        self, rows: NDArray[np.floating], r: float, rng: np.random.Generator, anchors: Singles, whiten: Singles
    ) -> Singles:
        spanned = self._basis.shape[1]
        share = spanned / self._width
        outside = r * r * (1.0 - share) / max(1, self._width - spanned)
        noise = (1.0 - r * r) / self._width
        sd = np.full(self._width, math.sqrt(noise + outside), dtype=np.float32)
        sd[:spanned] = math.sqrt(noise)
        drifted = rng.standard_normal((len(rows), self._width), dtype=np.float32) * sd
        drifted[:, :spanned] += np.float32(r * math.sqrt(share)) * (rows.astype(np.float32) @ self._basis)
        return np.asarray(unit_rows(drifted @ anchors.T @ whiten), dtype=np.float32)
