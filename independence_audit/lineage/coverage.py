"""How much of a component was not tested, why, and from when on that leaves it open whether it is a copy.

Matrices that say nothing (constant, not finite, one pattern over and over) count as well: no training ends on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Rows, is_generic, is_unit, rows_of
from independence_audit.fingerprint import Sample, SampleKey
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import DONE, SearchName
from independence_audit.lineage.pairing import ComponentPair

FINDING = 1.0
"""Layers of the reference that fit into what was not tested, from which a component is left open: a relation is that of
at least one whole layer, so that less could not hold what the report would name."""

MOST_UNTESTED = 0.15
"""Share that may go untested at most, where a layer is more: in components of fewer than seven layers. What innocents
of the reference's design have beside it (biases, norms of queries and keys, registers) is below 1% in models and in the
examples; a first layer that is dense, where the reference has experts, holds 13% of the shallowest of them."""

_COUNTED = (Rows.TOKENS, Rows.POSITIONS)

FIXED = "fixed_positions"
"""The doubt that sinusoids in the residual stream cast; a subject may hold them for no other purpose."""


@dataclass(frozen=True, slots=True)
class Untested:
    """What of a component was not tested against one reference."""

    share: float
    """Of its parameters; tables of another height, and what was looked through for moved layers, left out."""
    reason: str
    """Why the largest part of it was not, as a message key."""
    limit: float
    """The share from which the component is left open."""

    @property
    def is_hole(self) -> bool:
        """Whether a copy of a whole layer could stand there."""
        return self.share > self.limit


def untested(compared: Comparison) -> Untested:
    """What of the subject's component was not tested."""
    pair = compared.pair
    total = max(1, pair.subject.parameters)
    limit = _limit(pair, total)
    left = [(sample, reason) for sample, reason in _open(compared) if reason and not _is_excused(sample, pair)]
    if sum(sample.parameters for sample, _ in left) > limit * total:
        looked = _looked_through(compared, [sample for sample, _ in left])
        left = [(sample, reason) for sample, reason in left if sample.key not in looked]
    reasons: Counter[str] = Counter()
    for sample, reason in left:
        reasons[reason] += sample.parameters
    largest = max(reasons, key=lambda reason: (reasons[reason], reason), default="")
    return Untested(sum(reasons.values()) / total, largest, limit)


def is_hidden_elsewhere(compared: Comparison) -> bool:
    """Whether a layer could stand in what no search for units sees.

    That is what has no known role; and what has one, where layers hold more beside their units than in them: attention
    takes half as much as units in common designs, and as much in none.
    """
    pair = compared.pair
    total = max(1, pair.subject.parameters)
    left = [sample for sample, reason in _open(compared) if reason and is_generic(sample.role)]
    layered = [sample for sample in pair.subject_samples if sample.layer is not None and sample.shape[0] > 1]
    units = sum(sample.parameters for sample in layered if is_unit(sample.role))
    beside = sum(sample.parameters for sample in layered) - units
    return beside > units or sum(sample.parameters for sample in left) > _limit(pair, total) * total


def could_hold_a_layer(pair: ComponentPair) -> bool:
    """Whether the subject's component is as large as the smallest layer of the reference's."""
    return pair.subject.parameters >= min(_layers(pair.reference_samples).values(), default=0)


def _limit(pair: ComponentPair, total: int) -> float:
    """The share of a component that the smallest layer of the reference would take, or the most that may be."""
    return min(MOST_UNTESTED, FINDING * min(_layers(pair.reference_samples).values(), default=total) / total)


def _layers(samples: Iterable[Sample]) -> Counter[int]:
    """Parameters of every layer that holds a matrix."""
    layers: Counter[int] = Counter()
    for sample in samples:
        if sample.layer is not None and sample.shape[0] > 1:
            layers[sample.layer] += sample.parameters
    return layers


def _open(compared: Comparison) -> Iterator[tuple[Sample, str]]:
    """Every sample of the subject with why it was not tested; empty where it was, or where nothing is to be had."""
    for measured in compared.measured:
        yield measured.subject, _why(measured, compared.pair)
    tested = {measured.subject.key for measured in compared.measured}
    for sample in compared.pair.unmatched:
        if sample.key not in tested:
            yield sample, (sample.raw is None and sample.reason) or "no_counterpart"


def _why(measured: Measured, pair: ComponentPair) -> str:
    """Why a pair was not tested, where that is the subject's doing.

    What a reference holds nothing in cannot be a copy of it: its constants and computed buffers say nothing of either.
    """
    if measured.incomparable:
        return "" if measured.reference.reason == measured.subject.reason != "" else measured.reason
    if Axis.NONE in (measured.subject.axis, measured.reference.axis):
        return measured.reason if measured.reference.axis != Axis.NONE else ""
    if measured.caveat == FIXED and not pair.reference.fixed_positions:
        return FIXED
    own = emptiness(measured.subject)
    return own if own and not emptiness(measured.reference) else ""


