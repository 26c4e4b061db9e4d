"""References at every checkpoint: each component against each, on the weights as they are or on what was added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint import Fingerprint
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import Level, Verdict, decide
from independence_audit.lineage.in_place import compare_fingerprints


@dataclass(frozen=True, slots=True)
class CheckpointComparison:
    """One component of one checkpoint against one reference."""

    component: str
    reference: str
    r: float | None
    z: float | None
    related: bool


def compare_checkpoint(
    fingerprint: Fingerprint, references: Sequence[Fingerprint], alpha: float
) -> list[CheckpointComparison]:
    """Every component of a checkpoint against every reference that it can be compared with.

    Args:
        fingerprint: The checkpoint, or what it added to the first one.
        references: Fingerprints of the same sampler.
        alpha: Level of a false finding at this checkpoint.
    """
    compared = [one for reference in references for one in compare_fingerprints(fingerprint, reference)]
    if not compared:
        return []
    level = Level(alpha, max(1, sum(one.tests for one in compared)), len(compared))
    return [_comparison(one, decide(one, level)) for one in compared]


def _comparison(compared: Comparison, verdict: Verdict) -> CheckpointComparison:
    singles = [each.evidence.z for each in compared.measured if each.evidence and each.is_matrix]
    strongest = max(singles, key=abs, default=None)
    return CheckpointComparison(
        component=compared.pair.subject.name,
        reference=compared.reference,
        r=_median(each.test.r for each in compared.measured if each.test and each.is_matrix),
        z=compared.weakest.z if compared.weakest else strongest,
        related=verdict.relation in FOUND,
    )


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return median(known) if known else None
