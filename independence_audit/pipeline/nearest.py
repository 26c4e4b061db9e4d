"""Every component of the subject with its nearest reference: compared, searched, ranked, in full mode every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from independence_audit.errors import IncomparableError
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.fingerprint.weights import Model
from independence_audit.lineage.compare import Comparer, ComponentMeasured, ElsewhereSearch, measured_in_full
from independence_audit.lineage.decide import Level
from independence_audit.lineage.moved import search_moved
from independence_audit.lineage.rank import Ranking, level_of, rank
from independence_audit.pipeline.disguised import search_where_nothing_was_found
from independence_audit.pipeline.full import Ahead, measure_every_value
from independence_audit.pipeline.looking import look_elsewhere
from independence_audit.pipeline.second_look import second_looks
from independence_audit.pipeline.settings import AuditSettings, Progress
from independence_audit.pipeline.shared_training import SharedTraining
from independence_audit.pipeline.vocabulary import by_tokens

FEW = 8
"""References up to which each is measured in full; of more, strangers are told at a glance."""


def nearest_references(
    mine: Model, known: Sequence[Model], settings: AuditSettings, progress: Progress
) -> tuple[list[Ranking], Mapping[str, Message]]:
    """The components' rankings, and what is to be said of shared training, or of what lies behind a disguise.

    Raises:
        IncomparableError: No component meets any.
        InputError: Weights that are read for a search, or for every value, cannot be.
    """
    ahead = Ahead(mine, known) if settings.full else None
    standing = by_tokens(mine, known, _in_place(mine, known, progress), settings.sampler.salt)
    compared = search_moved(standing, settings.alpha)
    rankings, _ = _ranked(mine, compared, settings)
    looked = look_elsewhere(mine, known, rankings, settings, progress)
    _refuse_strangers(mine, known, looked.compared)
    rankings, _ = _ranked(mine, looked.compared, settings)
    compared, units = search_where_nothing_was_found(mine, known, rankings, settings, progress)
    rankings, level = _ranked(mine, compared, settings, looked.searches)
    glanced = {id(ranking.best.compared) for ranking in rankings if ranking.best and ranking.best.compared.glanced}
    if glanced:
        compared = [measured_in_full(one) if id(one) in glanced else one for one in compared]
        rankings, level = _ranked(mine, compared, settings, looked.searches)
    shared = SharedTraining(mine, known, rankings)
    if ahead:
        nearest = [ranking.best.compared for ranking in rankings if ranking.best]
        exact = measure_every_value(mine, known, nearest, ahead, progress)
        rankings = rank(mine.fingerprint, [_exactly(one, exact) for one in compared], level, looked.searches)
    return rankings, {**shared.messages(rankings), **second_looks(mine, known, rankings, units)}


def _in_place(mine: Model, known: Sequence[Model], progress: Progress) -> list[ComponentMeasured]:
    """Every component beside every one that it may meet, as they stand."""
    comparer = Comparer(mine.fingerprint, glancing=len(known) > FEW)
    compared: list[ComponentMeasured] = []
    for done, model in enumerate(known, 1):
        compared += comparer.compare(model.fingerprint)
        progress.step("comparing", done, len(known))
    return compared


def _refuse_strangers(mine: Model, known: Sequence[Model], compared: Sequence[ComponentMeasured]) -> None:
    """Refuse models of which no component meets another, by kind, structure or value."""
    if not compared:
        raise IncomparableError(
            f"{mine.fingerprint.name} has no component of a kind that a reference has: "
            f"{_kinds(mine.fingerprint)} against {', '.join(_kinds(model.fingerprint) for model in known)}.",
            "Name a reference that has such a component; `audit inspect` lists a checkpoint's components.",
        )


def _ranked(
    mine: Model,
    compared: Sequence[ComponentMeasured],
    settings: AuditSettings,
    elsewhere: Mapping[str, Mapping[str, ElsewhereSearch]] | None = None,
) -> tuple[list[Ranking], Level]:
    """The rankings at the level that all tests made so far leave to each."""
    level = level_of(compared, settings.alpha)
    return rank(mine.fingerprint, compared, level, elsewhere), level


def _exactly(compared: ComponentMeasured, exact: Mapping[int, ComponentMeasured]) -> ComponentMeasured:
    """A comparison with every value compared, in place, with moves undone or elsewhere, whichever was the nearest."""
    refined = exact.get(id(compared), compared)
    if compared.search is not None and compared.search.found is not None:
        found = exact.get(id(compared.search.found), compared.search.found)
        refined = replace(refined, search=replace(compared.search, found=found))
    if compared.elsewhere is not None and compared.elsewhere.found is not None:
        found = exact.get(id(compared.elsewhere.found), compared.elsewhere.found)
        refined = replace(refined, elsewhere=replace(compared.elsewhere, found=found))
    return refined


def _kinds(fingerprint: Fingerprint) -> str:
    return "/".join(sorted({component.kind.value for component in fingerprint.components})) or "nothing"
