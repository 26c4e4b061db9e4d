"""Full mode: the nearest comparisons again, with every value of both models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from independence_audit.errors import InputError, UsageError
from independence_audit.fingerprint import Model, SampleKey, WeightsAccess
from independence_audit.lineage.comparison import Comparison, ComparisonKey, Comparisons
from independence_audit.lineage.exact import Matched, Place, compare_until, measure_exactly, pair_parts
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import SearchName
from independence_audit.lineage.pairing import pair_components
from independence_audit.lineage.rank import rank
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.lineage.sums import Sums
from independence_audit.work import Background, Executor, Here, Kept, Processes, cores, shared_event


class _Ahead:
    """Values that stand in their places, compared by a second process while the first looks at the sample.

    It is worth it with one reference on this machine: what will be compared is then all but known.
    """

    def __init__(self, mine: Model, known: Sequence[Model]) -> None:
        """Begin, where there is something to gain."""
        self._enough = shared_event() if _is_plain(mine, known) else None
        self._work = Background(partial(_in_place, mine, known[0], self._enough.is_set)) if self._enough else None

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
    compared = pair_components(mine.fingerprint, model.fingerprint)
    pairs = [
        Matched(pair_parts(ours.parts(one.key), theirs.parts(other.key)))
        for pair in compared
        for one, other in pair.pairs
    ]
    return compare_until(enough, pairs, ours.checkpoint, theirs.checkpoint)


class EveryValue:
    """The nearest comparison of every component again, with every value of both models."""

    about = About(
        title="every value",
        names=(),
        law=Law.NONE,
        null="exact counts; the test stays that of the sample",
        bound="any value that differs",
        cost=Cost.EVERYTHING,
    )

    def __init__(self, mine: Model, known: Sequence[Model], jobs: int | None, work: str) -> None:
        """Begin ahead of all other searches, where what will be compared is all but known.

        Args:
            mine: The subject.
            known: The references.
            jobs: Processes that share the values; None for as many as there are processors.
            work: Folder of partial results; empty for none.
        """
        self._jobs, self._work = jobs, work
        self._ahead = _Ahead(mine, known)

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Exact figures in the place of sampled ones.

        Raises:
            UsageError: The subject or a reference is a fingerprint, whose every value is not at hand.
            ReadError: Bytes could not be read.
        """
        nearest = [ranking.best.compared for ranking in rank(comparisons) if ranking.best]
        own, compared = _weights(models.mine), self._ahead.result()
        exact: dict[_Variant, _Exactly] = {}
        for model in models.known.values():
            theirs = _weights(model)
            ours = [one for one in nearest if one.reference == model.name]
            told = [(_variant(one), each) for one in ours for each in one.measured if _can_be_read(each)]
            pairs = [
                Matched(pair_parts(own.parts(each.subject.key), theirs.parts(each.reference.key)), each.rounding)
                for _, each in told
            ]
            step = partial(models.progress.step, f"comparing every value with {model.name}")
            sums = measure_exactly(
                pairs, own.checkpoint, theirs.checkpoint, step, self._executor(own, theirs), compared
            )
            for (variant, each), found in zip(told, sums, strict=True):
                exact.setdefault(variant, {})[_pair(each)] = found
        return comparisons.changed(lambda one: _refined(one, exact))

    def _executor(self, *sides: WeightsAccess) -> Executor:
        """Several processes where every byte lies on this machine; a connection cannot be shared between processes."""
        here = all(weights.on_this_machine for weights in sides)
        executor = Processes(self._jobs or cores()) if here else Here()
        return Kept(executor, Path(self._work)) if self._work else executor


_Variant = tuple[ComparisonKey, SearchName | None]
_Exactly = dict[tuple[SampleKey, SampleKey], Sums]


def _variant(compared: Comparison) -> _Variant:
    return compared.key, compared.undone_by


def _pair(measured: Measured) -> tuple[SampleKey, SampleKey]:
    return measured.subject.key, measured.reference.key


def _can_be_read(measured: Measured) -> bool:
    return not (measured.incomparable or measured.rearranged)


def _refined(compared: Comparison, exact: Mapping[_Variant, _Exactly]) -> Comparison:
    """A comparison with every value compared, in place, with moves undone or elsewhere, whichever was the nearest."""
    tried = {
        name: replace(one, found=_refined(one.found, exact)) if one.found else one
        for name, one in compared.tried.items()
    }
    sums = exact.get(_variant(compared), {})
    measured = tuple(
        _exactly(each, sums.get(_pair(each))) if _can_be_read(each) else each for each in compared.measured
    )
    return replace(compared, measured=measured, tried=tried)


def _weights(model: Model) -> WeightsAccess:
    if model.weights is None:
        raise UsageError(
            f"{model.fingerprint.name} is a fingerprint: every value can only be compared where the weights are.",
            "Leave out --full, or name the checkpoint instead of its fingerprint.",
        )
    return model.weights


def _exactly(measured: Measured, sums: Sums | None) -> Measured:
    """The pair with exact figures; rounding is what explains it only where it explains every value."""
    if sums is None or not sums.count:
        return measured
    rounded = sums.equal < sums.count and not sums.unexplained
    return replace(measured, numbers=sums.numbers(), rounding=measured.rounding if rounded else None)
