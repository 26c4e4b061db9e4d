"""What repeats inside one model, found without any reference: layers, experts and widths. It is said, not judged.

Growing one's own model by duplicating layers, cloning experts or copying channels is legitimate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np

from independence_audit.anatomy import Axis, Component
from independence_audit.evidence.measurement import Message, Value
from independence_audit.fingerprint import Sample
from independence_audit.lineage.cells import all_pairs, layer_cells
from independence_audit.lineage.experts import expert_scores, shared_rows
from independence_audit.lineage.layers import TWINS, layer_runs, spans
from independence_audit.lineage.tiles import find_tiles

SURE_Z = 8.0
"""Evidence that two layers or experts must show beside their correlation, so that few values are never enough. Layers
of one model that were drawn apart reach r = 0.02 at most on the examples and real networks."""

FEW_ROLES = 2
"""A layer is a copy of another in more roles than one."""


def repetitions(component: Component, samples: Sequence[Sample]) -> tuple[Message, ...]:
    """Everything that repeats inside a component.

    Args:
        component: The component.
        samples: Its samples.
    """
    return (*_layers(component, samples), *_experts(component, samples), *_widths(component, samples))


def _layers(component: Component, samples: Sequence[Sample]) -> Iterator[Message]:
    cells = layer_cells(samples, samples)
    if len(cells.roles) < FEW_ROLES:
        return
    strength = cells.strength
    alike = (strength >= TWINS) & (cells.evidence >= SURE_Z)
    copies = {}
    values = []
    for row, layer in enumerate(cells.first):
        earlier = np.flatnonzero(alike[row, :row])
        if len(earlier):
            nearest = int(earlier[strength[row, earlier].argmax()])
            copies[layer] = cells.first[nearest]
            values.append(float(strength[row, nearest]))
    if copies:
        data: dict[str, Value] = {"component": component.name, "count": len(copies), "runs": layer_runs(copies)}
        data["r"] = median(values)
        yield Message("repeated.layers", data)


def _experts(component: Component, samples: Sequence[Sample]) -> Iterator[Message]:
    """Experts of one layer that are copies of each other, over all roles that were sampled."""
    pools: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.members > 1 and sample.layer is not None and sample.raw is not None and sample.axis is not Axis.NONE:
            pools[sample.layer].append(sample)
    cloned = {layer: values for layer, held in sorted(pools.items()) if (values := _clones(held))}
    if cloned:
        data: dict[str, Value] = {
            "component": component.name,
            "layers": spans(list(cloned)),
            "count": max(len(values) for values in cloned.values()),
            "experts": max(len(np.unique(sample.experts)) for layer in cloned for sample in pools[layer]),
            "r": median(r for values in cloned.values() for r in values),
        }
        yield Message("repeated.experts", data)


def _clones(pools: Sequence[Sample]) -> list[float]:
    """For every expert of a layer that is a copy of an earlier one, its mean correlation with the nearest."""
    scores = [expert_scores(sample, shared_rows(sample)) for sample in pools]
    known = scores[0][0]
    cells = [all_pairs(one, one) for numbers, one in scores if numbers == known and one.shape[1]]
    if not cells:
        return []
    r = sum(np.nan_to_num(r) for r, _ in cells) / len(cells)
    sure = np.sqrt(sum(np.clip(np.nan_to_num(z), 0.0, None) ** 2 for _, z in cells)) >= SURE_Z
    nearest = np.where(np.tri(len(known), k=-1, dtype=bool) & sure, r, 0.0).max(axis=1)
    return [float(value) for value in nearest if value >= TWINS]


def _widths(component: Component, samples: Sequence[Sample]) -> Iterator[Message]:
    for (axis, width), tile in find_tiles(samples).items():
        data = {"component": component.name, "axis": axis.value, "width": width, "copies": tile.copies}
        yield Message("repeated.widths", {**data, "period": tile.period, "r": tile.r})
