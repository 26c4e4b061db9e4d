"""Rows in another order: kernels with height and width exchanged, and gates of recurrent layers in another order.

Each is a fixed permutation of a matrix's rows that some library or format uses; it is tried where a pair is not found
as it stands.

Experts in another order: which expert of a reference's layer each expert of a subject's layer comes from.

What repeats inside one model, found without any reference: layers, experts and widths. It is said, not judged.

Growing one's own model by duplicating layers, cloning experts or copying channels is legitimate.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from statistics import median

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Component
from independence_audit.evidence.measurement import Message, Value
from independence_audit.fingerprint import Sample
from independence_audit.lineage.layer_scores import (
    TWINS,
    LayerScores,
    RoleScores,
    all_pairs,
    layer_runs,
    score_matrices,
    spans,
)
from independence_audit.lineage.outcomes import Undone
from independence_audit.lineage.width_replication import find_replications
from independence_audit.statistics.scores import Floats

Rows = NDArray[np.int64]

SIDES = (2, 3, 4, 5, 7)
"""Sides of square kernels that are tried; one of 1 has nothing to exchange."""

GATES = (4, 3)
"""Gates of an LSTM and of a GRU: PyTorch has i f g o and r z n, ONNX i o f c, TensorFlow i c f o, and z r h."""

RECURRENT = re.compile(r"lstm|gru|rnn|recurrent|weight_(ih|hh)|bias_(ih|hh)", re.IGNORECASE)

KERNELS = re.compile(r"conv|kernel|generic:", re.IGNORECASE)

RIGHT = 0.95
"""Correlation in the order in which it stands from which no other order is tried: none could be stronger by the
margin that is asked for."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """One order of the rows of a matrix."""

    undone: Undone | None
    """What it undoes; None as it stands."""
    rows: Rows
    """For every row of the reference's sample the row at which the subject would hold it."""


