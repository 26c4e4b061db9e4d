"""Each component of the subject with its nearest reference and the runners-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from independence_audit.anatomy import Component, Kind
from independence_audit.evidence.relation import FOUND, NAMED, STRENGTH, Relation
from independence_audit.lineage.comparison import Comparison, Comparisons, Tried
from independence_audit.lineage.coverage import could_hold_a_layer
from independence_audit.lineage.decide import SHARED_BASIS, SINGLE_FINDING, Level, Verdict, decide
from independence_audit.lineage.outcomes import SearchName
from independence_audit.lineage.unmasked import cleared, unmasked, with_control

_STANDING_OUT = (SINGLE_FINDING, SHARED_BASIS)
_UNDECIDED = (Relation.INCONCLUSIVE, Relation.UNINFORMATIVE, Relation.NOT_TESTED)


@dataclass(frozen=True, slots=True)
class Ranking:
    """One component of the subject and what every comparison of it came to, the nearest reference first."""

    component: Component
    verdicts: tuple[Verdict, ...]
    elsewhere: Mapping[str, Tried] = field(default_factory=dict)
    """By reference, what became of looking for its weights elsewhere; empty where nothing had to be looked for."""

    @property
    def best(self) -> Verdict | None:
        """The nearest reference's verdict; None where the component met no reference."""
        return self.verdicts[0] if self.verdicts else None

    @property
    def asked(self) -> tuple[Verdict, ...]:
        """The verdicts on references that have to clear the component: those of its kind, and what may hide in it."""
        return tuple(verdict for verdict in self.verdicts if _is_asked(verdict))

    @property
    def uncleared(self) -> tuple[Verdict, ...]:
        """The verdicts that leave the component, or what it has beside its tables, open."""
        return tuple(verdict for verdict in self.asked if verdict.relation in _UNDECIDED or verdict.reason)

    @property
    def relation(self) -> Relation:
        """The component's relation: the strongest that was found; else it is cleared by every reference, or open."""
        if self.best is None:
            return Relation.NOT_TESTED
        if self.best.relation in NAMED:
            return self.best.relation
        told = self.asked or self.verdicts
        if all(verdict.relation == Relation.NOT_TESTED for verdict in told):
            return Relation.NOT_TESTED
        return Relation.INCONCLUSIVE if self.uncleared or not self.asked else Relation.UNRELATED

    @property
    def reason(self) -> str | None:
        """Why the component, or what it has beside its tables, is open: the reason that most references give."""
        if self.best is None:
            return "no_reference_of_kind"
        if self.relation in FOUND or self.relation == Relation.UNRELATED:
            return None
        given = Counter(verdict.reason for verdict in self.uncleared or self.verdicts if verdict.reason)
        return min(given, key=lambda reason: (-given[reason], reason), default=None)


def _is_asked(verdict: Verdict) -> bool:
    """Whether a component is not cleared without this reference.

    Parts of no known kind meet everything. What the reference has of them says nothing of a decoder; but the subject's
    may be a decoder under names that nobody knows, if it is large enough to be one.
    """
    pair = verdict.compared.pair
    if verdict.reason in _STANDING_OUT or pair.subject.kind == pair.reference.kind:
        return True
    if pair.reference.kind == Kind.OTHER:
        return False
    return pair.subject.kind != Kind.OTHER or could_hold_a_layer(pair)


def level_of(compared: Sequence[Comparison], alpha: float) -> Level:
    """The family-wise level, spread over everything that was tested."""
    tests = sum(one.tests for one in compared)
    comparisons = sum(bool(one.tests) + bool(one.tests_of(SearchName.DISGUISED)) for one in compared)
    return Level(alpha, max(1, tests), max(1, comparisons))


def rank(comparisons: Comparisons) -> list[Ranking]:
    """Judge every comparison at the level that all tests so far leave to it, and order each component's by nearness.

    Pure and cheap: a search asks it at any time.
    """
    level = level_of(comparisons.items, comparisons.alpha)
    verdicts = [_better(one, level) for one in comparisons.items]
    return [
        Ranking(
            component,
            tuple(
                sorted(
                    (verdict for verdict in verdicts if verdict.compared.pair.subject.name == component.name),
                    key=_distance,
                )
            ),
            {reference: tried for (name, reference), tried in comparisons.elsewhere.items() if name == component.name},
        )
        for component in comparisons.subject.components
    ]


def _better(compared: Comparison, level: Level) -> Verdict:
    """The verdict in place, or with moves undone or weights found elsewhere where that shows more.

    It is left open where something that it takes to clear was not searched.
    """
    best = unmasked(decide(compared, level), level)
    for found in compared.found_by():
        other = decide(found, level)
        best = other if _shown(other) > _shown(best) else best
    best = with_control(replace(best, messages=compared.messages), level)
    return cleared(best, compared.first_gap())


def _shown(verdict: Verdict) -> tuple[bool, float]:
    """Whether weights were found, and parameters found, each tensor's weighted by its correlation."""
    if verdict.relation not in NAMED:
        return False, 0.0
    pairs = zip(verdict.compared.measured, verdict.tensors, strict=True)
    return verdict.relation in FOUND, sum(
        one.subject.parameters * abs(one.test.r)
        for one, relation in pairs
        if relation in NAMED and one.test is not None
    )


def _distance(verdict: Verdict) -> tuple[int, bool, float, float, float, float, str]:
    """Sort key, nearest first: the relation, then how much of the component was compared and how like it is.

    Where the typical tensor is equal, all tensors count: what was trained on another's base is nearest to that base.
    Among unrelated models those that were measured come before those that were only screened.
    """
    found = verdict.relation in NAMED
    matched = sum(measured.subject.parameters for measured in verdict.compared.measured if measured.test)
    return (
        -STRENGTH[verdict.relation] if found else 1,
        verdict.compared.screened and not found,
        -matched if found else verdict.p_value if verdict.p_value is not None else 2.0,
        -(verdict.r or 0.0) if found else -matched,
        -_shown(verdict)[1],
        verdict.detection_bound if verdict.detection_bound is not None else 2.0,
        verdict.compared.reference,
    )
