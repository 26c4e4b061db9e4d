"""Which components meet, and which of their samples: by layer and role, and where names are unknown by value.

What stands between a residual stream and the world: tables and vectors, which may be alike without a shared weight.

A model that imitates another's hidden states learns that model's basis. Every matrix with one side in the residual
stream and the other in something that both models have by themselves (tokens, positions, pixels, classes) is then
determined by what it computes, and so are the gains and biases of the stream; two students of one teacher have them in
common. A matrix whose other side is a model's own units or heads is not: no imitation orders those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from independence_audit.anatomy import Axis, Component, Kind, is_generic, is_table
from independence_audit.fingerprint import Fingerprint, Sample, SampleKey
from independence_audit.lineage.width_replication import Replication, find_replications, shared_replications
from independence_audit.statistics.scores import Floats

SAME_VALUES = 0.5
"""Correlation of normal scores above which two tensors of one shape are taken for the same one under other names. Among
unrelated models 16,384 values reach 0.04; what the match is worth is decided by the tests, corrected for the choice."""


ALIKE_MATRICES, ALIKE_SHARE = 4, 0.5
"""Matrices in layers, and the share of them with a counterpart, from which components of unlike kinds meet: two
unrelated models built alike cost a comparison, which the level is corrected for."""


@dataclass(frozen=True, slots=True)
class ComponentPair:
    """A component of the subject beside one of a reference, sample by sample."""

    subject: Component
    reference: Component
    pairs: tuple[tuple[Sample, Sample], ...]
    unmatched: tuple[Sample, ...]
    """Samples of the subject without a counterpart."""
    candidates: int
    """How many pairs were tried where samples were matched by value; tests are corrected for it."""
    free: tuple[Sample, ...] = ()
    """Samples of the reference without a counterpart."""
    replications: Mapping[int, Replication] | None = None
    """Widths that repeat themselves in both, and how; None where nobody looked yet."""

    @property
    def subject_samples(self) -> tuple[Sample, ...]:
        """All samples of the subject's component, those with a counterpart first."""
        return (*(mine for mine, _ in self.pairs), *self.unmatched)

    @property
    def reference_samples(self) -> tuple[Sample, ...]:
        """All samples of the reference's component, those with a counterpart first."""
        return (*(theirs for _, theirs in self.pairs), *self.free)

    def with_counterparts(
        self, pairs: Iterable[tuple[Sample, Sample]], inside: Collection[SampleKey] = ()
    ) -> ComponentPair:
        """The components with other pairs of samples; what of the subject is found inside of tensors is met too."""
        pairs = tuple(pairs)
        matched, used = {mine.key for mine, _ in pairs} | set(inside), {theirs.key for _, theirs in pairs}
        return replace(
            self,
            pairs=pairs,
            unmatched=tuple(sample for sample in self.subject_samples if sample.key not in matched),
            free=tuple(sample for sample in self.reference_samples if sample.key not in used),
        )


def pair_components(subject: Fingerprint, reference: Fingerprint) -> list[ComponentPair]:
    """Every component of the subject with every component of the reference that it can be compared with.

    Components of one kind meet, whatever their prefixes; a component whose names are unknown meets all. A kind is told
    by a prefix, which anybody can change: those of unlike kinds meet where most tensors of one have their like in the
    other.
    """
    return Pairing(subject).pairs(reference)


class Pairing:
    """One subject that meets many references; its samples are sorted once."""

    def __init__(self, subject: Fingerprint) -> None:
        self._components = subject.components
        self._samples = _by_component(subject.samples)

    def pairs(self, reference: Fingerprint) -> list[ComponentPair]:
        """As :func:`pair_components`."""
        theirs = _by_component(reference.samples)
        return [
            _pair(mine, other, self._samples[mine.name], theirs[other.name])
            for mine in self._components
            for other in reference.components
            if _may_meet(mine, other) or _is_built_alike(self._samples[mine.name], theirs[other.name])
        ]


def _may_meet(first: Component, second: Component) -> bool:
    return first.kind == second.kind or Kind.OTHER in (first.kind, second.kind)


