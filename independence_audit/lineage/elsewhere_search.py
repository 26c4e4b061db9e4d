"""Looking for weights in all of every reference, for components of which not everything was found in its place."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum

from independence_audit.anatomy import Axis, Rows, is_generic, rows_of
from independence_audit.checkpoint import Checkpoint, TensorInfo
from independence_audit.errors import ReadError
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint import Fingerprint, Model, Sample, SampleKey
from independence_audit.lineage.comparison import Comparison, ComparisonKey, Comparisons, Tried
from independence_audit.lineage.elsewhere import Looked, LookedFor, Match, by_components, not_met, with_matches
from independence_audit.lineage.layouts import Piece
from independence_audit.lineage.measure import SHAPE_DIFFERS, Measured
from independence_audit.lineage.outcomes import Outcome, Reason, SearchName, Status
from independence_audit.lineage.rank import Ranking, rank
from independence_audit.lineage.scan import Scan, Target, targets_of
from independence_audit.lineage.searches import About, Cost, Law, Models

OPEN_BYTES, FAR_BYTES = 128 << 20, 64 << 20
"""Bytes of tensors without a counterpart that are read where not everything is, on this machine and from far away: half
a minute at most. They hold the projectors of most models."""

TESTED_BYTES, CLOSE_BYTES = 32 << 20, 2 << 20
"""The same of tensors that stand in their places, where they were compared and nothing was found, or which a model of
other widths has by the same names: a second or two. The first are taken as they are stored, by rows and by columns; of
what was never compared the second are looked through for everything as well.

