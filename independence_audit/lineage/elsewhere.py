"""Tensors looked for in all of a reference, by shape and value: kinds, roles and layer numbers are labels.

Whatever stands in its place is compared there. What shows nothing there, or has no place, may still be a matrix of the
reference under another name: every such sample is held against every sample of its shape. The looking proposes by
signs, the tests decide, corrected for everything that was looked at.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Component
from independence_audit.fingerprint import Fingerprint, Sample, SampleKey
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.in_place import measure_component
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import SearchName, Undone
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.lineage.token_rows import FOUND

MOST_VALUES = 4096
"""Values of a sample whose signs are compared: between unrelated models signs of so many agree with sd 1/64."""

CURIOUS = 6.5
"""Standard deviations of agreeing signs from which a pair is measured. Values of r = 0.2 come to 8; of unrelated
models' pairs one in ten thousand million does, and costs one test."""

OWN_LEVEL = 10
"""Of how many times as many tests the level of a finding elsewhere is that of: what is found in its place keeps its
level, and all findings together come to 1.1 times the family-wise one."""

Singles = NDArray[np.float32]
_Shelf = tuple[tuple[int, int], int, int, bytes]


@dataclass(frozen=True, slots=True)
class Match:
    """A sample of the subject beside the sample of the reference that its values are most like."""

    mine: Sample
    theirs: Sample


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of looking through one reference for samples of the subject."""

    matches: tuple[Match, ...]
    pairs: int
    """How many pairs were looked at."""
    shaped: frozenset[str]
    """The subject's components of which the reference has a matrix's shape."""


class LookedFor:
    """The subject's samples that are looked for; they are sorted once for all references."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._shelves = _shelved(samples)
        self._signs: dict[_Shelf, Singles] = {}

    def look(self, reference: Fingerprint) -> Looked:
        """Every sample's likest one in a reference, where any is alike beyond chance."""
        matches: list[Match] = []
        shaped: set[str] = set()
        pairs = 0
        theirs = _shelved(sample for sample in reference.samples if sample.axis is not Axis.NONE)
        for shelf, others in theirs.items():
            ours = self._shelves.get(shelf)
            if ours is None:
                continue
            pairs += len(ours) * len(others)
            shaped |= {sample.component for sample in ours}
            if shelf not in self._signs:
                self._signs[shelf] = _signs(ours)
            agreement = np.abs(self._signs[shelf] @ _signs(others).T)
            least = CURIOUS / math.sqrt(self._signs[shelf].shape[1])
            for mine, row in zip(ours, agreement, strict=True):
                best = int(row.argmax())
                if row[best] >= least:
                    matches.append(Match(mine, others[best]))
        return Looked(tuple(matches), pairs, frozenset(shaped))


def _shelved(samples: Iterable[Sample]) -> dict[_Shelf, list[Sample]]:
    """Matrices by what makes two of them comparable: shape, columns, and rows of experts."""
    shelves: dict[_Shelf, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.raw is not None and sample.shape[0] > 1 and sample.raw.size:
            shelves[sample.shape, sample.start, sample.stop, sample.identity.tobytes()].append(sample)
    return dict(shelves)


def _signs(samples: Sequence[Sample]) -> Singles:
    """Signs about the middle of each row as unit vectors, float32 [samples, values]."""
    return np.stack([_signs_of(sample) for sample in samples])


def _signs_of(sample: Sample) -> Singles:
    values = sample.values()
    values = values[:, :: -(-values.size // MOST_VALUES)]
    with np.errstate(invalid="ignore"):
        signs = np.sign(values - np.median(values, axis=1, keepdims=True)).astype(np.float32).ravel()
    signs = np.nan_to_num(signs, nan=0.0)
    return np.asarray(signs / max(1.0, float(np.linalg.norm(signs))), dtype=np.float32)


def with_matches(
    standing: Comparison, matches: Sequence[Match], tests: int, pieces: Sequence[Measured] = ()
) -> Comparison | None:
    """A comparison with what was found elsewhere in the place of what was compared in its own.

    Args:
        standing: The comparison as everything stands; without measurements where the two did not meet.
        matches: Samples of its two components, of which none is compared with the very same in its place.
        tests: How many comparisons were made to find them.
        pieces: What was found inside of tensors, in other shapes or types.

    Returns:
        None where there is nothing to add.
    """
    told = {(one.subject.key, one.reference.key) for one in standing.measured if _is_told_by_tokens(one)}
    pieces = [one for one in pieces if one.piece_of is None or (one.piece_of.key, one.reference.key) not in told]
    if not (matches or pieces):
        return None
    pair = standing.pair
    inside = {one.piece_of.key for one in pieces if one.piece_of}
    matches = [one for one in matches if one.mine.key not in inside]  # whole numbers agree in part with what they hide
    # whatever the subject's names say of its axes, the columns run along those of the reference
    posed = [(replace(one.mine, axis=one.theirs.axis, reason=""), one.theirs) for one in matches]
    result = measure_component(
        standing.reference, replace(pair, pairs=tuple(posed), unmatched=(), free=(), replications=None)
    )
    counterparts = {mine.key: theirs.key for mine, theirs in pair.pairs}
    again = tuple(
        replace(measured, subject=one.mine, undone=_undone(counterparts.get(one.mine.key), one))
        for measured, one in zip(result.measured, matches, strict=True)
    )
    taken = {one.mine.key for one in matches} | inside
    kept = tuple(one for one in standing.measured if one.subject.key not in taken)
    measured = (*kept, *again, *pieces)
    joint = max((standing, result), key=lambda each: abs(each.weakest.z) if each.weakest else 0.0)
    return Comparison(
        reference=standing.reference,
        pair=replace(
            pair.with_counterparts(((one.subject, one.reference) for one in measured), inside), replications=None
        ),
        measured=measured,
        joint=joint.joint,
        weakest=joint.weakest,
        tried={name: replace(one, found=None) for name, one in standing.tried.items()},
        undone_by=SearchName.ELSEWHERE,
        counted=standing.tests,
        looked=OWN_LEVEL * tests,
    )


def _is_told_by_tokens(measured: Measured) -> bool:
    """Whether a table's rows were found under their tokens' new numbers: its rows in another order say no more."""
    return measured.undone == Undone.TOKENS and measured.test is not None and measured.test.r >= FOUND


def _undone(counterpart: SampleKey | None, match: Match) -> Undone | None:
    """What is undone: nothing where no other tensor of the reference stands in the place."""
    return None if counterpart in (None, match.theirs.key) else Undone.PLACE


def not_met(subject: Fingerprint, mine: Component, reference: Fingerprint, other: Component) -> Comparison:
    """Two components that nothing made meet, with all their samples still without a counterpart."""
    ours, theirs = (
        tuple(sample for sample in fingerprint.samples if sample.component == component.name)
        for fingerprint, component in ((subject, mine), (reference, other))
    )
    return Comparison(reference.name, ComponentPair(mine, other, (), ours, 0, theirs), (), None, None)


def by_components(matches: Iterable[Match]) -> Mapping[tuple[str, str], list[Match]]:
    """Matches by the names of the subject's and the reference's component."""
    found: dict[tuple[str, str], list[Match]] = defaultdict(list)
    for one in matches:
        found[one.mine.component, one.theirs.component].append(one)
    return found