def arrangements(mine: Sample, theirs: Sample) -> Iterator[Arrangement]:
    """The orders of rows that are tried for a pair of samples."""
    if mine.shape != theirs.shape or mine.members > 1:
        return
    height = theirs.shape[0]
    if RECURRENT.search(mine.role) or RECURRENT.search(mine.name):
        for gates in GATES:
            if height % gates == 0 and (height == gates or height // gates > 1):
                units = height // gates
                for order in list(permutations(range(gates)))[1:]:
                    place = np.array(order)[theirs.rows // units] * units + theirs.rows % units
                    yield Arrangement(Undone.GATES, place)
    elif KERNELS.search(mine.role):
        yield from (Arrangement(Undone.KERNEL_SIDES, rows) for rows in _swaps(theirs, height))


def _swaps(theirs: Sample, height: int) -> Iterator[Rows]:
    """Rows [outputs, side, side], and those of a matrix behind the flattened map [side, side, channels]."""
    for side in SIDES:
        if height % side**2:
            continue
        inner = height // side**2
        tap = theirs.rows % side**2
        yield theirs.rows - tap + (tap % side) * side + tap // side
        if inner > 1:
            place, channel = theirs.rows // inner, theirs.rows % inner
            yield ((place % side) * side + place // side) * inner + channel


def best_arrangement(mine: Sample, theirs: Sample, least: float, margin: float) -> tuple[Sample, Undone | None, int]:
    """The reference's sample in the order that makes it by far the most like the subject's.

    Args:
        mine: The subject's sample.
        theirs: The reference's, as it stands.
        least: z below which an order can never be found.
        margin: How many times as strong as every other order it must be, that in which it stands among them.

    Returns:
        The sample, what was undone, and how many orders were tried; the sample as it stands and None where no order is
        that much better.
    """
    tried = [Arrangement(None, theirs.rows), *arrangements(mine, theirs)]
    if (
        len(tried) == 1
        or mine.raw is None
        or theirs.raw is None
        or mine.start != theirs.start
        or mine.stop != theirs.stop
    ):
        return theirs, None, 0
    results = [_agreement(mine, theirs, each.rows) for each in tried]
    best = max(range(len(tried)), key=lambda index: results[index][0])
    strength, z = results[best]
    rivals = [
        result
        for index, (result, _) in enumerate(results)
        if index != best and not np.array_equal(tried[index].rows, tried[best].rows)
    ]
    if not tried[best].undone or z < least or strength < margin * max(rivals, default=0.0):
        return theirs, None, len(tried) - 1
    return replace(theirs, rows=tried[best].rows), tried[best].undone, len(tried) - 1


def _agreement(mine: Sample, theirs: Sample, rows: Rows) -> tuple[float, float]:
    """r and z over the rows that both hold, the reference's at other places; nothing where they share none."""
    _, ours, others = np.intersect1d(mine.rows, rows, assume_unique=True, return_indices=True)
    if not len(ours):
        return 0.0, 0.0
    r, z = (float(value[0, 0]) for value in all_pairs(mine.scores[ours][None], theirs.scores[others][None]))
    return (r, z) if math.isfinite(z) else (0.0, 0.0)


ROUTER = "router"
"""The role whose rows are experts."""

EXPERT = "expert."
"""How the roles of pooled experts begin."""


def expert_score_matrix(mine: Iterable[Sample], theirs: Iterable[Sample]) -> LayerScores | None:
    """Every expert of one layer against every expert of another; None where either layer has none.

    The cells are those of layers, with experts in their place: pooled matrices and the router's rows are the roles.
    """
    others = {sample.role: sample for sample in theirs if _has_experts(sample)}
    pairs = [(sample, others[sample.role]) for sample in mine if _has_experts(sample) and sample.role in others]
    pairs = [(one, other) for one, other in pairs if one.shape[1] == other.shape[1] and one.start == other.start]
    taken = [(one.role, _by_expert(one, other)) for one, other in pairs]
    first = sorted({number for _, (numbers, _, _, _) in taken for number in numbers})
    second = sorted({number for _, (_, _, numbers, _) in taken for number in numbers})
    if not first or not second:
        return None
    roles = {}
    for role, (ours, x, numbers, y) in taken:
        r, z = (np.full((len(first), len(second)), np.nan) for _ in range(2))
        place = np.ix_([first.index(one) for one in ours], [second.index(one) for one in numbers])
        r[place], z[place] = all_pairs(x, y)
        roles[role] = RoleScores(r, z)
    return LayerScores(tuple(first), tuple(second), roles)


def _has_experts(sample: Sample) -> bool:
    if sample.raw is None or sample.axis is Axis.NONE or not len(sample.rows):
        return False
    return sample.role == ROUTER or (sample.role.startswith(EXPERT) and sample.shape[0] > 1)


def _by_expert(mine: Sample, theirs: Sample) -> tuple[list[int], Floats, list[int], Floats]:
    """The experts of two samples of one role and their scores, [experts, rows, columns], over rows that all have."""
    if mine.role == ROUTER:
        return (*_router_scores(mine), *_router_scores(theirs))
    shared = np.array(sorted(set(shared_rows(mine)) & set(shared_rows(theirs))), dtype=np.int64)
    return (*expert_scores(mine, shared), *expert_scores(theirs, shared))


def _router_scores(sample: Sample) -> tuple[list[int], Floats]:
    return sample.rows.tolist(), sample.scores[:, None]


def shared_rows(sample: Sample) -> list[int]:
    """The rows that all experts of a pool hold."""
    numbers = np.unique(sample.experts)
    shared = set(sample.rows[sample.experts == numbers[0]].tolist())
    for number in numbers[1:]:
        shared &= set(sample.rows[sample.experts == number].tolist())
    return sorted(shared)


def expert_scores(sample: Sample, rows: Sequence[int] | NDArray[np.int64]) -> tuple[list[int], Floats]:
    """The experts of a pool and the normal scores of some of their rows, [experts, rows, columns]."""
    numbers: list[int] = np.unique(sample.experts).tolist()
    held = zip(sample.experts.tolist(), sample.rows.tolist(), strict=True)
    places = {key: place for place, key in enumerate(held)}
    order = np.array([[places[number, int(row)] for row in rows] for number in numbers], dtype=np.int64)
    scores = sample.scores[order.ravel()]
    return numbers, scores.reshape(len(numbers), len(rows), sample.stop - sample.start)


def with_experts_of(theirs: Sample, assignment: Mapping[int, int]) -> Sample:
    """A reference's sample with its experts in the subject's order; those that no expert comes from are left out.

    Args:
        theirs: A router, or a pool of experts.
        assignment: Subject expert to reference expert.
    """
    held = theirs.rows if theirs.role == ROUTER else theirs.experts
    places = [(number, np.flatnonzero(held == source)) for number, source in sorted(assignment.items())]
    taken = np.concatenate([rows for _, rows in places]) if places else np.zeros(0, np.int64)
    named = np.concatenate([np.full(len(rows), number) for number, rows in places]) if places else taken
    arranged = replace(theirs, rows=theirs.rows[taken], experts=theirs.experts[taken], raw=_raw(theirs)[taken])
    return replace(arranged, rows=named) if theirs.role == ROUTER else replace(arranged, experts=named)


def in_every_expert(theirs: Sample, mine: Sample) -> Sample:
    """A dense matrix as if every expert of a pool were a copy of it."""
    numbers = np.unique(mine.experts)
    return replace(
        theirs,
        members=mine.members,
        rows=np.tile(theirs.rows, len(numbers)),
        experts=np.repeat(numbers, len(theirs.rows)),
        raw=np.tile(_raw(theirs), (len(numbers), 1, 1)),
    )


def _raw(sample: Sample) -> NDArray[np.uint8]:
    return sample.raw if sample.raw is not None else np.zeros((0, sample.stop - sample.start, 1), np.uint8)


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
    matrices = score_matrices(samples, samples)
    if len(matrices.roles) < FEW_ROLES:
        return
    strength = matrices.strength
    alike = (strength >= TWINS) & (matrices.evidence >= SURE_Z)
    copies = {}
    values = []
    for row, layer in enumerate(matrices.first):
        earlier = np.flatnonzero(alike[row, :row])
        if len(earlier):
            nearest = int(earlier[strength[row, earlier].argmax()])
            copies[layer] = matrices.first[nearest]
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
    matrices = [all_pairs(one, one) for numbers, one in scores if numbers == known and one.shape[1]]
    if not matrices:
        return []
    r = sum(np.nan_to_num(r) for r, _ in matrices) / len(matrices)
    sure = np.sqrt(sum(np.clip(np.nan_to_num(z), 0.0, None) ** 2 for _, z in matrices)) >= SURE_Z
    nearest = np.where(np.tri(len(known), k=-1, dtype=bool) & sure, r, 0.0).max(axis=1)
    return [float(value) for value in nearest if value >= TWINS]


def _widths(component: Component, samples: Sequence[Sample]) -> Iterator[Message]:
    for (axis, width), replication in find_replications(samples).items():
        data = {"component": component.name, "axis": axis.value, "width": width, "copies": replication.copies}
        yield Message("repeated.widths", {**data, "period": replication.period, "r": replication.r})
