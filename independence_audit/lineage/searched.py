"""Which searches of one component against one reference were really made: nothing is cleared without them.

A search that finds nothing clears a component only where it was made. Where it was not, what counts is why: a design of
the reference that no disguise of the subject can bring about (it has no units at all) takes the ground from a search;
anything that a disguise can bring about, or that the reference's material lacks, leaves the question open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from independence_audit.fingerprint.model import Sample
from independence_audit.fingerprint.units.model import BY_NUMBER, ComponentUnits, shared_labels
from independence_audit.fingerprint.units.places import ROLES
from independence_audit.lineage.disguised import DisguisedSearch
from independence_audit.lineage.pairing import ComponentPair

GAIN = "mlp_norm"

UNREADABLE = "unreadable"
"""Why units were not kept, where bytes could not be read."""


class Name(StrEnum):
    """What can be searched for, besides comparing in place."""

    MOVED = "moved"
    """Layers, experts and rows in other places."""
    TOKENS = "tokens"
    """Token tables under other numbers. What it finds is no more than tables: it is reported, and clears nobody."""
    DISGUISED = "disguised"
    """Units in another order, scale or basis."""
    WITHOUT_ANCHORS = "without_anchors"
    """The same where embeddings and tokenizer were replaced as well."""


CLEARING = (Name.MOVED, Name.DISGUISED, Name.WITHOUT_ANCHORS)
"""The searches without which nothing is cleared."""


class Status(StrEnum):
    """What became of a search."""

    DONE = "done"
    NOT_NEEDED = "not_needed"
    """Something was found without."""
    NOT_APPLICABLE = "not_applicable"
    """The reference has nothing of what is searched for, whatever the subject is made to look like."""
    NOT_POSSIBLE = "not_possible"


class Reason(StrEnum):
    """Why a search was not made; keys of the message group ``reason``."""

    FOUND_IN_PLACE = "found_in_place"
    NO_LAYERS = "no_layers"
    NO_LAYERS_THERE = "no_layers_there"
    NO_UNITS = "no_units"
    NO_UNITS_THERE = "no_units_there"
    UNITS_UNREADABLE = "units_unreadable"
    HIDDEN_UNITS = "hidden_units"
    UNEVEN_LAYERS = "uneven_layers"
    ZERO_UNITS = "zero_units"
    GAIN_MISSING = "gain_missing"
    NO_ANCHORS = "no_anchors"
    NO_COMMON_TOKENS = "no_common_tokens"
    FEW_UNITS_THERE = "few_units_there"
    NO_DESCRIPTORS = "no_descriptors"
    NO_DESCRIPTORS_THERE = "no_descriptors_there"
    NOT_DESCRIBED = "not_described"
    UNITS_NOT_KEPT = "units_not_kept"
    NO_TOKENIZER = "no_tokenizer"
    NO_TABLES_THERE = "no_tables_there"
    TABLES_FAR = "tables_far"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one search."""

    status: Status
    reason: str = ""
    """A key of the message group ``reason``; empty where it was made."""


DONE = Outcome(Status.DONE)

Searched = Mapping[Name, Outcome]
"""What became of every search of a component against one reference."""


MATERIAL = (Reason.NO_DESCRIPTORS_THERE, Reason.NOT_DESCRIBED)
"""Why units were not looked for without anchors where no disguise is behind it: how much was read, or kept. What is
cleared then is cleared as far as tokens are the same; that nobody looked further stands on the first screen."""


def first_gap(searched: Searched) -> str:
    """Why nothing is cleared by these searches; empty where all that it takes were made."""
    gaps = (searched[name] for name in CLEARING if name in searched)
    return next((gap.reason for gap in gaps if gap.status == Status.NOT_POSSIBLE and gap.reason not in MATERIAL), "")


def moved_outcome(pair: ComponentPair, reason: str) -> Outcome:
    """What became of the search for moved layers, which has none to look through for ``reason``."""
    if not reason:
        return DONE
    there = [*(theirs for _, theirs in pair.pairs), *pair.free]
    if any(sample.layer is not None and sample.shape[0] > 1 for sample in there):
        return Outcome(Status.NOT_POSSIBLE, reason)
    return Outcome(Status.NOT_APPLICABLE, Reason.NO_LAYERS_THERE)


def unit_outcomes(
    pair: ComponentPair, search: DisguisedSearch, ours: ComponentUnits | None, theirs: ComponentUnits | None
) -> Searched:
    """What became of both searches for units.

    Args:
        pair: The components beside each other.
        search: What was searched.
        ours: The subject's units; None where its fingerprint was made without.
        theirs: The same of the reference.
    """
    if ours is None or theirs is None:
        return _both(Outcome(Status.NOT_POSSIBLE, Reason.UNITS_NOT_KEPT))
    mine = _Block.of([*(one for one, _ in pair.pairs), *pair.unmatched])
    other = _Block.of([*(one for _, one in pair.pairs), *pair.free])
    reason = _no_units(theirs, other) or _hidden(ours, mine, other)
    if reason == Reason.NO_UNITS_THERE:
        return _both(Outcome(Status.NOT_APPLICABLE, reason))
    if reason:
        return _both(Outcome(Status.NOT_POSSIBLE, reason))
    without = _without_anchors(search, ours, theirs)
    return {Name.DISGUISED: _disguised(search, ours, theirs), Name.WITHOUT_ANCHORS: without}


