"""A training in numpy: weights that decay, and grow along directions that rows share, as gradients do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint
from tests.training.hand_made import drawn, fingerprint_of, sample_of

Weights = Mapping[str, np.ndarray]
"""Matrices by role, of one layer."""
ROLES = ("q", "k", "up", "down")
SAVES = 9


def training(
    seed: int, saves: int = SAVES, shape: tuple[int, int] = (64, 128), kept: float = 0.99
) -> list[dict[str, np.ndarray]]:
    """Checkpoints from an initial draw on; the directions of the updates turn slowly, as those of gradients do.

    Args:
        seed: Of the draw and of the updates.
        saves: How many.
        shape: Of every matrix.
        kept: What decay leaves of the weights from one checkpoint to the next.
    """
    random = np.random.default_rng(seed)
    weights = {role: drawn(seed * 100 + number, *shape) for number, role in enumerate(ROLES)}
    directions = {role: (random.normal(size=(shape[0], 6)), random.normal(size=(6, shape[1]))) for role in ROLES}
    saved = [dict(weights)]
    for _ in range(saves - 1):
        for role in ROLES:
            left, right = directions[role]
            left = 0.6 * left + 0.8 * random.normal(size=left.shape)
            right = 0.6 * right + 0.8 * random.normal(size=right.shape)
            directions[role] = left, right
            update = left @ right + 0.3 * random.normal(size=shape)
            weights[role] = kept * weights[role] + 0.0025 * update
        saved.append(dict(weights))
    return saved


def seen(
    trajectory: Sequence[Weights], component: str = "model", every: int = 10, dtype: str = "F32"
) -> list[ScannedCheckpoint]:
    """A simulated training as checkpoints, with a gain that moves from one."""
    return [
        ScannedCheckpoint(
            f"step-{number * every}", number * every, fingerprint_of(samples_of(weights, number, component, dtype))
        )
        for number, weights in enumerate(trajectory)
    ]


def samples_of(weights: Weights, number: int, component: str = "model", dtype: str = "F32") -> list:
    """The samples of one checkpoint."""
    gain = 1.0 + 0.01 * number * np.linspace(-1, 1, 128)
    return [
        *(sample_of(values, role, 0, component=component, dtype=dtype) for role, values in weights.items()),
        sample_of(gain, "attn_norm", 0, component=component, dtype=dtype),
    ]
