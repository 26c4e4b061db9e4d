"""The search for disguised copies: a reference's units among the subject's, read only where nothing was found.

Which searches were made beside a reference is told with the tests: nothing is cleared without them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from independence_audit.anatomy import has_sign_symmetry
from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint import Model, Sample, Sampler
from independence_audit.fingerprint.units.places import ROLES
from independence_audit.fingerprint.units.unit_layers import BY_NUMBER, ComponentUnits, shared_labels
from independence_audit.fingerprint.units.unit_reading import read_units, unit_plan
from independence_audit.lineage.comparison import Comparison, Comparisons, Tried
from independence_audit.lineage.disguised import DisguisedSearch, search_disguised
from independence_audit.lineage.measure import SHAPE_DIFFERS
from independence_audit.lineage.outcomes import DONE, Outcome, Reason, SearchName, Status
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.lineage.rank import rank
from independence_audit.lineage.searches import About, Cost, Law, Models

GAIN = "mlp_norm"

FIRST_ROLES = tuple(first for first, *_ in ROLES)

CONTROLLED = 8
"""References up to which controls are made beside each; of more, beside those that cannot be compared in place."""

UNREADABLE = "unreadable"
"""Why units were not kept, where bytes could not be read."""


@dataclass(frozen=True, slots=True)
class _Depth:
    """How many layers of both sides are read whole where nobody said: units are seen through all of them."""

    layers: int | None = None
    deeper: bool = False


_Reading = tuple[bool, str, _Depth]
"""Whether of the subject, the model's name, and how deep: a reference may bear the subject's name."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of an audit's models, each read once for references of one depth."""

    sampler: Sampler
    search_layers: int | None
    """Layers of a component whose units are all read; None for as many as is usual."""
    _read: dict[_Reading, Mapping[str, ComponentUnits]] = field(default_factory=dict, init=False, repr=False)

    def both(
        self, mine: Model, theirs: Model, wanted: tuple[Collection[str], Collection[str]]
    ) -> tuple[Mapping[str, ComponentUnits], Mapping[str, ComponentUnits]]:
        """Units of wanted components of the subject, as deep as the reference's, and of the reference's."""
        depth = _depth(mine, theirs)
        return self._of(mine, wanted[0], depth, subject=True), self._of(theirs, wanted[1], depth)

    def _of(
        self, model: Model, wanted: Collection[str], depth: _Depth, *, subject: bool = False
    ) -> Mapping[str, ComponentUnits]:
        key = subject, model.name, depth
        if key not in self._read:
            self._read[key] = self._units(model, wanted, depth, subject=subject)
        return self._read[key]

    def _units(
        self, model: Model, wanted: Collection[str], depth: _Depth, *, subject: bool
    ) -> Mapping[str, ComponentUnits]:
        """Units by component: those of the fingerprint, or read now; of the subject those of all layers."""
        units = model.fingerprint.units
        if not units and model.weights is not None:
            checkpoint = model.weights.checkpoint
            plan = unit_plan(checkpoint.source, self.sampler, self.search_layers)
            if self.search_layers is None and model.weights.on_this_machine:
                plan = replace(plan, search_layers=depth.layers or plan.search_layers, deeper=depth.deeper)
            here = model.weights.on_this_machine
            plan = replace(plan, everywhere=subject and here, attention=here)
            units = read_units(checkpoint, model.weights.anatomy, plan, wanted)
        return {one.component: one for one in units}


def _depth(mine: Model, theirs: Model) -> _Depth:
    """More than usual where both sides' weights are here and it costs little; as many as a fingerprint has."""
    if _has_weights(mine) and _has_weights(theirs):
        return _Depth(deeper=True)
    kept = [one.layers for side in (mine, theirs) for one in side.fingerprint.units]
    return _Depth(layers=max((sum(layer.whole for layer in layers) for layers in kept), default=0) or None)


def _has_weights(model: Model) -> bool:
    return not model.fingerprint.units and model.weights_here is not None


