"""Small gated layers with their attention, and what can be done to them without changing what they compute."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.anchors import whitened_responses
from independence_audit.statistics.descriptors import Descriptors, residual_matrices, unit_descriptors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """Anchors [t, h]; gate, up and down by units [m, h]; q, k, v [d, h] and o [h, d] of every head."""

    anchors: Floats
    gate: Floats
    up: Floats
    down: Floats
    attention: tuple[tuple[Floats, Floats, Floats, Floats], ...]


def layer(seed: int, width: int = 48, units: int = 96, heads: int = 2) -> Layer:
    """A layer whose anchors have one strong direction in common, as token embeddings have."""
    generator = np.random.default_rng(seed)
    anchors = generator.normal(size=(40, width)) + 2 * generator.normal(size=width)
    gate, up, down = generator.normal(size=(3, units, width)) * np.exp(0.3 * generator.normal(size=(3, units, 1)))
    attention = []
    for _ in range(heads):
        q, k, v = generator.normal(size=(3, 8, width))
        attention.append((q, k, v, generator.normal(size=(width, 8))))
    return Layer(anchors, gate, up, down, tuple(attention))


ROLES = ("gate", "up", "down")


def responses(one: Layer) -> dict[str, Floats]:
    """Whitened responses of all units."""
    return {role: whitened_responses(one.anchors, getattr(one, role)) for role in ROLES}


def described(one: Layer) -> Descriptors:
    """Descriptors with the layer's own matrices."""
    return unit_descriptors(one.gate, one.up, one.down, residual_matrices(one.gate, one.up, one.down, one.attention))


def further(one: Layer, amount: float, seed: int) -> Layer:
    """The layer with noise of this size in units, as further training leaves it."""
    generator = np.random.default_rng(seed)
    return replace(
        one,
        **{
            role: getattr(one, role) + amount * generator.normal(size=one.gate.shape) for role in ("gate", "up", "down")
        },
    )


def disguise(one: Layer, seed: int) -> Layer:
    """The layer with its width rotated, units permuted and rescaled, heads permuted, value and output mixed."""
    generator = np.random.default_rng(seed)
    width, units = one.gate.shape[1], len(one.gate)
    turn, _ = np.linalg.qr(generator.normal(size=(width, width)))
    order, scale = generator.permutation(units), np.exp(generator.normal(size=(units, 1)))
    heads = [one.attention[i] for i in generator.permutation(len(one.attention))]
    attention = []
    for q, k, v, o in heads:
        mix = generator.normal(size=(len(v), len(v))) + 4 * np.eye(len(v))
        attention.append((q @ turn, k @ turn, mix @ v @ turn, turn.T @ o @ np.linalg.inv(mix)))
    return Layer(
        one.anchors @ turn,
        one.gate[order] @ turn,
        (one.up * scale)[order] @ turn,
        (one.down / scale)[order] @ turn,
        tuple(attention),
    )
