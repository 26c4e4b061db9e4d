"""The layer map: which layer of a reference each layer of the subject comes from, and what such a map amounts to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from independence_audit.lineage.cells import LayerCells
from independence_audit.statistics.scores import Floats

MARGIN = 2.0
"""How many times as strong as any other layer the right one must be. Layers of one lineage share a residual basis, so
that wrong ones are not null between relatives."""

TWINS = 0.5
"""Mean r from which two layers of one model are copies of each other, as duplication leaves them."""


def choose_layers(cells: LayerCells, twins: Floats | None, least: float) -> dict[int, int]:
    """For every layer of the subject the layer of the reference that is by far the strongest.

    Args:
        cells: Subject layers against reference layers.
        twins: Mean r of the reference's layers among themselves, [layers, layers]: copies are no rivals of each other,
            and of several the one that continues the layer before is taken. None where they are not known.
        least: Evidence below which a cell can never be found.
    """
    strength, evidence = cells.strength, cells.evidence
    chosen: dict[int, int] = {}
    before = -1
    for row, layer in enumerate(cells.first):
        best = int(strength[row].argmax())
        alike = np.arange(strength.shape[1]) == best
        if twins is not None:
            alike |= twins[best] >= TWINS
        rivals = strength[row][~alike]
        rival = float(rivals.max()) if len(rivals) else 0.0
        if evidence[row, best] < least or strength[row, best] < MARGIN * rival or strength[row, best] <= 0.0:
            continue
        before = _continuing(strength[row], best, alike, (before + 1, row))
        chosen[layer] = cells.second[before]
    return chosen


def _continuing(strength: Floats, best: int, alike: Floats, wished: Sequence[int]) -> int:
    """Of layers that are copies of each other, and as strong, the one that continues the map."""
    for column in wished:
        if column < len(strength) and alike[column] and strength[column] >= strength[best] * (1 - 1e-9):
            return column
    return best


def map_kind(layer_map: Mapping[int, int], reference_layers: Sequence[int]) -> str:
    """What a map of subject layers to reference layers is, in a word.

    ``identity``, ``shifted`` (all by one number), ``pruned`` (in order, layers missing between or behind),
    ``interleaved`` (every layer followed by its copies), ``duplicated`` (layers used again later on) or ``reordered``.
    """
    pairs = sorted(layer_map.items())
    targets = [target for _, target in pairs]
    if all(layer == target for layer, target in pairs):
        missing = set(reference_layers) - set(targets)
        return "pruned" if missing and len(pairs) < len(reference_layers) else "identity"
    if len(set(targets)) < len(targets):
        return "interleaved" if targets == sorted(targets) else "duplicated"
    if len({target - layer for layer, target in pairs}) == 1 and len(pairs) >= len(reference_layers):
        return "shifted"
    if targets == sorted(targets):
        return "pruned" if len(set(reference_layers) - set(targets)) > 0 else "grown"
    return "reordered"


def layer_runs(layer_map: Mapping[int, int]) -> str:
    """A map in words: ``0-3 from 0-3, 4-6 from 6-8``."""
    pairs = sorted(layer_map.items())
    starts = [0] + [
        index
        for index, (one, other) in enumerate(pairwise(pairs), 1)
        if (other[0] - one[0], other[1] - one[1]) != (1, 1)
    ]
    runs = [pairs[start:stop] for start, stop in pairwise([*starts, len(pairs)])]
    return ", ".join(f"{_span(run[0][0], run[-1][0])} from {_span(run[0][1], run[-1][1])}" for run in runs)


def spans(layers: Sequence[int]) -> str:
    """Layer numbers in words: ``2, 5-7``."""
    ordered = sorted(layers)
    starts = [0] + [index for index, (one, other) in enumerate(pairwise(ordered), 1) if other != one + 1]
    runs = [ordered[start:stop] for start, stop in pairwise([*starts, len(ordered)])]
    return ", ".join(_span(run[0], run[-1]) for run in runs if run)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