def _is_excused(sample: Sample, pair: ComponentPair) -> bool:
    """Whether it is a table of tokens or positions beside a reference's of the same width.

    Its height is a vocabulary's or a context's: another height cannot be compared in place, and is no disguise of a
    layer. It is excused beside layers that fit; what is alike in tables is no more than ``token_tables``.
    """
    if sample.raw is None or rows_of(sample.role) not in _COUNTED:
        return False
    same_width = (theirs for theirs in pair.reference_samples if theirs.shape[1] == sample.shape[1])
    return any(rows_of(theirs.role) in _COUNTED for theirs in same_width)


def _looked_through(compared: Comparison, samples: Iterable[Sample]) -> set[SampleKey]:
    """Samples that were compared wherever they may stand in the reference.

    The search for moved layers takes every role of every layer, looking elsewhere every matrix of one shape.
    """
    moved = SearchName.MOVED in compared.tried and compared.tried[SearchName.MOVED].outcome == DONE
    there: dict[tuple[object, ...], list[Sample]] = {}
    for sample in compared.pair.reference_samples:
        if _may_be_looked_for(sample):
            for place in _places(sample, moved=moved):
                there.setdefault(place, []).append(sample)
    return {
        sample.key
        for sample in samples
        if _may_be_looked_for(sample)
        and not emptiness(sample)
        and any(_meets(sample, there.get(place, ())) for place in _places(sample, moved=moved))
    }


def _may_be_looked_for(sample: Sample) -> bool:
    return sample.raw is not None and sample.axis != Axis.NONE and sample.shape[0] > 1


def _places(sample: Sample, *, moved: bool) -> Iterator[tuple[object, ...]]:
    """Where a sample is met: by its shape, and in a layer by its role and columns."""
    yield sample.shape, sample.start, sample.stop, sample.identity.tobytes()
    if moved and sample.layer is not None:
        yield sample.role, sample.shape[1], sample.start, sample.stop


def _meets(sample: Sample, others: Iterable[Sample]) -> bool:
    return any(np.intersect1d(sample.identity, other.identity, assume_unique=True).size for other in others)


NOT_FINITE = 1 / 64
"""Share of a matrix's values that are NaN or infinite from which it is no weight: one in a row leaves no output."""

CONSTANT_ROWS = 0.5
"""Share of a matrix's rows that hold one value each, from which it says nothing; pruned heads are fewer."""

ONE_PATTERN = 0.95
"""Share of a matrix's energy about its rows' means that one direction holds, from which it is one pattern repeated. The
loudest direction of trained matrices holds a third of it at most in 16 sampled rows (embeddings with outliers: 0.8)."""

FEWEST_ROWS = 4
"""Rows from which a pattern is seen to be repeated."""

NO_MODEL = 0.5
"""Share of a component's parameters that say nothing, from which the report says that it is no trained model."""


def emptiness(sample: Sample) -> str:
    """Why a matrix says nothing whatever it is compared with, as a message key; empty where it may speak."""
    if sample.raw is None or sample.shape[0] < 2 or sample.axis == Axis.NONE:  # noqa: PLR2004  a vector is no matrix
        return ""
    if not sample.known_emptiness:
        sample.known_emptiness.append(_emptiness(sample.values().astype(np.float64)))
    return sample.known_emptiness[0]


def _emptiness(values: NDArray[np.float64]) -> str:
    if values.size == 0:
        return ""
    finite = np.isfinite(values)
    if finite.mean() < 1.0 - NOT_FINITE:
        return "non_finite"
    known = np.where(finite, values, 0.0)
    varied = known.max(axis=1) > known.min(axis=1)
    if 1.0 - varied.mean() > CONSTANT_ROWS or not varied.any():
        return "constant"
    rows = known[varied]
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows -= rows.mean(axis=1, keepdims=True)
    if len(rows) < FEWEST_ROWS:
        return ""
    smaller = rows.T @ rows if rows.shape[0] > rows.shape[1] else rows @ rows.T
    energies = np.clip(np.linalg.eigvalsh(smaller), 0.0, None)
    return "one_pattern" if energies[-1] > ONE_PATTERN * energies.sum() else ""


def empty_share(samples: Iterable[Sample], parameters: int) -> float:
    """Share of a component's parameters in matrices that say nothing."""
    return sum(sample.parameters for sample in samples if emptiness(sample)) / max(1, parameters)
