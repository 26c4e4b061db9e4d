"""Experts in another order: which expert of a reference's layer each expert of a subject's layer comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.fingerprint import Sample
from independence_audit.lineage.cells import LayerCells, RoleCells, all_pairs
from independence_audit.statistics.scores import Floats

ROUTER = "router"
"""The role whose rows are experts."""

EXPERT = "expert."
"""How the roles of pooled experts begin."""


UPCYCLED = "experts_from_dense"
"""What is undone where a pool of experts is compared with a dense matrix, as a message key."""


def expert_cells(mine: Iterable[Sample], theirs: Iterable[Sample]) -> LayerCells | None:
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
        roles[role] = RoleCells(r, z)
    return LayerCells(tuple(first), tuple(second), roles)


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