def _both(outcome: Outcome) -> Searched:
    return {Name.DISGUISED: outcome, Name.WITHOUT_ANCHORS: outcome}


@dataclass(frozen=True, slots=True)
class _Block:
    """What the samples of a component show of its units, whether or not these were read."""

    layers: frozenset[int]
    """Those that hold a matrix."""
    seen: frozenset[int]
    """Those that hold all matrices of a block."""
    gains: frozenset[int]
    """Those with a gain before their block."""
    sizes: int
    """In how many sizes blocks of one scope come: dense ones, shared experts, experts."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> _Block:
        """Look at all samples of a component."""
        heights: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
        for sample in samples:
            if sample.layer is not None and sample.shape[0] > 1:
                scope, _, role = sample.role.rpartition(".")
                heights[sample.layer, scope][role] = sample.shape[0]
        sizes: dict[tuple[str, str], set[int]] = defaultdict(set)
        seen = set()
        for (layer, scope), roles in heights.items():
            for first, *others in ROLES:
                if {first, *others} <= roles.keys():
                    sizes[scope, first].add(roles[first])
                    seen.add(layer)
        return cls(
            layers=frozenset(layer for layer, _ in heights),
            seen=frozenset(seen),
            gains=frozenset(one.layer for one in samples if one.role == GAIN and one.layer is not None),
            sizes=max(map(len, sizes.values()), default=0),
        )

    @property
    def bare(self) -> float:
        """Share of the layers in which no units are seen."""
        return 1.0 - len(self.seen) / len(self.layers) if self.layers else 0.0

    @property
    def ungained(self) -> float:
        """Share of the layers with units in which no gain stands before them."""
        return len(self.seen - self.gains) / len(self.seen) if self.seen else 0.0


def _no_units(theirs: ComponentUnits, other: _Block) -> Reason | None:
    """Why a reference's units cannot be looked for: it has none, or they could not be read."""
    if theirs.reason == Reason.NO_UNITS:
        return Reason.UNITS_UNREADABLE if other.seen else Reason.NO_UNITS_THERE
    if theirs.reason == UNREADABLE:
        return Reason.UNITS_UNREADABLE
    return Reason.UNITS_NOT_KEPT if theirs.reason == Reason.UNITS_NOT_KEPT else None


def _hidden(ours: ComponentUnits, mine: _Block, other: _Block) -> Reason | None:
    """What keeps the subject's units from being seen although the reference's are: each could be a disguise."""
    if ours.reason == Reason.NO_UNITS and not mine.seen:
        return Reason.NO_UNITS
    if ours.reason in {Reason.NO_UNITS, UNREADABLE}:
        return Reason.UNITS_UNREADABLE
    return Reason.UNITS_NOT_KEPT if ours.reason == Reason.UNITS_NOT_KEPT else _partly_hidden(ours, mine, other)


def _partly_hidden(ours: ComponentUnits, mine: _Block, other: _Block) -> Reason | None:
    """What hides some of the subject's units, or what they are scaled by."""
    if mine.bare > other.bare:
        return Reason.HIDDEN_UNITS
    if mine.sizes > other.sizes:
        return Reason.UNEVEN_LAYERS
    if mine.ungained > other.ungained:
        return Reason.GAIN_MISSING
    whole = [layer for layer in ours.layers if layer.whole]
    described = [layer for layer in whole if layer.even is not None]
    return Reason.ZERO_UNITS if described and len(described) < len(whole) else None


def _disguised(search: DisguisedSearch, ours: ComponentUnits, theirs: ComponentUnits) -> Outcome:
    """Whether units were seen from anchors that mean the same on both sides, or without any."""
    if search.without_anchors:
        return DONE
    if not search.by_anchors:
        return Outcome(Status.NOT_POSSIBLE, search.reason or Reason.NO_ANCHORS)
    labels = shared_labels(ours.anchors, theirs.anchors) if ours.anchors and theirs.anchors else []
    if any(label.startswith(BY_NUMBER) for label in labels):
        return Outcome(Status.NOT_POSSIBLE, Reason.NO_COMMON_TOKENS)
    return DONE


def _without_anchors(search: DisguisedSearch, ours: ComponentUnits, theirs: ComponentUnits) -> Outcome:
    """Whether units were looked for by their descriptors; of a reference with few units there are none to be had."""
    if search.without_anchors:
        return DONE
    whole = [layer for layer in theirs.layers if layer.whole]
    described = [layer.even for layer in whole if layer.even is not None]
    if described and all(len(even) <= 2 * even.shape[1] for even in described):
        return Outcome(Status.NOT_APPLICABLE, Reason.FEW_UNITS_THERE)
    if not described:
        told = any(layer.even is not None for layer in ours.layers)
        return Outcome(Status.NOT_POSSIBLE, Reason.NO_DESCRIPTORS_THERE if told else Reason.NOT_DESCRIBED)
    seen = any(layer.whole for layer in ours.layers)
    return Outcome(Status.NOT_POSSIBLE, Reason.NO_DESCRIPTORS if seen else Reason.NOT_DESCRIBED)
