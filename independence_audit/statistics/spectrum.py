"""The spectral profile: weights that share training told from weights that share no more than an initial draw.

A draw survives in the bulk of a matrix's spectrum, training lives at its top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

TOP = 8
"""Leading singular directions in which training is looked for."""

NEGLIGIBLE = 1e-6
"""Size of a direction, relative to the largest, that the Gram matrix no longer holds: its square is near rounding."""

TRAINED_TOP = 0.5
DRAWN_TOP = 0.35
DRAWN_LOW = 0.5
"""Measured on small trained language models: separately trained from one seed 0.04-0.35 at the top, fine-tuned and
continued copies 0.8-1; on the lineage benchmark's models 0.40 and 0.99-1.18. Between the limits it stays unresolved."""


BEYOND_DRAW = 1.5
"""How far beyond the edge of a random matrix's spectrum the reference's leading eight squared singular values must lie
on the mean, so that a draw cannot be what it keeps at the top. For A = D + θuvᵀ with D the draw (of unit spectrum,
square) and training apart in B = D + ..., uᵀBv/σ of A's leading direction is 2/(θ² + 1), and σ² = (θ + 1/θ)²: it falls
to one half at σ² = 5.3, 1.33 times the edge 4 (Baik, Ben Arous and Péché, Annals of Probability 2005). Trained examples
have 2.9 to 7.9."""


class Shared(StrEnum):
    """What two related matrices share."""

    TRAINING = "training"
    DRAW = "draw"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True)
class Profile:
    """How far one matrix's singular directions live in another."""

    top: float
    """Mean over the leading eight."""
    low: float
    """Mean over the band n/2 to 3n/4."""
    strength: float
    """Mean of the first matrix's leading eight squared singular values, in those of the largest of a random matrix of
    its shape and median."""


def shared_by(profile: Profile) -> Shared:
    """What a profile says; nothing, where training of the first matrix's model is not seen at its top."""
    if profile.top >= TRAINED_TOP and profile.strength >= BEYOND_DRAW:
        return Shared.TRAINING
    return Shared.DRAW if profile.top <= DRAWN_TOP and profile.low >= DRAWN_LOW else Shared.UNRESOLVED


def spectral_profile(first: NDArray[np.floating], second: NDArray[np.floating]) -> Profile | None:
    """u_iᵀ B v_i / σ_i over the singular directions of A.

    Args:
        first: A [rows, columns], of the trained reference.
        second: B, of the same shape.

    Returns:
        None where A has too few directions, no value other than zero in the bands, or one of both an infinite value.
    """
    a, b = (np.asarray(matrix, dtype=np.float64) for matrix in (first, second))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    if a.shape[0] > a.shape[1]:
        a, b = a.T, b.T
    # With A = U S Vᵀ, v_i = Aᵀ u_i / σ_i: the small Gram AAᵀ tells all, several times faster than A itself.
    squares, left = np.linalg.eigh(a @ a.T)
    squares, left = squares[::-1], left[:, ::-1]
    n = len(squares)
    if n < 4 * TOP or squares[3 * n // 4 - 1] <= squares[0] * NEGLIGIBLE**2:
        return None
    shares = np.einsum("ji,ji->i", left, (b @ a.T) @ left) / np.maximum(squares, 1e-300)
    strength = float(squares[:TOP].mean() / (np.median(squares) * _edge(n / a.shape[1])))
    return Profile(float(shares[:TOP].mean()), float(shares[n // 2 : 3 * n // 4].mean()), strength)


@lru_cache(maxsize=256)
def _edge(ratio: float) -> float:
    """Largest squared singular value of a random matrix, in medians of them (Marchenko and Pastur, 1967).

    Args:
        ratio: Rows by columns, at most 1.
    """
    low, high = (1.0 - math.sqrt(ratio)) ** 2, (1.0 + math.sqrt(ratio)) ** 2
    turn = (np.arange(4096) + 0.5) * math.pi / 4096  # x = middle - half * cos(turn) makes the density's edges smooth
    x = (low + high) / 2 - (high - low) / 2 * np.cos(turn)
    mass = np.cumsum(np.sin(turn) ** 2 / x)
    return high / float(x[np.searchsorted(mass, mass[-1] / 2)])
