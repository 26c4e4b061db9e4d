"""The search for disguised copies: made where the aligned test finds nothing, from units read only then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint.units.model import ComponentUnits
from independence_audit.fingerprint.units.read import read_units, unit_plan
from independence_audit.lineage.compare import ComponentMeasured
from independence_audit.lineage.disguised import search_disguised
from independence_audit.lineage.rank import Ranking
from independence_audit.pipeline.models import Model
from independence_audit.pipeline.settings import AuditSettings, Progress


def search_where_nothing_was_found(
    mine: Model, known: Sequence[Model], rankings: Sequence[Ranking], settings: AuditSettings, progress: Progress
) -> list[ComponentMeasured]:
    """All comparisons, those of components in which nothing was found with the search for a disguised copy."""
    compared = [verdict.compared for ranking in rankings for verdict in ranking.verdicts]
    searched = {ranking.component.name for ranking in rankings if ranking.best and ranking.best.relation not in FOUND}
    open_ones = [one for one in compared if one.pair.subject.name in searched]
    if not open_ones:
        return compared
    ours = _units(mine, searched, settings)
    theirs: dict[str, dict[str, ComponentUnits]] = {}
    for done, model in enumerate(known, 1):
        name = model.fingerprint.name
        wanted = {one.pair.reference.name for one in open_ones if one.reference == name}
        theirs[name] = _units(model, wanted, settings) if wanted else {}
        progress.step("searching for disguised copies", done, len(known))
    return [
        replace(
            one,
            disguised=search_disguised(
                ours.get(one.pair.subject.name), theirs[one.reference].get(one.pair.reference.name)
            ),
        )
        if one.pair.subject.name in searched
        else one
        for one in compared
    ]


def _units(model: Model, wanted: Collection[str], settings: AuditSettings) -> dict[str, ComponentUnits]:
    """Units by component: those of the fingerprint, or read now."""
    units = model.fingerprint.units
    if not units and model.checkpoint is not None and model.anatomy is not None:
        plan = unit_plan(model.checkpoint.source, settings.sampler, settings.search_layers)
        units = read_units(model.checkpoint, model.anatomy, plan, wanted)
    return {one.component: one for one in units}
