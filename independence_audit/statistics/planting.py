"""Units as a copy would show them whose every weight has drifted to cosine r: what a positive control is made of.

A drifted copy has e' = r e + s |e| n/√h for every anchor e and w' = r w + s |w| n/√h for every unit w, with
s = sqrt(1 - r²) and n standard normal in the width h. What is known of the reference is its Gram matrix G = E Eᵀ and
whitened responses: with G = V Λ Vᵀ of rank q, E is V Λ^(1/2) in some orthonormal basis of the q directions that anchors
span, and a unit's part there is its response ρ, turned by V. The rest of E is zero and of w unknown: a unit of length
one is taken to have the share q/h of its energy in the span, as a direction at random has. Outside of the span a unit's
response is normal, with the covariance of the drifted anchors' parts there, which is a Wishart matrix.
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
        self._width = width
        self._basis = vectors[:, kept].astype(np.float32)
        self._anchors = (vectors[:, kept] * np.sqrt(values[kept])).astype(np.float32)
        self._sizes = np.sqrt(np.diag(gram)).astype(np.float32)[:, None]

    def draw(self, units: Mapping[str, NDArray[np.floating]], r: float, rng: np.random.Generator) -> dict[str, Singles]:
        """Whitened responses of drifted units to drifted anchors, [k, t] by role, unit rows.

        Args:
            units: Whitened responses [k, t] of the reference's units to its anchors, unit rows.
            r: Cosine of every weight with what it was.
            rng: What draws.
        """
        anchors, spanned = len(self._sizes), self._basis.shape[1]
        drift = self._sizes * np.float32(math.sqrt((1.0 - r * r) / self._width))
        inside = np.float32(r) * self._anchors + drift * rng.standard_normal((anchors, spanned), dtype=np.float32)
        outside = drift * _wishart_root(anchors, self._width - spanned, rng)
        whiten = root(inside @ inside.T + outside @ outside.T, -0.5).astype(np.float32)
        noise = (1.0 - r * r) / self._width
        rest = r * r * (1.0 - spanned / self._width) / max(1, self._width - spanned)
        drawn = {}
        for role, rows in units.items():
            part = np.float32(r * math.sqrt(spanned / self._width)) * (rows.astype(np.float32) @ self._basis)
            part += np.float32(math.sqrt(noise)) * rng.standard_normal(part.shape, dtype=np.float32)
            raw = part @ inside.T
            strange = rng.standard_normal((len(rows), outside.shape[1]), dtype=np.float32)
            raw += np.float32(math.sqrt(noise + rest)) * (strange @ outside.T)
            drawn[role] = np.asarray(unit_rows(raw @ whiten), dtype=np.float32)
        return drawn


def _wishart_root(size: int, degrees: int, rng: np.random.Generator) -> Singles:
    """A with A Aᵀ distributed as N Nᵀ of standard normal N [size, degrees] (Bartlett's decomposition)."""
    if degrees < size:
        return rng.standard_normal((size, degrees), dtype=np.float32)
    lower = np.tril(rng.standard_normal((size, size), dtype=np.float32), -1)
    lower[np.diag_indices(size)] = np.sqrt(rng.chisquare(degrees - np.arange(size)))
    return lower
