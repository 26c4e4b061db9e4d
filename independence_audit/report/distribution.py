"""The z of all tests beside the law that unrelated models follow, and norm gains, whose raw cosine says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from statistics import NormalDist, fmean, pstdev

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import Message, TensorEvidence, Value
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.report import numbers
from independence_audit.report.wording import say, word

EDGE = 6.0
"""Beyond this on either side everything is one bin."""
WIDTH = 0.5


@dataclass(frozen=True, slots=True)
class Bin:
    """Tests whose z is at least ``low`` and below ``high``."""

    low: float
    high: float
    found: int
    """Tensors of components with shared weights."""
    other: int
    expected: float
    """Tests that chance alone would put here, of as many as are of other components."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """All tested tensors by their z; mean, deviation and largest |z| are of the components without shared weights."""

    bins: tuple[Bin, ...]
    tests: int
    found: int
    mean: float | None
    deviation: float | None
    largest: float | None


def distribution_of(report: AuditReport) -> Distribution:
    """Sort all tested tensors into bins of z.

    A component with shared weights is set apart as a whole: what little is left in its weaker tensors is no chance.
    """
    sharing = {component.name for component in report.components if component.relation in FOUND}
    tested = [(tensor.z, tensor.component in sharing) for tensor in report.tensors if tensor.z is not None]
    others = [z for z, found in tested if not found]
    return Distribution(
        bins=tuple(_bin(low, high, tested) for low, high in _edges()),
        tests=len(tested),
        found=len(tested) - len(others),
        mean=fmean(others) if others else None,
        deviation=pstdev(others) if others else None,
        largest=max(abs(z) for z in others) if others else None,
    )


def in_words(distribution: Distribution, lang: str) -> tuple[str, ...]:
    """Say what the histogram should look like and what was measured."""
    if not distribution.tests:
        return (word("distribution", "none", lang),)
    key = "measured" if distribution.found < distribution.tests else "all_found"
    measured: dict[str, Value] = {
        "tests": distribution.tests,
        "found": distribution.found,
        "mean": distribution.mean,
        "deviation": distribution.deviation,
        "largest": distribution.largest,
    }
    return word("distribution", "text", lang), say(Message(f"distribution.{key}", measured), lang)


def _edges() -> list[tuple[float, float]]:
    inner = [-EDGE + WIDTH * number for number in range(int(2 * EDGE / WIDTH) + 1)]
    return list(zip([-inf, *inner], [*inner, inf], strict=True))


def _bin(low: float, high: float, tested: Sequence[tuple[float, bool]]) -> Bin:
    inside = [found for z, found in tested if low <= z < high]
    normal = NormalDist()
    others = sum(not found for _, found in tested)
    expected = others * (normal.cdf(high) - normal.cdf(low))
    return Bin(low, high, sum(inside), len(inside) - sum(inside), expected)


CHANCE = 4.0
"""|z| that unrelated models hardly ever leave: 3.6 at most on 121 pairs of real networks, 4 in a few thousand tests."""


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
class NormCaveatRow:
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


def norm_caveat_rows(vectors: Sequence[NormVector]) -> tuple[NormCaveatRow, ...]:
    """Sum the norm vectors up by component."""
    return tuple(
        _row(component, [vector for vector in vectors if vector.component == component])
        for component in dict.fromkeys(vector.component for vector in vectors)
    )


def _row(component: str, vectors: Sequence[NormVector]) -> NormCaveatRow:
    return NormCaveatRow(
        component=component,
        vectors=len(vectors),
        cosine=_range([vector.cosine for vector in vectors]),
        pearson=_range([vector.pearson for vector in vectors if vector.pearson is not None]),
        largest_z=numbers.score(max((abs(vector.z) for vector in vectors if vector.z is not None), default=None)),
    )


def _range(values: Sequence[float]) -> str:
    return numbers.span([numbers.coefficient(value) for value in sorted(values)])
