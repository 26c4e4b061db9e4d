"""Shared training told from a shared initial draw, for related components whose weights are both at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from statistics import median

from independence_audit.anatomy import Part
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.measurement import Shared as SharedVerdict
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint import Model, WeightsAccess
from independence_audit.lineage.comparison import ComparisonKey, Comparisons
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.rank import rank
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.statistics.spectrum import Profile, Shared, shared_by, spectral_profile
from independence_audit.work import Background

ROLES = ("v", "o", "fc1", "gate", "up", "q", "k")
"""Matrices that are looked at, the first roles first: small, square as a rule, and in every transformer."""

MATRICES = 4

SMALLEST, LARGEST = 64, 2048
"""Rows or columns, whichever are fewer: below there is no bulk, above the decomposition takes a minute."""

MOST_VALUES = 1 << 25

_WORDS = {
    Shared.TRAINING: "fact.shared_training",
    Shared.DRAW: "fact.shared_draw",
    Shared.UNRESOLVED: "fact.shared_unresolved",
}


def shared_of(message: Message) -> SharedVerdict | None:
    """What a message says of shared training; None where it is about something else."""
    return next((SharedVerdict(shared.value) for shared, key in _WORDS.items() if key == message.key), None)


class SharedTraining:
    """Shared training told from a shared draw by spectral profiles, in another process while the audit goes on."""

    about = About(
        title="shared training",
        names=(),
        law=Law.EMPIRICAL,
        null="measured on runs from one draw and from one checkpoint",
        bound="none: what cannot be told is said to be unresolved",
        cost=Cost.MATRICES,
        messages=tuple(_WORDS.values()),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Begin, where all bytes lie on this machine: connections cannot be shared between processes."""
        return replace(comparisons, pending=(*comparisons.pending, _Profiling(comparisons, models)))


class _Profiling:
    """What is worked out of related components."""

    def __init__(self, comparisons: Comparisons, models: Models) -> None:
        self._models, self._seen = models, _related(comparisons)
        work = partial(_told, self._seen, models)
        self._work = Background(work) if all(map(_is_here, (models.mine, *models.known.values()))) else None

    def settled(self, comparisons: Comparisons) -> Comparisons:
        """What there is to say; where other components are related by now, these are looked at instead."""
        related = _related(comparisons)
        if self._work is None or related.keys() != self._seen.keys():
            return comparisons.saying(_told(related, self._models))
        return comparisons.saying(self._work.result())


def _is_here(model: Model) -> bool:
    return model.weights is None or model.weights.on_this_machine


def _related(comparisons: Comparisons) -> dict[ComparisonKey, Verdict]:
    """The related components' nearest comparisons."""
    best = (ranking.best for ranking in rank(comparisons))
    return {one.compared.key: one for one in best if one and one.relation == Relation.RELATED}


def _told(related: Mapping[ComparisonKey, Verdict], models: Models) -> dict[ComparisonKey, Message]:
    told = {key: _shared(verdict, models.mine, models.known[key.reference]) for key, verdict in related.items()}
    return {key: message for key, message in told.items() if message is not None}


def _shared(verdict: Verdict, mine: Model, theirs: Model) -> Message | None:
    profiles = list(_profiles(verdict, mine, theirs))
    if not profiles:
        return None
    top, low, strength = (median(getattr(one, name) for one in profiles) for name in ("top", "low", "strength"))
    key = verdict.compared.key
    data = {"component": key.component, "reference": key.reference, "top": top, "low": low}
    return Message(_WORDS[shared_by(Profile(top, low, strength))], {**data, "matrices": len(profiles)})


def _profiles(verdict: Verdict, mine: Model, theirs: Model) -> Iterator[Profile]:
    """Profiles of a few related matrices, seen from the reference."""
    if mine.weights is None or theirs.weights is None:
        return
    for ours, other in _matrices(verdict, mine.weights, theirs.weights):
        try:
            first, second = theirs.weights.read(other), mine.weights.read(ours)
        except ReadError:
            continue
        profile = spectral_profile(first, second)
        if profile is not None:
            yield profile


def _matrices(verdict: Verdict, mine: WeightsAccess, theirs: WeightsAccess) -> list[tuple[Part, Part]]:
    """Pairs of related matrices: of the first role that has any, spread over the depth."""
    ours, others = mine.whole_tensors(), theirs.whole_tensors()
    related = [
        (measured.subject.role, ours[measured.subject.name], others[measured.reference.name])
        for measured, relation in zip(verdict.compared.measured, verdict.tensors, strict=True)
        if relation == Relation.RELATED and not measured.undone
        if measured.subject.name in ours and measured.reference.name in others
    ]
    for role in ROLES:
        pairs = [(one, other) for name, one, other in related if name == role and _suits(one, other)]
        if pairs:
            count = min(MATRICES, len(pairs))
            return [pairs[step * len(pairs) // count] for step in range(count)]
    return []


def _suits(one: Part, other: Part) -> bool:
    shape = one.view.shape
    return shape == other.view.shape and SMALLEST <= min(shape) <= LARGEST and one.view.size <= MOST_VALUES
