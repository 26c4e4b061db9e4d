"""References at every checkpoint: the weights as they are, and what was added to the first checkpoint's draw.

Weights that share an initial draw look like weights that share training. The update since the first checkpoint, with
what is left of that checkpoint taken out tensor by tensor, is orthogonal to the draw: what it shares with a reference
is training. A reference that is independent of both stays exchangeable, so the test keeps its level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import Level, Verdict, decide
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.training.trajectory.state import LARGEST, State, place_of


@dataclass(frozen=True, slots=True)
class Met:
    """One component of one checkpoint against one reference."""

    component: str
    reference: str
    r: float | None
    z: float | None
    related: bool


def meet(fingerprint: Fingerprint, references: Sequence[Fingerprint], alpha: float) -> list[Met]:
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
    return [_met(one, decide(one, level)) for one in compared]


def _met(compared: Comparison, verdict: Verdict) -> Met:
    singles = [each.evidence.z for each in compared.measured if each.evidence and each.is_matrix]
    strongest = max(singles, key=abs, default=None)
    return Met(
        component=compared.pair.subject.name,
        reference=compared.reference,
        r=_median(each.test.r for each in compared.measured if each.test and each.is_matrix),
        z=compared.weakest.z if compared.weakest else strongest,
        related=verdict.relation in FOUND,
    )


def added(first: State, fingerprint: Fingerprint) -> Fingerprint:
    """The checkpoint's weights with what is left of the first checkpoint taken out, tensor by tensor."""
    return replace(fingerprint, samples=tuple(_added(first, fingerprint.samples)))


def _added(first: State, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        before = first.samples.get(place_of(sample))
        if before is None or before.shape != sample.shape or sample.raw is None:
            continue
        x, y = first.values[place_of(sample)].astype(np.float64), sample.values().astype(np.float64)
        if not (np.abs(y) <= LARGEST).all():
            continue  # no weights
        centred = x - x.mean()
        square = float((centred**2).sum())
        share = float((centred * (y - y.mean())).sum()) / square if square > 0.0 else 0.0
        rest = np.ascontiguousarray(y - y.mean() - share * centred, dtype=np.float32)
        if square > 0.0 and float(np.abs(rest).max(initial=0.0)) <= 1e-6 * float(np.abs(y).max(initial=0.0)):
            continue  # nothing was added; what is left is rounding
        raw = rest[:, :, None].view(np.uint8).reshape(*rest.shape, 4)
        yield replace(sample, raw=raw, dtype="F32")


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return median(known) if known else None
