"""Every component of the subject with its nearest reference: compared, searched, ranked, in full mode every value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from independence_audit.errors import IncomparableError
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.lineage.compare import Comparer, ComponentMeasured, measured_in_full
from independence_audit.lineage.decide import Level
from independence_audit.lineage.moved import search_moved
from independence_audit.lineage.rank import Ranking, level_of, rank
from independence_audit.pipeline.disguised import search_where_nothing_was_found
from independence_audit.pipeline.full import Ahead, measure_every_value
from independence_audit.pipeline.models import Model
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
    compared, units = search_where_nothing_was_found(mine, known, rankings, settings, progress)
    rankings, level = _ranked(mine, compared, settings)
    glanced = {id(ranking.best.compared) for ranking in rankings if ranking.best and ranking.best.compared.glanced}
    if glanced:
        compared = [measured_in_full(one) if id(one) in glanced else one for one in compared]
        rankings, level = _ranked(mine, compared, settings)
    shared = SharedTraining(mine, known, rankings)
    if ahead:
        nearest = [ranking.best.compared for ranking in rankings if ranking.best]
        exact = measure_every_value(mine, known, nearest, ahead, progress)
        rankings = rank(mine.fingerprint, [_exactly(one, exact) for one in compared], level)
    return rankings, {**shared.messages(rankings), **second_looks(mine, known, rankings, units)}


def _in_place(mine: Model, known: Sequence[Model], progress: Progress) -> list[ComponentMeasured]:
    """Every component beside every one that it may meet, as they stand."""
    comparer = Comparer(mine.fingerprint, glancing=len(known) > FEW)
    compared: list[ComponentMeasured] = []
    for done, model in enumerate(known, 1):
        compared += comparer.compare(model.fingerprint)
        progress.step("comparing", done, len(known))
    if not compared:
        raise IncomparableError(
            f"{mine.fingerprint.name} has no component of a kind that a reference has: "
            f"{_kinds(mine.fingerprint)} against {', '.join(_kinds(model.fingerprint) for model in known)}.",
            "Name a reference that has such a component; `audit inspect` lists a checkpoint's components.",
        )
    return compared


def _ranked(mine: Model, compared: Sequence[ComponentMeasured], settings: AuditSettings) -> tuple[list[Ranking], Level]:
    """The rankings at the level that all tests made so far leave to each."""
    level = level_of(compared, settings.alpha)
    return rank(mine.fingerprint, compared, level), level


def _exactly(compared: ComponentMeasured, exact: Mapping[int, ComponentMeasured]) -> ComponentMeasured:
    """A comparison with every value compared, in place or with moves undone, whichever was the nearer."""
    search = compared.search
    if search is None or search.found is None:
        return exact.get(id(compared), compared)
    found = exact.get(id(search.found), search.found)
    return replace(exact.get(id(compared), compared), search=replace(search, found=found))


def _kinds(fingerprint: Fingerprint) -> str:
    return "/".join(sorted({component.kind.value for component in fingerprint.components})) or "nothing"
