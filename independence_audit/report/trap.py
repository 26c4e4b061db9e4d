"""The trap of the norm gains: raw cosine near 1 for any two models, beside the calibrated z that tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from independence_audit.evidence.measurement import TensorEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.report import numbers

CHANCE = 4.0
"""|z| that strangers hardly ever leave: 3.6 at most on 121 pairs of real networks, 4 in a few thousand tests."""


@dataclass(frozen=True, slots=True)
class NormVector:
    """The gains of one normalisation layer that were compared."""

    component: str
    name: str
    relation: Relation
    cosine: float
    pearson: float | None
    z: float | None


@dataclass(frozen=True, slots=True)
class TrapRow:
    """A component's norm vectors summed up."""

    component: str
    vectors: int
    cosine: str
    pearson: str
    largest_z: str


def norm_vectors(tensors: Iterable[TensorEvidence]) -> tuple[NormVector, ...]:
    """Pick the compared norm vectors, in the order of the report."""
    return tuple(
        NormVector(tensor.component, tensor.name, tensor.relation, tensor.cosine, tensor.pearson, tensor.z)
        for tensor in tensors
        if tensor.role.endswith("norm") and tensor.cosine is not None
    )


def trap_rows(vectors: Sequence[NormVector]) -> tuple[TrapRow, ...]:
    """Sum the norm vectors up by component."""
    return tuple(
        _row(component, [vector for vector in vectors if vector.component == component])
        for component in dict.fromkeys(vector.component for vector in vectors)
    )


def _row(component: str, vectors: Sequence[NormVector]) -> TrapRow:
    return TrapRow(
        component=component,
        vectors=len(vectors),
        cosine=_range([vector.cosine for vector in vectors]),
        pearson=_range([vector.pearson for vector in vectors if vector.pearson is not None]),
        largest_z=numbers.score(max((abs(vector.z) for vector in vectors if vector.z is not None), default=None)),
    )


def _range(values: Sequence[float]) -> str:
    return numbers.span([numbers.coefficient(value) for value in sorted(values)])
