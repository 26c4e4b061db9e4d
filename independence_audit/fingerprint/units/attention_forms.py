"""What a layer's attention does to the anchors: which of them look at which, and what they then write.

Σqᵀk and Σov over the heads are the same whatever the order and the size of heads and the basis within each; between
anchors in a frame of their own they stay the same when the residual stream is turned or made wider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Component
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.units.describe import attention_heads
from independence_audit.fingerprint.units.places import Matrix, UnitPlace, spread
from independence_audit.statistics.anchors import root

MOST_WORK = 3 * 10**10
"""Multiplications that attention of all layers may cost, a third of what seeing all units may. Models of a billion
parameters with grouped queries stay below it; of larger ones as many layers are read as fit, spread over the depth."""

LOOKS, WRITES = "looks", "writes"


def attention_forms(
    checkpoint: Checkpoint,
    component: Component,
    places: Sequence[UnitPlace],
    directions: Matrix,
    gram: NDArray[np.float64],
) -> dict[int, Mapping[str, NDArray[np.float32]]]:
    """Both forms [t, t] of as many layers as may be, by layer; layers whose heads cannot be told are left out.

    Args:
        checkpoint: The model.
        component: Whose layers these are.
        places: The layers that may be read.
        directions: E [t, h] of the anchors.
        gram: E Eᵀ.

    Raises:
        ReadError: Bytes could not be read.
    """
    frame = np.asarray(root(gram, -0.5) @ directions, dtype=np.float32)
    found: dict[int, Mapping[str, NDArray[np.float32]]] = {}
    for place in spread(places, MOST_WORK // max(1, 4 * frame.size * _key_rows(places))):
        heads = attention_heads(checkpoint, component, place)
        if heads:
            looks = sum((frame @ q.T) @ (k @ frame.T) for q, k, _, _ in heads)
            writes = sum((frame @ o) @ (v @ frame.T) for _, _, v, o in heads)
            if np.isfinite(looks).all() and np.isfinite(writes).all():
                found[place.layer] = {LOOKS: np.asarray(looks), WRITES: np.asarray(writes)}
    return found


def _key_rows(places: Sequence[UnitPlace]) -> int:
    """Rows of the largest key matrix, which is what is left of queries when those of a key are summed."""
    return max((place.attention["k"].view.row_count for place in places if "k" in place.attention), default=1)
