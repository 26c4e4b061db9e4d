"""Full mode: the nearest comparisons again, with every value of both models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from independence_audit.errors import InputError, UsageError
from independence_audit.fingerprint.weights import Model, WeightsAccess
from independence_audit.lineage.compare import ComponentMeasured
from independence_audit.lineage.exact import Matched, Place, compare_until, measure_exactly, pair_parts
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.pairing import pair_components
from independence_audit.lineage.sums import Sums
from independence_audit.lineage.workers import shared_event
from independence_audit.pipeline.beside import Beside
from independence_audit.pipeline.settings import Progress


class Ahead:
    """Values that stand in their places, compared by a second process while the first looks at the sample.

    It is worth it with one reference on this machine: what will be compared is then all but known.
    """

    def __init__(self, mine: Model, known: Sequence[Model]) -> None:
        """Begin, where there is something to gain."""
        self._enough = shared_event() if _is_plain(mine, known) else None
        self._work = Beside(partial(_in_place, mine, known[0], self._enough.is_set)) if self._enough else None

    def result(self) -> Mapping[Place, Sums]:
        """Stop, and what has been compared by now. What could not be read is an error of whoever reads it again."""
        if self._enough is None or self._work is None:
            return {}
        self._enough.set()
        try:
            return self._work.result()
        except InputError:
            return {}


def _is_plain(mine: Model, known: Sequence[Model]) -> bool:
    """Whether there is one reference, and all bytes lie on this machine."""
    return len(known) == 1 and all(model.weights_here for model in (mine, *known))


def _in_place(mine: Model, model: Model, enough: Callable[[], bool]) -> dict[Place, Sums]:
    ours, theirs = _weights(mine), _weights(model)
    met = pair_components(mine.fingerprint, model.fingerprint)
    pairs = [
        Matched(pair_parts(ours.parts(one.key), theirs.parts(other.key))) for pair in met for one, other in pair.pairs
    ]
    return compare_until(enough, pairs, ours.checkpoint, theirs.checkpoint)


def measure_every_value(
    mine: Model, known: Sequence[Model], nearest: Sequence[ComponentMeasured], ahead: Ahead, progress: Progress
) -> Mapping[int, ComponentMeasured]:
    """Comparisons with exact figures, by the identity of the sampled ones.

    Raises:
        UsageError: The subject or a reference is a fingerprint, whose every value is not at hand.
        ReadError: Bytes could not be read.
    """
    own = _weights(mine)
    compared = ahead.result()
    exact: dict[int, ComponentMeasured] = {}
    for model in known:
        theirs = _weights(model)
        ours = [one for one in nearest if one.reference == model.fingerprint.name]
        told = [
            measured for one in ours for measured in one.measured if not (measured.incomparable or measured.rearranged)
        ]
        pairs = [
            Matched(pair_parts(own.parts(each.subject.key), theirs.parts(each.reference.key)), each.rounding)
            for each in told
        ]
        stage = f"comparing every value with {model.fingerprint.name}"
        told_of = partial(progress.step, stage)
        sums = measure_exactly(pairs, own.checkpoint, theirs.checkpoint, told_of, _processes(own, theirs), compared)
        exactly = {id(each): one for each, one in zip(told, sums, strict=True)}
        for one in ours:
            exact[id(one)] = one.with_measured(tuple(_refined(each, exactly.get(id(each))) for each in one.measured))
    return exact


def _processes(*sides: WeightsAccess) -> int:
    """Two, where every byte lies on this machine; a connection cannot be shared between processes."""
    return 2 if all(weights.on_this_machine for weights in sides) else 1


def _weights(model: Model) -> WeightsAccess:
    if model.weights is None:
        raise UsageError(
            f"{model.fingerprint.name} is a fingerprint: every value can only be compared where the weights are.",
            "Leave out --full, or name the checkpoint instead of its fingerprint.",
        )
    return model.weights


def _refined(measured: Measured, sums: Sums | None) -> Measured:
    """The pair with exact figures; rounding is what explains it only where it explains every value."""
    if sums is None or not sums.count:
        return measured
    rounded = sums.equal < sums.count and not sums.unexplained
    return replace(measured, numbers=sums.numbers(), rounding=measured.rounding if rounded else None)
