"""Merges read off the rounding: related references whose weighted sum gives the subject's values bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from independence_audit.evidence.measurement import Message, Side
from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint import Sample, SampleKey
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.rank import rank
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.statistics.merges import SHIFT, TRAINED, Replay, replay
from independence_audit.statistics.rounding import GRIDS, Grid, Values

REPLAYED, IN_STEPS = "fact.replayed", "fact.replayed_in_steps"

MOST_SOURCES = 4

MOST_VALUES = 1 << 19
"""Values that are replayed, at most: half a million tell coefficients to a millionth."""

MOST_MATRICES = 96

STATED_ERROR = 1e-6
"""Least error that is stated: float32, in which merges are computed, tells no smaller one of a sum."""

_TYPES = {"BF16": "bf16", "F16": "fp16"}
_GRIDS = {grid.name: grid for grid in GRIDS if grid.name in _TYPES.values()}


class Merges:
    """A weighted sum of related references, replayed on the sampled values."""

    about = About(
        title="merges",
        names=(),
        law=Law.EMPIRICAL,
        null="measured on trained models, which reach 0.33 of the decisive values; 0.95 is asked for",
        bound="sums of up to four references in one recipe, stored as bf16 or fp16",
        cost=Cost.SAMPLES,
        messages=(REPLAYED, IN_STEPS),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:  # noqa: ARG002  samples are all it reads
        """Say of the nearest comparison of every component what recipe gives its values, where one does."""
        said = {}
        for ranking in rank(comparisons):
            related = [verdict for verdict in ranking.verdicts if verdict.relation in FOUND and not verdict.disguised]
            message = _replayed(related[:MOST_SOURCES])
            if message is not None:
                said[related[0].compared.key] = message
        return comparisons.saying(said)


def _replayed(related: Sequence[Verdict]) -> Message | None:
    """The recipe that gives a component's values; None where none does."""
    gathered = _gathered(related)
    if gathered is None:
        return None
    sources = gathered.sources
    found = gathered.replayed()
    if found is None or not found.holds:
        return None
    return _message(related[0], list(sources), found, gathered.matrices)


def merged_first(verdicts: Sequence[Verdict]) -> tuple[Side, ...]:
    """Which of the subject and its nearest reference is a source of the other, as a replayed merge; both, or none.

    A source is in turn a sum of the merge and the other sources, but rounding lets that reproduce all of its values
    only where its part of the merge is nearly all.

    Args:
        verdicts: Every comparison of the component, the nearest reference first.
    """
    related = [verdict for verdict in verdicts if verdict.relation in FOUND and not verdict.disguised]
    gathered = _gathered(related[:MOST_SOURCES])
    if gathered is None:
        return ()
    nearest = related[0].compared.reference
    ways = ((Side.REFERENCE, gathered, nearest), (Side.SUBJECT, gathered.seen_from(nearest), _SUBJECT))
    return tuple(side for side, way, source in ways if way is not None and way.takes(source))


_SUBJECT = ""
"""The subject among the sources of its reference: no reference has an empty name."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    """The values of a model and of what it may be a merge of, at the same places."""

    model: Values
    sources: dict[str, Values]
    grid: Grid
    """The type of the model's values."""
    matrices: int

    def replayed(self) -> Replay | None:
        """The recipe that comes nearest; None without two sources, or where too few values are no source's."""
        return replay(self.model, list(self.sources.values()), self.grid) if len(self.sources) > 1 else None

    def takes(self, source: str) -> bool:
        """Whether a recipe gives the model, and takes a part of one source."""
        found = self.replayed()
        if found is None or not found.holds:
            return False
        parts = dict(zip(self.sources, found.coefficients.tolist(), strict=True))
        return bool(abs(parts.get(source, 0.0)) > max(found.error, STATED_ERROR))

    def seen_from(self, reference: str) -> _Gathered | None:
        """The same with a reference as what may be a merge; None where its values are of no narrow type."""
        target = self.sources.get(reference)
        grid = None if target is None else next((each for each in _GRIDS.values() if each.holds(target)), None)
        if target is None or grid is None:
            return None
        others = {name: values for name, values in self.sources.items() if name != reference}
        return replace(self, model=target, sources=_different({_SUBJECT: self.model, **others}), grid=grid)


def _gathered(related: Sequence[Verdict]) -> _Gathered | None:
    """The values that a component and its related references share places of; None where they have no narrow type."""
    by_sample = [_in_place(verdict) for verdict in related]
    shared = [key for key in by_sample[0] if all(key in other for other in by_sample[1:])] if by_sample else []
    shared = shared[:: max(1, -(-len(shared) // MOST_MATRICES))]
    grid = _grid_of([by_sample[0][key].subject for key in shared])
    if grid is None:
        return None
    model = _values([by_sample[0][key].subject for key in shared])
    sources = {
        verdict.compared.reference: _values([held[key].reference for key in shared])
        for verdict, held in zip(related, by_sample, strict=True)
    }
    finite = np.logical_and.reduce([np.isfinite(values) for values in (model, *sources.values())])
    distinct = _different({name: values[finite] for name, values in sources.items()})
    return _Gathered(model[finite], distinct, grid, len(shared))


def _message(nearest: Verdict, names: Sequence[str], found: Replay, matrices: int) -> Message:
    error = max(found.error, STATED_ERROR)
    parts = sorted(zip(found.coefficients.tolist(), names, strict=True), reverse=True)
    taking = [f"{part:.6f} ± {error:.6f} {name}" for part, name in parts if abs(part) > error]
    return Message(
        IN_STEPS if found.in_steps else REPLAYED,
        {
            "component": nearest.compared.key.component,
            "parts": ", ".join(taking),
            "share": found.share,
            "values": found.values,
            "matrices": matrices,
            "decisive": found.decisive,
            "decisive_share": found.decisive_share,
            "shifted": found.shifted,
            "shift": SHIFT,
            "trained": TRAINED,
        },
    )


def _in_place(verdict: Verdict) -> dict[SampleKey, Measured]:
    """By subject sample, the related pairs of matrices that hold the same rows and columns as they stand."""
    return {
        measured.subject.key: measured
        for measured, relation in zip(verdict.compared.measured, verdict.tensors, strict=True)
        if relation in FOUND and measured.is_matrix and not (measured.undone or measured.rearranged)
        if not (measured.repeated or measured.incomparable or measured.subject.packing)
        if _same_places(measured.subject, measured.reference)
    }


def _same_places(one: Sample, other: Sample) -> bool:
    return (one.start, one.stop) == (other.start, other.stop) and np.array_equal(one.identity, other.identity)


def _grid_of(samples: Sequence[Sample]) -> Grid | None:
    """The type that all values were rounded to, whatever wider one they are stored in; None for any other."""
    stored = {sample.dtype for sample in samples}
    if len(stored) == 1 and stored <= _TYPES.keys():
        return _GRIDS[_TYPES[stored.pop()]]
    return next(
        (grid for grid in _GRIDS.values() if samples and all(grid.holds(one.values()) for one in samples)), None
    )


def _values(samples: Sequence[Sample]) -> Values:
    """Values of all samples one behind the other, thinned evenly to ``MOST_VALUES``."""
    joined = np.concatenate([sample.values().ravel() for sample in samples])
    return joined[:: max(1, -(-len(joined) // MOST_VALUES))]


def _different(sources: dict[str, Values]) -> dict[str, Values]:
    """The sources without those that repeat an earlier one."""
    kept: dict[str, Values] = {}
    for name, values in sources.items():
        if not any(np.array_equal(values, other) for other in kept.values()):
            kept[name] = values
    return kept
