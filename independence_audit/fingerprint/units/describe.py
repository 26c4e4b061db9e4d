"""Describing a search layer's units without anchors: the matrices of its own layer are all that is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from independence_audit.anatomy import Component
from independence_audit.anatomy.settings import count, sections
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.units.matrices import Matrix, is_readable, read_rows, whole_matrix
from independence_audit.fingerprint.units.places import UnitPlace
from independence_audit.statistics.descriptors import Descriptors, residual_matrices, unit_descriptors

MOST_WORK = 1e12
"""Multiplications (18 forms of m units with h x h matrices) that a layer may cost unasked: some 20 seconds on two
cores, reached at h = 2048 with m = 5632 and exceeded by models of 7 billion parameters."""

FORMS = 18


def describe(
    checkpoint: Checkpoint, component: Component, place: UnitPlace, gain: Matrix | None, *, however_large: bool
) -> Descriptors | None:
    """Descriptors of all units of a layer; None without gates, for experts, or where it would take too long.

    Raises:
        ReadError: Bytes could not be read.
    """
    width = place.parts[place.roles[0]][0].view.columns
    single = all(len(parts) == 1 for parts in place.parts.values())
    if place.roles[0] != "gate" or not single:
        return None
    if FORMS * place.count * width**2 > MOST_WORK and not however_large:
        return None
    read: dict[str, Any] = {role: whole_matrix(checkpoint, parts[0]) for role, parts in place.parts.items()}
    scale = np.float32(1.0) if gain is None else gain
    gate, up, down = read["gate"] * scale, read["up"] * scale, np.ascontiguousarray(read["down"].T)
    if not all(np.isfinite(each).all() and each.any(axis=1).all() for each in (gate, up, down)):
        return None
    if width <= 1024:  # noqa: PLR2004  where double precision costs nothing
        gate, up, down = (each.astype(np.float64) for each in (gate, up, down))
    attention = _attention(checkpoint, component, place.attention, width)
    found = unit_descriptors(gate, up, down, residual_matrices(gate, up, down, attention))
    return found if np.isfinite(found.even).all() and np.isfinite(found.odd).all() else None


def _attention(
    checkpoint: Checkpoint, component: Component, parts: Mapping[str, Any], width: int
) -> list[tuple[Matrix, Matrix, Matrix, Matrix]]:
    """q, k, v, o of every head that has a key of its own, its queries summed; empty where heads cannot be told."""
    if not {"q", "k", "v", "o"} <= parts.keys() or not all(is_readable(checkpoint, part) for part in parts.values()):
        return []
    queries, keys = parts["q"].view.row_count, parts["k"].view.row_count
    if parts["v"].view.row_count != keys or parts["o"].view.shape != (width, queries) or queries % keys:
        return []
    group = queries // keys
    size = keys if group == 1 else _head_size(checkpoint.config, component, width)
    if size is None or keys % size:
        return []
    gain = parts.get("attn_norm")
    scale = (
        read_rows(checkpoint, gain, np.zeros(1, dtype=np.int64))
        if gain is not None
        else np.ones((1, width), np.float32)
    )
    if component.family.startswith("gemma"):
        scale = scale + 1
    q, k, v = (whole_matrix(checkpoint, parts[role]) * scale for role in "qkv")
    o = whole_matrix(checkpoint, parts["o"])
    q = q.reshape(-1, group, size, width).sum(axis=1)
    o = o.reshape(width, -1, group, size).sum(axis=2)
    return [(q[i], k[i * size : (i + 1) * size], v[i * size : (i + 1) * size], o[:, i]) for i in range(len(q))]


def _head_size(config: Mapping[str, Any], component: Component, width: int) -> int | None:
    """Size of a head, as the config says."""
    for section in sections(config, component.kind, component.name.split(".")):
        size, heads = count(section, "head_dim"), count(section, "num_attention_heads", "num_heads", "n_head")
        if size or heads:
            return size or width // (heads or 1)
    return None