@dataclass(frozen=True, slots=True)
class DisguisedUnits:
    """Units of the reference's layers looked for in components in which nothing was found."""

    units: Units
    about = About(
        title="disguised units",
        names=(SearchName.DISGUISED, SearchName.WITHOUT_ANCHORS),
        law=Law.RIGOROUS,
        null="sign and order tests from the draw alone; counts and leaning designs measured on unrelated models",
        bound="units whose weights and readers were kept, whatever turns, orders and scales them",
        cost=Cost.UNITS,
        messages=(
            "fact.disguised_up_sign",
            "fact.disguised_order",
            "fact.disguised_descriptors",
            "fact.disguised_agreement",
            "fact.disguised_descriptor_agreement",
            "fact.disguised_signs_together",
            "fact.disguised_gates_alike",
            "fact.disguised_downs_alike",
            "fact.disguised_attention_alike",
        ),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Search every comparison of a component in which nothing was found."""
        rankings = rank(comparisons)
        comparisons = comparisons.with_items([verdict.compared for ranking in rankings for verdict in ranking.verdicts])
        names = {ranking.component.name for ranking in rankings if ranking.best and ranking.best.relation not in FOUND}
        found: dict[str, tuple[Mapping[str, ComponentUnits], Mapping[str, ComponentUnits]]] = {}
        if not names:
            return comparisons
        for done, model in enumerate(models.known.values(), 1):
            wanted = wanted_of(comparisons, model.name, names)
            if wanted:
                found[model.name] = self.units.both(models.mine, model, (names, wanted))
            models.progress.step("searching for disguised copies", done, len(models.known))
        few = len(models.known) <= CONTROLLED
        apart = {
            verdict.compared.key for each in rankings for verdict in each.verdicts if verdict.reason == SHAPE_DIFFERS
        }
        return comparisons.changed(
            lambda one: (
                _searched(one, *found[one.reference], controlled=few or one.key in apart)
                if one.pair.subject.name in names
                else one
            )
        )


def wanted_of(comparisons: Comparisons, reference: str, names: Collection[str]) -> set[str]:
    """A reference's components that the subject's components of these names are compared with."""
    return {
        one.pair.reference.name
        for one in comparisons.items
        if one.reference == reference and one.pair.subject.name in names
    }


def _width(samples: Sequence[Sample]) -> int | None:
    """The residual width that a component's units read."""
    widths = [one.shape[1] for one in samples if one.layer is not None and one.role.rpartition(".")[2] in FIRST_ROLES]
    return max(set(widths), key=widths.count) if widths else None


def _searched(
    one: Comparison,
    ours: Mapping[str, ComponentUnits],
    theirs: Mapping[str, ComponentUnits],
    *,
    controlled: bool,
) -> Comparison:
    """A comparison with the search for a disguised copy, and with what became of it."""
    mine, other = ours.get(one.pair.subject.name), theirs.get(one.pair.reference.name)
    families = one.pair.subject.family, one.pair.reference.family
    width = _width(one.pair.reference_samples) if controlled else None
    search = search_disguised(mine, other, symmetric=all(map(has_sign_symmetry, families)), width=width)
    outcomes = unit_outcomes(one.pair, search, mine, other)
    return one.with_tried(
        {
            SearchName.DISGUISED: Tried(
                outcomes[SearchName.DISGUISED], search.tests, units=search.found, controls=search.controls
            ),
            SearchName.WITHOUT_ANCHORS: Tried(outcomes[SearchName.WITHOUT_ANCHORS]),
        }
    )


def unit_outcomes(
    pair: ComponentPair, search: DisguisedSearch, ours: ComponentUnits | None, theirs: ComponentUnits | None
) -> Mapping[SearchName, Outcome]:
    """What became of both searches for units.

    Args:
        pair: The components beside each other.
        search: What was searched.
        ours: The subject's units; None where its fingerprint was made without.
        theirs: The same of the reference.
    """
    if ours is None or theirs is None:
        return _both(Outcome(Status.NOT_POSSIBLE, Reason.UNITS_NOT_KEPT))
    mine = _Block.of(pair.subject_samples)
    other = _Block.of(pair.reference_samples)
    reason = _no_units(theirs, other) or _hidden(ours, mine, other)
    if reason == Reason.NO_UNITS_THERE:
        return _both(Outcome(Status.NOT_APPLICABLE, reason))
    if reason:
        return _both(Outcome(Status.NOT_POSSIBLE, reason))
    without = _without_anchors(search, ours, theirs)
    return {SearchName.DISGUISED: _disguised(search, ours, theirs), SearchName.WITHOUT_ANCHORS: without}


def _both(outcome: Outcome) -> Mapping[SearchName, Outcome]:
    return {SearchName.DISGUISED: outcome, SearchName.WITHOUT_ANCHORS: outcome}


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
    return Reason.UNITS_NOT_KEPT if ours.reason == Reason.UNITS_NOT_KEPT else _partly_hidden(mine, other)


def _partly_hidden(mine: _Block, other: _Block) -> Reason | None:
    """What hides some of the subject's units, or what they are scaled by."""
    if mine.bare > other.bare:
        return Reason.HIDDEN_UNITS
    if mine.sizes > other.sizes:
        return Reason.UNEVEN_LAYERS
    return Reason.GAIN_MISSING if mine.ungained > other.ungained else None


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
