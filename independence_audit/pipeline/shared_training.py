"""Shared training told from a shared initial draw, for related components whose weights are both at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import median

from independence_audit.anatomy import Part
from independence_audit.errors import ReadError
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.measurement import Shared as Told
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.weights import Model, WeightsAccess
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.rank import Ranking
from independence_audit.pipeline.beside import Beside
from independence_audit.statistics.spectrum import Profile, Shared, shared_by, spectral_profile

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


def shared_of(message: Message) -> Told | None:
    """What a message says of shared training; None where it is about something else."""
    return next((Told(shared.value) for shared, key in _WORDS.items() if key == message.key), None)


class SharedTraining:
    """What spectral profiles say of related components, looked at by a second process while the audit goes on."""

    def __init__(self, mine: Model, known: Sequence[Model], rankings: Sequence[Ranking]) -> None:
        """Begin, where all bytes lie on this machine: connections cannot be shared between processes."""
        self._models = mine, known
        self._seen = _related(rankings)
        self._work = Beside(partial(_told, mine, known, rankings)) if all(map(_is_here, (mine, *known))) else None

    def messages(self, rankings: Sequence[Ranking]) -> Mapping[str, Message]:
        """What there is to say, by the component's name; nothing of components whose weights are not at hand.

        Args:
            rankings: What the audit came to; where other components are related now, these are looked at instead.
        """
        if self._work is None or _related(rankings) != self._seen:
            return _told(*self._models, rankings)
        return self._work.result()


def _is_here(model: Model) -> bool:
    return model.weights is None or model.weights.on_this_machine


def _related(rankings: Sequence[Ranking]) -> dict[str, str]:
    """The related components with the nearest reference of each."""
    return {
        ranking.component.name: ranking.best.compared.reference
        for ranking in rankings
        if ranking.best and ranking.best.relation == Relation.RELATED
    }


def _told(mine: Model, known: Sequence[Model], rankings: Sequence[Ranking]) -> dict[str, Message]:
    by_name = {model.fingerprint.name: model for model in known}
    nearest = {ranking.component.name: ranking.best for ranking in rankings}
    messages: dict[str, Message] = {}
    for component, reference in _related(rankings).items():
        best = nearest[component]
        message = _shared(component, best, mine, by_name[reference]) if best else None
        if message:
            messages[component] = message
    return messages


def _shared(component: str, verdict: Verdict, mine: Model, theirs: Model) -> Message | None:
    profiles = list(_profiles(verdict, mine, theirs))
    if not profiles:
        return None
    top, low = (median(getattr(profile, band) for profile in profiles) for band in ("top", "low"))
    data = {"component": component, "reference": verdict.compared.reference, "top": top, "low": low}
    return Message(_WORDS[shared_by(Profile(top, low))], {**data, "matrices": len(profiles)})


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