They are spread over all of them. A row that is found leads to the others of its matrix wherever they stand, so that of
each matrix a run is enough: of one of 1,536 rows a run of 64 KiB meets one of the reference's seven segments every
second or third time, which is some dozens in a model."""

RUN = 64 << 10
"""Bytes of a run, where more than one is taken of a tensor."""

FEW = 8
"""References up to which tensors that were compared in their places are looked through as well."""

FEW_VALUES = 64
"""Fewer values of a tensor than these are not looked through."""

_TESTED = (Relation.UNRELATED, Relation.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Every component in which nothing was found, looked for in all of every reference.

    First its samples among all samples of their shapes; then everything that its tensors hold, byte by byte, wherever
    that was not compared, or where all bytes are wanted.
    """

    full: bool
    """Whether every byte is read."""
    salt: bytes
    """Decides where in large tensors is looked."""
    about = About(
        title="elsewhere",
        names=(SearchName.ELSEWHERE,),
        law=Law.EXACT,
        null="permutation of the columns for what signs propose; ten times as many tests as pairs were looked at",
        bound="a matrix of the same shape from r = 0.2 on; equal bytes and runs inside of tensors",
        cost=Cost.TENSORS,
        messages=("changed.elsewhere",),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Look for every component in which nothing was found.

        Raises:
            ReadError: Bytes of the subject could not be read.
        """
        rankings = rank(comparisons)
        comparisons = comparisons.with_items([verdict.compared for ranking in rankings for verdict in ranking.verdicts])
        unfound = [ranking for ranking in rankings if not (ranking.best and ranking.best.relation in FOUND)]
        if not unfound:
            return comparisons
        mine, names = models.mine, {ranking.component.name for ranking in unfound}
        ours = LookedFor(sample for sample in mine.fingerprint.samples if sample.component in names)
        looked = {}
        for done, model in enumerate(models.known.values(), 1):
            looked[model.name] = ours.look(model.fingerprint)
            models.progress.step("looking elsewhere", done, len(models.known))
        matched = {match.mine.key for each in looked.values() for match in each.matches}
        untold = _untold(mine.fingerprint, unfound, matched)
        inside = _look_inside(mine, list(models.known.values()), untold, None if self.full else self.salt)
        return _told(comparisons, list(models.known.values()), names, looked, inside)


class _Known(IntEnum):
    """What is known of a sample in which nothing was found; the less, the more closely it is looked through."""

    NOTHING = 0
    """It may be anything."""
    NAME = 1
    """It stands in its place in a model of other widths; no value of it was compared."""
    VALUES = 2
    """It was compared in its place."""


@dataclass(frozen=True, slots=True)
class _Untold:
    """A sample in which nothing was found yet."""

    sample: Sample
    known: _Known


def _untold(subject: Fingerprint, unfound: Sequence[Ranking], matched: set[SampleKey]) -> list[_Untold]:
    """Samples of components in which nothing was found, without those that were matched by now."""
    compared = {
        one.subject.key: (relation, one.reason)
        for ranking in unfound
        if ranking.best
        for one, relation in zip(ranking.best.compared.measured, ranking.best.tensors, strict=True)
    }
    shaped_apart = {ranking.component.name: _is_shaped_apart(ranking) for ranking in unfound}
    untold = []
    for sample in subject.samples:
        if sample.component not in shaped_apart or sample.parameters < FEW_VALUES:
            continue
        if sample.key in matched and sample.axis is not Axis.NONE:
            continue  # whole numbers agree in part with what they hide
        relation, reason = compared.get(sample.key, (Relation.NOT_TESTED, "no_counterpart"))
        placed = reason == SHAPE_DIFFERS or shaped_apart[sample.component]
        named = _Known.NAME if placed and not is_generic(sample.role) else _Known.NOTHING
        untold.append(_Untold(sample, _Known.VALUES if relation in _TESTED else named))
    return untold


def _is_shaped_apart(ranking: Ranking) -> bool:
    """Whether no tensor of a component has the shape of its counterpart: what has none is of other widths as well."""
    return bool(ranking.best and ranking.best.reason == SHAPE_DIFFERS and ranking.relation == Relation.NOT_TESTED)


@dataclass(frozen=True, slots=True)
class _Inside:
    """What looking through bytes came to."""

    pieces: tuple[tuple[Target, Piece], ...] = ()
    tests: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)
    """By component, parameters without a counterpart that were not looked through."""
    reason: Reason | None = None
    holders: Mapping[str, Sample] = field(default_factory=dict)
    """By tensor, the sample that stands for it."""


def _look_inside(mine: Model, known: Sequence[Model], untold: Sequence[_Untold], salt: bytes | None) -> _Inside:
    """Read tensors in which nothing was found, those that nothing is known of first; all bytes without a salt."""
    if mine.weights is None:
        unread: dict[str, int] = defaultdict(int)
        for one in untold:
            unread[one.sample.component] += 0 if one.known else one.sample.parameters
        return _Inside(unread=unread, reason=Reason.FINGERPRINT_ONLY if any(unread.values()) else None)
    everything = salt is None or len(known) <= FEW
    tensors = _tensors(mine, [one for one in untold if not one.known or everything])
    if not tensors:
        return _Inside()
    holders = {tensor.name: one.sample for tensor, one in tensors}
    targets = targets_of([model.fingerprint for model in known])
    scan = Scan(mine.weights.checkpoint, targets, sum(tensor.size for tensor, one in tensors if not one.known))
    left_out, why = _read(scan, mine.weights.checkpoint, tensors, salt)
    reason = why or (Reason.VERBATIM_ONLY if scan.verbatim_only else None)
    return _Inside(tuple(scan.pieces()), scan.tests, left_out, reason, holders)


def _tensors(mine: Model, untold: Sequence[_Untold]) -> list[tuple[TensorInfo, _Untold]]:
    """Tensors of samples, each with the sample that leaves most open, in file order."""
    if mine.weights is None:
        return []
    by_sample = {one.sample.key: one for one in untold}
    standing: dict[str, _Untold] = {}
    for sample in mine.fingerprint.samples:
        one = by_sample.get(sample.key)
        for part in mine.weights.parts(sample.key) if one else ():
            held = standing.get(part.tensor)
            if one and (held is None or one.known < held.known):
                standing[part.tensor] = one
    return [(tensor, standing[name]) for name, tensor in mine.weights.checkpoint.tensors.items() if name in standing]


def _read(
    scan: Scan, checkpoint: Checkpoint, tensors: Sequence[tuple[TensorInfo, _Untold]], salt: bytes | None
) -> tuple[Mapping[str, int], Reason | None]:
    """Look through as much as the budget allows; through all without a salt.

    A table of tokens without a counterpart is a head of its own as a rule: it is taken as it is stored, by rows and by
    columns, and a part of it for everything else.

    Returns:
        By component, parameters of tensors without a counterpart that were left out; and why, a failed read first.
    """
    unread: dict[str, int] = defaultdict(int)
    failed = False
    near = checkpoint.source.near
    left = OPEN_BYTES if near else FAR_BYTES
    standing = [(tensor, one) for tensor, one in tensors if one.known]
    for tensor, one in tensors:
        if one.known:
            continue
        size = tensor.end - tensor.start
        if salt is not None and size > left:
            unread[one.sample.component] += tensor.size
            continue
        left -= size
        try:
            if salt is not None and rows_of(one.sample.role) is Rows.TOKENS:
                scan.read(tensor, closely=False)
                for run in _runs(tensor, CLOSE_BYTES / max(CLOSE_BYTES, size), salt):
                    scan.read(tensor, closely=True, run=run)
            else:
                scan.read(tensor, closely=True)
        except ReadError:
            unread[one.sample.component] += tensor.size
            failed = True
    if near or salt is None:
        _read_standing(scan, standing, salt)
    left_out = {name: count for name, count in unread.items() if count}
    return left_out, Reason.UNREADABLE if failed else Reason.TOO_LARGE_TO_LOOK_THROUGH if left_out else None


def _read_standing(scan: Scan, tensors: Sequence[tuple[TensorInfo, _Untold]], salt: bytes | None) -> None:
    """Look through tensors that stand in their places, each for its share of the budget.

    What cannot be read of them is told by those that compare them.
    """
    total = sum(tensor.end - tensor.start for tensor, _ in tensors)
    for tensor, one in tensors:
        close = one.known == _Known.NAME
        plain = [None] if salt is None else _runs(tensor, TESTED_BYTES / max(1, total), salt)
        with suppress(ReadError):
            for run in plain:
                scan.read(tensor, closely=close and salt is None, run=run)
            for run in _runs(tensor, CLOSE_BYTES / max(1, total), salt) if close and salt is not None else ():
                scan.read(tensor, closely=True, run=run)


def _runs(tensor: TensorInfo, share: float, salt: bytes) -> list[tuple[int, int] | None]:
    """Runs of a tensor's bytes, first and behind the last, that are a share of it; None is all of it."""
    size = tensor.end - tensor.start
    wanted = max(FEW_VALUES * 8, int(size * share))
    if wanted >= size:
        return [None]
    count = max(1, wanted // RUN)
    length, room = wanted // count // 8 * 8, size // count
    digest = hashlib.sha256(salt + b"\0runs\0" + tensor.name.encode()).digest()
    first = int.from_bytes(digest[:8], "big") % max(1, room - length) // 8 * 8
    return [(number * room // 8 * 8 + first, number * room // 8 * 8 + first + length) for number in range(count)]


def _told(
    comparisons: Comparisons,
    known: Sequence[Model],
    names: Iterable[str],
    looked: Mapping[str, Looked],
    inside: _Inside,
) -> Comparisons:
    """The comparisons with what was found, and what became of looking."""
    compared = list(comparisons.items)
    place = {one.key: number for number, one in enumerate(compared)}
    tried: dict[tuple[str, str], Tried] = {}
    pieces = _pieces(inside)
    for model in known:
        reference = model.fingerprint
        seen = looked[reference.name]
        tests = seen.pairs + inside.tests
        for name in sorted(names):
            tried[name, reference.name] = Tried(
                _outcome(inside, name), tests, shaped=name in seen.shaped, unread=inside.unread.get(name, 0)
            )
        matches = by_components(seen.matches)
        here = {(own, other): found for (own, name, other), found in pieces.items() if name == reference.name}
        for own, other in dict.fromkeys([*matches, *here]):
            at = place.get(ComparisonKey(own, reference.name, other))
            standing = _unmet(comparisons.subject, own, reference, other) if at is None else compared[at]
            new = _new(standing, matches.get((own, other), ()))
            found = with_matches(standing, new, tests, here.get((own, other), ()))
            if found is not None and at is None:
                compared.append(found)
            elif found is not None and at is not None:
                named = {SearchName.ELSEWHERE: replace(tried[own, reference.name], found=found)}
                compared[at] = standing.with_tried(named)
    return replace(comparisons.with_items(compared), elsewhere=tried)


def _outcome(inside: _Inside, name: str) -> Outcome:
    """What became of looking for a component: a part of it that was left out leaves the search undone."""
    status = Status.NOT_POSSIBLE if inside.unread.get(name) else Status.DONE
    return Outcome(status, inside.reason or "")


def _pieces(inside: _Inside) -> Mapping[tuple[str, str, str], list[Measured]]:
    """What tensors hold, by the subject's component, the reference and its component.

    No tensor holds more than its own parameters of one reference.
    """
    found: dict[tuple[str, str, str], list[Measured]] = defaultdict(list)
    left: dict[tuple[str, str], int] = {}
    for target, piece in inside.pieces:
        holder = inside.holders[piece.tensor]
        room = left.setdefault((piece.tensor, target.reference), holder.parameters)
        if room > 0:
            held = _held(holder, target, piece, room)
            left[piece.tensor, target.reference] -= held.parameters
            one = replace(piece.measured, subject=held, reference=target.sample, piece_of=holder)
            found[holder.component, target.reference, target.sample.component].append(one)
    return found


def _held(holder: Sample, target: Target, piece: Piece, room: int) -> Sample:
    """The part of a tensor that holds a matrix, as a sample of its own."""
    rows, columns = piece.shape
    rows = max(1, min(rows, room // columns)) if columns <= room else 1
    name = piece.tensor if rows * columns == holder.parameters else f"{piece.tensor}[{piece.first}:{piece.stop}]"
    return replace(
        holder,
        name=name,
        role=target.sample.role,
        axis=target.sample.axis,
        members=1,
        shape=(rows, min(columns, room)),
        reason="",
        whole=None,
    )


def _new(standing: Comparison, matches: Sequence[Match]) -> list[Match]:
    """The matches that are not those of one place, which were tested already."""
    in_place = {(one.subject.key, one.reference.key) for one in standing.measured if one.test}
    return [one for one in matches if (one.mine.key, one.theirs.key) not in in_place]


def _unmet(subject: Fingerprint, own: str, reference: Fingerprint, other: str) -> Comparison:
    mine = next(component for component in subject.components if component.name == own)
    theirs = next(component for component in reference.components if component.name == other)
    return not_met(subject, mine, reference, theirs)
