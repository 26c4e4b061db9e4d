"""Every component of the subject beside every reference: compared in place, then searched, one search after another."""

from __future__ import annotations

from collections.abc import Sequence

from independence_audit.core.progress import Progress
from independence_audit.errors import IncomparableError
from independence_audit.fingerprint import Fingerprint, Model
from independence_audit.lineage.after_alignment import AfterAlignment
from independence_audit.lineage.comparison import Comparison, Comparisons
from independence_audit.lineage.disguised_units import DisguisedUnits, Units
from independence_audit.lineage.elsewhere_search import Elsewhere
from independence_audit.lineage.every_value import EveryValue
from independence_audit.lineage.in_place import Comparer, MeasuredInFull
from independence_audit.lineage.merges import Merges
from independence_audit.lineage.moved import Moved
from independence_audit.lineage.searches import About, Models, Search
from independence_audit.lineage.shared_training import SharedTraining
from independence_audit.lineage.token_rows import TokenRows
from independence_audit.pipeline.settings import AuditSettings

FEW = 8
"""References up to which each is measured in full; more are screened first."""

STATED: tuple[About, ...] = tuple(
    search.about
    for search in (
        TokenRows,
        Moved,
        Elsewhere,
        DisguisedUnits,
        MeasuredInFull,
        SharedTraining,
        Merges,
        EveryValue,
        AfterAlignment,
    )
)
"""What every search states of itself, in the order in which they are made; ``docs/method.md`` shows it as a table."""


def compare_with_references(
    mine: Model, known: Sequence[Model], settings: AuditSettings, progress: Progress
) -> Comparisons:
    """Compare the subject's components with those of every reference, and make every search.

    Raises:
        IncomparableError: No component meets any.
        InputError: Weights that are read for a search, or for every value, cannot be.
    """
    models = Models(mine, {model.name: model for model in known}, progress)
    searches = searches_of(models, settings)
    comparisons = Comparisons(mine.fingerprint, settings.alpha, tuple(_in_place(models)))
    for search in searches:
        comparisons = search.run(comparisons, models)
    _refuse_where_nothing_met(comparisons, known)
    return comparisons.settled()


def searches_of(models: Models, settings: AuditSettings) -> tuple[Search, ...]:
    """The searches of an audit, in their order; one that reads every value begins now, beside all others."""
    units = Units(settings.sampler, settings.search_layers)
    exact = (
        (EveryValue(models.mine, list(models.known.values()), settings.jobs, settings.work),) if settings.full else ()
    )
    return (
        TokenRows(settings.sampler.salt),
        Moved(),
        Elsewhere(settings.full, settings.sampler.salt),
        DisguisedUnits(units),
        MeasuredInFull(),
        SharedTraining(),
        Merges(),
        *exact,
        AfterAlignment(units),
    )


def _in_place(models: Models) -> list[Comparison]:
    """Every component beside every one that it may meet, as they stand."""
    comparer = Comparer(models.mine.fingerprint, screening=len(models.known) > FEW)
    compared: list[Comparison] = []
    for done, model in enumerate(models.known.values(), 1):
        compared += comparer.compare(model.fingerprint)
        models.progress.step("comparing", done, len(models.known))
    return compared


def _refuse_where_nothing_met(comparisons: Comparisons, known: Sequence[Model]) -> None:
    """Refuse models of which no component meets another, by kind, structure or value."""
    if not comparisons.items:
        raise IncomparableError(
            f"{comparisons.subject.name} has no component of a kind that a reference has: "
            f"{_kinds(comparisons.subject)} against {', '.join(_kinds(model.fingerprint) for model in known)}.",
            "Name a reference that has such a component; `audit inspect` lists a checkpoint's components.",
        )


def _kinds(fingerprint: Fingerprint) -> str:
    return "/".join(sorted({component.kind.value for component in fingerprint.components})) or "nothing"
