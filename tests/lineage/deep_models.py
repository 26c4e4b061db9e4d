"""Models of a few layers by hand: strangers, and copies whose layers were moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample
from tests.lineage.hand_made import noise, sample_of

ROLES = {"q": Axis.RESIDUAL, "gate": Axis.RESIDUAL, "up": Axis.RESIDUAL, "down": Axis.MLP}


def layers(count: int, seed: int, shared: float = 0.0, width: int = 96, rows: int = 16) -> list[Sample]:
    """Layers of four roles, [rows, width] each; ``shared`` mixes in what all layers have in common."""
    common = noise(rows, width, seed=9000 + seed)
    return [
        sample_of(
            (noise(rows, width, seed=10_000 * seed + 10 * layer + number) + shared * common).astype(np.float32),
            layer=layer,
            role=role,
            axis=axis,
            name=f"layers.{layer}.{role}.weight",
        )
        for layer in range(count)
        for number, (role, axis) in enumerate(ROLES.items())
    ]


def taken(samples: Sequence[Sample], order: Sequence[int]) -> list[Sample]:
    """The layers of a model in another order, some left out or used again."""
    return [
        replace(sample, layer=layer, name=f"layers.{layer}.{sample.role}.weight")
        for layer, source in enumerate(order)
        for sample in samples
        if sample.layer == source
    ]


def trained_on(samples: Sequence[Sample], share: float, seed: int) -> list[Sample]:
    """Samples of which noise has taken a share of the variance: r becomes sqrt(1 - share)."""
    return [
        replace(
            sample,
            raw=(
                np.sqrt(1 - share) * sample.values()
                + np.sqrt(share) * noise(*sample.values().shape, seed=seed + number)
            )
            .astype(np.float32)[:, :, None]
            .view(np.uint8),
        )
        for number, sample in enumerate(samples)
    ]
