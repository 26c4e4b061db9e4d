"""Looking for weights in all of every reference, for components of which not everything was found in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.lineage.compare import ComponentMeasured, ElsewhereSearch
from independence_audit.lineage.elsewhere import Elsewhere, Match, by_components, not_met, with_matches
from independence_audit.lineage.rank import Ranking
from independence_audit.pipeline.models import Model
from independence_audit.pipeline.settings import Progress

NO_SUCH_SHAPES = "no_such_shapes"
"""Why there was nothing to look for: no tensor of any reference has a shape of the component's."""


@dataclass(frozen=True, slots=True)
class LookedElsewhere:
    """All comparisons after looking elsewhere, and what became of it."""

    compared: list[ComponentMeasured]
    searches: Mapping[str, Mapping[str, ElsewhereSearch]] = field(default_factory=dict)
    """By component of the subject and by reference."""


def look_elsewhere(
    mine: Model, known: Sequence[Model], rankings: Sequence[Ranking], progress: Progress
) -> LookedElsewhere:
    """Look for the samples of every component in which nothing was found in all samples of every reference.

    Args:
        mine: The subject.
        known: The references.
        rankings: What the comparisons of its components in their places came to.
        progress: Is told how far the looking has come.
    """
    compared = [verdict.compared for ranking in rankings for verdict in ranking.verdicts]
    names = {ranking.component.name for ranking in rankings if not (ranking.best and ranking.best.relation in FOUND)}
    if not names:
        return LookedElsewhere(compared)
    subject = mine.fingerprint
    ours = Elsewhere(sample for sample in subject.samples if sample.component in names)
    place = {(one.pair.subject.name, one.reference, one.pair.reference.name): n for n, one in enumerate(compared)}
    searches: dict[str, dict[str, ElsewhereSearch]] = {name: {} for name in names}
    for done, model in enumerate(known, 1):
        reference = model.fingerprint
        looked = ours.look(reference)
        for name in sorted(names):
            tests = looked.pairs if name in looked.shaped else 0
            searches[name][reference.name] = ElsewhereSearch(tests, "" if tests else NO_SUCH_SHAPES)
        for (own, other), matches in by_components(looked.matches).items():
            at = place.get((own, reference.name, other))
            standing = _unmet(subject, own, reference, other) if at is None else compared[at]
            found = with_matches(standing, _new(standing, matches), looked.pairs)
            if found is None:
                continue
            if at is None:
                compared.append(found)
            else:
                compared[at] = replace(standing, elsewhere=replace(searches[own][reference.name], found=found))
        progress.step("looking elsewhere", done, len(known))
    return LookedElsewhere(compared, searches)


def _new(standing: ComponentMeasured, matches: Sequence[Match]) -> list[Match]:
    """The matches that are not those of one place, which were compared already."""
    in_place = {(id(one.subject), id(one.reference)) for one in standing.measured}
    return [one for one in matches if (id(one.mine), id(one.theirs)) not in in_place]


def _unmet(subject: Fingerprint, own: str, reference: Fingerprint, other: str) -> ComponentMeasured:
    mine = next(component for component in subject.components if component.name == own)
    theirs = next(component for component in reference.components if component.name == other)
    return not_met(subject, mine, reference, theirs)
