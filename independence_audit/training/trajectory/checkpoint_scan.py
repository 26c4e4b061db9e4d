"""One scan of the checkpoints in order, which holds five of them at most and keeps small summaries of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from independence_audit.anatomy import Rows, rows_of
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training_evidence import CheckpointSummary
from independence_audit.fingerprint import Fingerprint
from independence_audit.training.initialisers import UNDECLARED, Initialiser
from independence_audit.training.trajectory.checkpoint_state import State, plane_of, state_of
from independence_audit.training.trajectory.ends import ends_of
from independence_audit.training.trajectory.start import Start, carried, start_of
from independence_audit.training.trajectory.updates import Earlier, TensorStep, is_broken, may_add_noise, tensor_steps

SHARED = 0.5
"""Share of the first checkpoint's parameters that must be there in the same shape; else it is another model."""


@dataclass(frozen=True, slots=True)
class ScannedCheckpoint:
    """A checkpoint as it comes: its fingerprint, or why there is none."""

    name: str
    step: int | None
    fingerprint: Fingerprint | None
    reason: Message | None = None
    guessed: bool = False
    """Whether the step is a guess from the names."""
    claimed: bool = True
    """Whether whoever handed it in says that it stands here."""
    rank: int | None = None
    """Its place in the order that the names alone suggest."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured at one checkpoint."""

    name: str
    step: int | None
    tensors: tuple[TensorStep, ...]
    starts: Mapping[str, Start]
    """By component, whether its weights are an initial draw; where a component begins or breaks with what was
    before, and where what it adds to that may be noise although nobody claims that it comes next."""
    guessed: bool = False
    claimed: bool = True
    rank: int | None = None
    """As of :class:`ScannedCheckpoint`."""

    def of(self, component: str) -> list[TensorStep]:
        """The tensors of one component."""
        return [tensor for tensor in self.tensors if tensor.place[0] == component]


@dataclass(frozen=True, slots=True)
class Scanned:
    """Every checkpoint that was met, and what was measured at those that could be used."""

    seen: tuple[CheckpointSummary, ...]
    steps: tuple[Step, ...]
    carried: Mapping[str, float | None]
    """By component, how much of the last checkpoint's strong directions the first one has: see ``start.carried``."""
    ends: Mapping[str, Start]
    """By component, whether the last checkpoint is an initial draw."""


class Scan:
    """Takes checkpoints in order; the last one must be known beforehand, since interpolations lead to it."""

    def __init__(self, first: Fingerprint, last: Fingerprint, initialiser: Initialiser = UNDECLARED) -> None:
        self._initialiser = initialiser
        self._first = state_of(first)
        self._last = state_of(last)
        self._plane = plane_of(self._first, self._last)
        self._ends = ends_of(self._first, self._last)
        self._previous: State | None = None
        self._before: State | None = None
        self._seen: list[CheckpointSummary] = []
        self._steps: list[Step] = []

    def take(self, seen: ScannedCheckpoint) -> bool:
        """Measure one checkpoint; False where it could not be used, with the reason kept."""
        if seen.fingerprint is None:
            self._seen.append(_facts(seen, "skipped", seen.reason))
            return False
        state = state_of(seen.fingerprint)
        reason = _compatible(self._first, state)
        if reason is not None and reason.key == "limit.other_shapes":
            self._seen.append(_facts(seen, "skipped", reason))
            return False
        earlier = Earlier(self._first, self._plane, self._ends, self._previous, self._before)
        tensors = tuple(tensor_steps(state, earlier))
        starts = self._starts(state, tensors, claimed=seen.claimed)
        self._steps.append(Step(seen.name, seen.step, tensors, starts, seen.guessed, seen.claimed, seen.rank))
        self._seen.append(_facts(seen, "read", reason or seen.reason))
        self._before, self._previous = self._previous, state
        return True

    def _starts(self, state: State, tensors: Sequence[TensorStep], *, claimed: bool) -> dict[str, Start]:
        starts = {}
        for name in dict.fromkeys(place[0] for place in state):
            own = [tensor for tensor in tensors if tensor.place[0] == name]
            if self._previous is None or is_broken(own) or (not claimed and may_add_noise(own)):
                starts[name] = self._start(state, name)
        return starts

    def _start(self, state: State, component: str) -> Start:
        samples = [sample for place, sample in state.samples.items() if place[0] == component]
        return start_of(samples, self._initialiser)

    def result(self) -> Scanned:
        """Everything that was met so far."""
        names = list(components(self._steps))
        made = {name: carried(self._first, self._last, name) for name in names}
        ends = {name: self._start(self._last, name) for name in names}
        return Scanned(tuple(self._seen), tuple(self._steps), made, ends)


def _facts(seen: ScannedCheckpoint, status: str, reason: Message | None) -> CheckpointSummary:
    """What reports say of a checkpoint."""
    read = seen.fingerprint.read_bytes if seen.fingerprint else 0
    return CheckpointSummary(seen.name, seen.step, status, reason, read, seen.guessed)


def scan(checkpoints: Sequence[ScannedCheckpoint]) -> Scanned:
    """Walk through checkpoints that are all in memory, as tests have them."""
    readable = [seen.fingerprint for seen in checkpoints if seen.fingerprint is not None]
    taking = Scan(readable[0], readable[-1])
    for seen in checkpoints:
        taking.take(seen)
    return taking.result()


def _compatible(first: State, state: State) -> Message | None:
    """Why a checkpoint is not quite, or not at all, one of the first one's model; None where it is."""
    total = sum(sample.parameters for sample in first.samples.values())
    same = [place for place, sample in first.samples.items() if _has_shape(state, place, sample.shape)]
    shared = sum(first.samples[place].parameters for place in same) / max(1, total)
    by_columns = [
        place
        for place, sample in first.samples.items()
        if place in state.samples
        and state.samples[place].shape != sample.shape
        and state.samples[place].shape[1] == sample.shape[1]
        and rows_of(place[2]) is Rows.TOKENS
    ]
    grown = sum(first.samples[place].parameters for place in by_columns) / max(1, total)
    if shared + grown < SHARED:
        return Message("limit.other_shapes", {"share": shared})
    if by_columns:
        rows = next(iter(by_columns))
        return Message(
            "limit.other_vocabulary", {"rows": state.samples[rows].shape[0], "first": first.samples[rows].shape[0]}
        )
    return None if len(same) == len(first.samples) else Message("limit.missing_tensors", {"share": shared})


def _has_shape(state: State, place: tuple[str, int | None, str, str], shape: tuple[int, int]) -> bool:
    return place in state.samples and state.samples[place].shape == shape


def components(steps: Iterable[Step]) -> Iterator[str]:
    """The components of all checkpoints, in the order in which they are met."""
    yield from dict.fromkeys(tensor.place[0] for step in steps for tensor in step.tensors)
