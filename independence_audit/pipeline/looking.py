"""Looking for weights in all of every reference, for components of which not everything was found in its place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from independence_audit.anatomy import Axis, is_generic
from independence_audit.checkpoint import Checkpoint, TensorInfo
from independence_audit.errors import ReadError
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.model import Fingerprint, Sample, SampleKey
from independence_audit.fingerprint.reading import UNREADABLE
from independence_audit.fingerprint.weights import Model
from independence_audit.lineage.compare import ComponentMeasured, ElsewhereSearch
from independence_audit.lineage.elsewhere import Elsewhere, Looked, Match, by_components, not_met, with_matches
from independence_audit.lineage.layouts import Piece
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.rank import Ranking
from independence_audit.lineage.scan import Scan, Target, targets_of
from independence_audit.pipeline.settings import AuditSettings, Progress

OPEN_BYTES, FAR_BYTES = 128 << 20, 64 << 20
"""Bytes of tensors without a counterpart that are read where not everything is, on this machine and from far away: half
a minute at most. They hold the projectors of most models."""

TESTED_BYTES = 32 << 20
"""The same of tensors that were compared in their places and in which nothing was found: a second or two."""

FEW = 8
"""References up to which tensors that were compared in their places are looked through as well."""

FEW_VALUES = 64
"""Fewer values of a tensor than these are not looked through."""

_TESTED = (Relation.UNRELATED, Relation.INCONCLUSIVE)

TOO_LARGE = "too_large_to_look_through"
FINGERPRINT_ONLY = "fingerprint_only"
VERBATIM_ONLY = "verbatim_only"


@dataclass(frozen=True, slots=True)
class LookedElsewhere:
    """All comparisons after looking elsewhere, and what became of it."""

    compared: list[ComponentMeasured]
    searches: Mapping[str, Mapping[str, ElsewhereSearch]] = field(default_factory=dict)
    """By component of the subject and by reference."""


def look_elsewhere(
    mine: Model, known: Sequence[Model], rankings: Sequence[Ranking], settings: AuditSettings, progress: Progress
) -> LookedElsewhere:
    """Look for every component in which nothing was found in all of every reference.

    First its samples among all samples of their shapes; then everything that its tensors hold, byte by byte, wherever
    that was not compared, or where all bytes are wanted.

    Args:
        mine: The subject.
        known: The references.
        rankings: What the comparisons of its components in their places came to.
        settings: Whether every byte is read.
        progress: Is told how far the looking has come.

    Raises:
        ReadError: Bytes of the subject could not be read.
    """
    compared = [verdict.compared for ranking in rankings for verdict in ranking.verdicts]
    unfound = [ranking for ranking in rankings if not (ranking.best and ranking.best.relation in FOUND)]
    if not unfound:
        return LookedElsewhere(compared)
    names = {ranking.component.name for ranking in unfound}
    ours = Elsewhere(sample for sample in mine.fingerprint.samples if sample.component in names)
    looked = {}
    for done, model in enumerate(known, 1):
        looked[model.fingerprint.name] = ours.look(model.fingerprint)
        progress.step("looking elsewhere", done, len(known))
    matched = {match.mine.key for each in looked.values() for match in each.matches}
    inside = _look_inside(mine, known, _untold(mine.fingerprint, unfound, matched), settings)
    return _told(mine.fingerprint, known, compared, names, looked, inside)


@dataclass(frozen=True, slots=True)
class _Untold:
    """A sample of which nothing is known yet."""

    sample: Sample
    tested: bool
    """Whether it was compared in its place, or stands in its place in a model of other widths."""
    closely: bool
    """Whether no value of it was compared: it may be anything."""


def _untold(subject: Fingerprint, unfound: Sequence[Ranking], matched: set[SampleKey]) -> list[_Untold]:
    """Samples of components in which nothing was found, without those that were matched by now."""
    told = {
        one.subject.key: (relation, one.reason == "shape_differs" and not is_generic(one.subject.role))
        for ranking in unfound
        if ranking.best
        for one, relation in zip(ranking.best.compared.measured, ranking.best.tensors, strict=True)
    }
    names = {ranking.component.name for ranking in unfound}
    untold = []
    for sample in subject.samples:
        relation, other_width = told.get(sample.key, (Relation.NOT_TESTED, False))
        known = (
            sample.key in matched and sample.axis is not Axis.NONE
        )  # whole numbers agree in part with what they hide
        if sample.component in names and not known and sample.parameters >= FEW_VALUES:
            tested = relation in _TESTED
            untold.append(_Untold(sample, tested or other_width, not tested))
    return untold


@dataclass(frozen=True, slots=True)
class _Inside:
    """What looking through bytes came to."""

    pieces: tuple[tuple[Target, Piece], ...] = ()
    tests: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)
    """By component, parameters without a counterpart that were not looked through."""
    reason: str = ""
    holders: Mapping[str, Sample] = field(default_factory=dict)
    """By tensor, the sample that stands for it."""


def _look_inside(mine: Model, known: Sequence[Model], untold: Sequence[_Untold], settings: AuditSettings) -> _Inside:
    """Read tensors that nothing is known of, those without a counterpart first."""
    if mine.weights is None:
        unread: dict[str, int] = defaultdict(int)
        for one in untold:
            unread[one.sample.component] += 0 if one.tested else one.sample.parameters
        return _Inside(unread=unread, reason=FINGERPRINT_ONLY if any(unread.values()) else "")
    tensors = _tensors(mine, [one for one in untold if not one.tested or len(known) <= FEW or settings.full])
    if not tensors:
        return _Inside()
    holders = {tensor.name: one.sample for tensor, one in tensors}
    targets = targets_of([model.fingerprint for model in known])
    scan = Scan(mine.weights.checkpoint, targets, sum(tensor.size for tensor, one in tensors if not one.tested))
    left_out, why = _read(scan, mine.weights.checkpoint, tensors, full=settings.full)
    reason = why or (VERBATIM_ONLY if scan.verbatim_only else "")
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
            if one and (held is None or (held.tested and not one.tested)):
                standing[part.tensor] = one
    return [(tensor, standing[name]) for name, tensor in mine.weights.checkpoint.tensors.items() if name in standing]


def _read(
    scan: Scan, checkpoint: Checkpoint, tensors: Sequence[tuple[TensorInfo, _Untold]], *, full: bool
) -> tuple[Mapping[str, int], str]:
    """Look through as much as the budget allows.

    Returns:
        By component, parameters of tensors without a counterpart that were left out; and why, a failed read first.
    """
    unread: dict[str, int] = defaultdict(int)
    failed = False
    near = checkpoint.source.near
    left = {False: OPEN_BYTES if near else FAR_BYTES, True: TESTED_BYTES if near else 0}
    for tensor, one in sorted(tensors, key=lambda each: each[1].tested):
        size = tensor.end - tensor.start
        if not full and size > left[one.tested]:
            unread[one.sample.component] += 0 if one.tested else tensor.size
            continue
        left[one.tested] -= size
        try:
            scan.read(tensor, closely=one.closely)
        except ReadError:
            unread[one.sample.component] += 0 if one.tested else tensor.size
            failed = failed or not one.tested
    left_out = {name: count for name, count in unread.items() if count}
    return left_out, UNREADABLE if failed else TOO_LARGE if left_out else ""


def _told(  # noqa: PLR0913, PLR0917  everything that was looked at
    subject: Fingerprint,
    known: Sequence[Model],
    compared: list[ComponentMeasured],
    names: Iterable[str],
    looked: Mapping[str, Looked],
    inside: _Inside,
) -> LookedElsewhere:
    """The comparisons with what was found, and what became of looking."""
    place = {(one.pair.subject.name, one.reference, one.pair.reference.name): n for n, one in enumerate(compared)}
    searches: dict[str, dict[str, ElsewhereSearch]] = {name: {} for name in sorted(names)}
    pieces = _pieces(inside)
    for model in known:
        reference = model.fingerprint
        seen = looked[reference.name]
        for name, search in searches.items():
            search[reference.name] = ElsewhereSearch(
                seen.pairs + inside.tests, name in seen.shaped, inside.reason, inside.unread.get(name, 0)
            )
        matches = by_components(seen.matches)
        here = {(own, other): found for (own, name, other), found in pieces.items() if name == reference.name}
        for own, other in dict.fromkeys([*matches, *here]):
            at = place.get((own, reference.name, other))
            standing = _unmet(subject, own, reference, other) if at is None else compared[at]
            new = _new(standing, matches.get((own, other), ()))
            found = with_matches(standing, new, seen.pairs + inside.tests, here.get((own, other), ()))
            if found is not None and at is None:
                compared.append(found)
            elif found is not None and at is not None:
                compared[at] = replace(standing, elsewhere=replace(searches[own][reference.name], found=found))
    return LookedElsewhere(compared, searches)


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


def _new(standing: ComponentMeasured, matches: Sequence[Match]) -> list[Match]:
    """The matches that are not those of one place, which were tested already."""
    in_place = {(one.subject.key, one.reference.key) for one in standing.measured if one.test}
    return [one for one in matches if (one.mine.key, one.theirs.key) not in in_place]


def _unmet(subject: Fingerprint, own: str, reference: Fingerprint, other: str) -> ComponentMeasured:
    mine = next(component for component in subject.components if component.name == own)
    theirs = next(component for component in reference.components if component.name == other)
    return not_met(subject, mine, reference, theirs)