def _is_built_alike(ours: Sequence[Sample], theirs: Sequence[Sample]) -> bool:
    """Whether most matrices of one side have a counterpart of their layer, role and shape."""
    places = [
        {(sample.layer_role, sample.shape) for sample in samples if sample.layer is not None and sample.shape[0] > 1}
        for samples in (ours, theirs)
    ]
    fewer = min(map(len, places))
    return fewer >= ALIKE_MATRICES and len(places[0] & places[1]) > ALIKE_SHARE * fewer


def _by_component(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.component].append(sample)
    return found


def _pair(mine: Component, other: Component, ours: Sequence[Sample], theirs: Sequence[Sample]) -> ComponentPair:
    pairs, left, free = _pair_by_place(ours, theirs)
    by_value, candidates = _pair_by_value(left, free)
    matched = {mine.key for mine, _ in by_value}
    used = {theirs.key for _, theirs in by_value}
    unmatched = tuple(one for one in left if one.key not in matched)
    unused = tuple(one for one in free if one.key not in used)
    return ComponentPair(mine, other, (*pairs, *by_value), unmatched, candidates, unused)


def with_replications(pair: ComponentPair) -> ComponentPair:
    """A pair of which it is known how widths repeat themselves on both sides."""
    if pair.replications is not None:
        return pair
    ours = find_replications(pair.subject_samples)
    theirs = find_replications(pair.reference_samples) if ours else {}
    return replace(pair, replications=shared_replications(ours, theirs))


Pairs = list[tuple[Sample, Sample]]


def _pair_by_place(ours: Sequence[Sample], theirs: Sequence[Sample]) -> tuple[Pairs, list[Sample], list[Sample]]:
    """Pairs of equal layer and role, and what is left on either side."""
    waiting: dict[tuple[int | None, str], list[Sample]] = defaultdict(list)
    for sample in theirs:
        waiting[sample.layer_role].append(sample)
    pairs: Pairs = []
    left = []
    for sample in ours:
        candidates = waiting[sample.layer_role]
        chosen = next((other for other in candidates if other.shape == sample.shape), None)
        chosen = chosen or (candidates[0] if candidates else None)
        if chosen is None:
            left.append(sample)
        else:
            candidates.remove(chosen)
            pairs.append((sample, chosen))
    return pairs, left, [sample for samples in waiting.values() for sample in samples]


def _pair_by_value(ours: Sequence[Sample], theirs: Sequence[Sample]) -> tuple[Pairs, int]:
    """Pairs of one shape whose values agree best on both sides, and how many pairs were tried."""
    pairs: Pairs = []
    candidates = 0
    shelves: dict[tuple[tuple[int, int], int], list[Sample]] = defaultdict(list)
    for sample in theirs:
        if sample.raw is not None:
            shelves[sample.shape, len(sample.rows)].append(sample)
    mine: dict[tuple[tuple[int, int], int], list[Sample]] = defaultdict(list)
    for sample in ours:
        if sample.raw is not None and (sample.shape, len(sample.rows)) in shelves:
            mine[sample.shape, len(sample.rows)].append(sample)
    for shape, own in mine.items():
        others = shelves[shape]
        candidates += len(own) * len(others)
        agreement = _unit_scores(own) @ _unit_scores(others).T
        for row, best in enumerate(agreement.argmax(axis=1)):
            if agreement[row, best] > SAME_VALUES and agreement[:, best].argmax() == row:
                pairs.append((own[row], others[best]))
    return pairs, candidates


def _unit_scores(samples: Sequence[Sample]) -> Floats:
    """Normal scores of each sample as one unit vector: [samples, values]."""
    scores = np.stack([sample.scores.ravel() for sample in samples])
    return np.asarray(scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-300))


def is_surface(sample: Sample, *, layered: bool) -> bool:
    """Whether a sample may be alike in models that share no weight: a table, or a vector of the residual stream.

    Args:
        sample: The reference's; the subject's names may call anything a table.
        layered: Whether its component has matrices in layers; a matrix under an unknown name outside of them may then
            be a table of another name.
    """
    if sample.shape[0] == 1:
        return sample.axis in {Axis.RESIDUAL, Axis.HIDDEN}
    return is_table(sample.role) or (layered and sample.layer is None and is_generic(sample.role))


def has_layers(samples: Iterable[Sample]) -> bool:
    """Whether any matrix stands in a layer."""
    return any(sample.layer is not None and sample.shape[0] > 1 for sample in samples)
