"""The search for disguised copies: made where the aligned test finds nothing, from units read only then."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from independence_audit.anatomy import has_sign_symmetry
from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint.units.model import ComponentUnits
from independence_audit.fingerprint.units.read import read_units, unit_plan
from independence_audit.fingerprint.weights import Model
from independence_audit.lineage.compare import ComponentMeasured
from independence_audit.lineage.disguised import search_disguised
from independence_audit.lineage.rank import Ranking
from independence_audit.lineage.searched import Name, moved_outcome, unit_outcomes
from independence_audit.pipeline.settings import AuditSettings, Progress

_BothUnits = tuple[Mapping[str, ComponentUnits], Mapping[str, ComponentUnits]]

Units = Mapping[str, _BothUnits]
"""By reference, units of the subject's components and of its own."""


def search_where_nothing_was_found(
    mine: Model, known: Sequence[Model], rankings: Sequence[Ranking], settings: AuditSettings, progress: Progress
) -> tuple[list[ComponentMeasured], Units]:
    """All comparisons, those of components in which nothing was found with the search for a disguised copy.

    Returns:
        The comparisons, and the units that were searched.
    """
    compared = [verdict.compared for ranking in rankings for verdict in ranking.verdicts]
    searched = {ranking.component.name for ranking in rankings if ranking.best and ranking.best.relation not in FOUND}
    open_ones = [one for one in compared if one.pair.subject.name in searched]
    if not open_ones:
        return compared, {}
    ours = _OwnUnits(mine, searched, settings)
    units: dict[str, _BothUnits] = {}
    for done, model in enumerate(known, 1):
        name = model.fingerprint.name
        wanted = {one.pair.reference.name for one in open_ones if one.reference == name}
        units[name] = (ours.beside(model), _units(model, wanted, settings, _depth(mine, model))) if wanted else ({}, {})
        progress.step("searching for disguised copies", done, len(known))
    found = [_searched(one, *units[one.reference]) if one.pair.subject.name in searched else one for one in compared]
    return found, units


def _searched(
    one: ComponentMeasured, ours: Mapping[str, ComponentUnits], theirs: Mapping[str, ComponentUnits]
) -> ComponentMeasured:
    """A comparison with the search for a disguised copy, and with what became of every search."""
    mine, other = ours.get(one.pair.subject.name), theirs.get(one.pair.reference.name)
    families = one.pair.subject.family, one.pair.reference.family
    search = search_disguised(mine, other, symmetric=all(map(has_sign_symmetry, families)))
    outcomes = dict(unit_outcomes(one.pair, search, mine, other))
    if one.search is not None:
        outcomes[Name.MOVED] = moved_outcome(one.pair, one.search.reason)
    if one.tokens is not None:
        outcomes[Name.TOKENS] = one.tokens
    return replace(one, disguised=search, searched=outcomes)


@dataclass(frozen=True, slots=True)
class _Depth:
    """How many layers of both sides are read whole where nobody said: units are seen through all of them."""

    layers: int | None = None
    deeper: bool = False


def _depth(mine: Model, theirs: Model) -> _Depth:
    """More than usual where both sides' weights are here and it costs little; as many as a fingerprint has."""
    if _has_weights(mine) and _has_weights(theirs):
        return _Depth(deeper=True)
    kept = [one.layers for side in (mine, theirs) for one in side.fingerprint.units]
    return _Depth(layers=max((sum(layer.whole for layer in layers) for layers in kept), default=0) or None)


def _has_weights(model: Model) -> bool:
    return not model.fingerprint.units and model.weights_here is not None


class _OwnUnits:
    """The subject's units, read once for references of one depth."""

    def __init__(self, mine: Model, wanted: Collection[str], settings: AuditSettings) -> None:
        self._mine, self._wanted, self._settings = mine, wanted, settings
        self._read: dict[_Depth, Mapping[str, ComponentUnits]] = {}

    def beside(self, reference: Model) -> Mapping[str, ComponentUnits]:
        """Those that a reference's can be held against, by component."""
        depth = _depth(self._mine, reference)
        if depth not in self._read:
            self._read[depth] = _units(self._mine, self._wanted, self._settings, depth)
        return self._read[depth]


def _units(
    model: Model, wanted: Collection[str], settings: AuditSettings, depth: _Depth
) -> Mapping[str, ComponentUnits]:
    """Units by component: those of the fingerprint, or read now."""
    units = model.fingerprint.units
    if not units and model.weights is not None:
        checkpoint = model.weights.checkpoint
        plan = unit_plan(checkpoint.source, settings.sampler, settings.search_layers)
        if settings.search_layers is None and model.weights.on_this_machine:
            plan = replace(plan, search_layers=depth.layers or plan.search_layers, deeper=depth.deeper)
        units = read_units(checkpoint, model.weights.anatomy, plan, wanted)
    return {one.component: one for one in units}
