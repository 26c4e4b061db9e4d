"""Each component of the subject with its nearest reference and the runners-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from independence_audit.anatomy import Component
from independence_audit.evidence.relation import FOUND, STRENGTH
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.lineage.compare import ComponentMeasured, ElsewhereSearch
from independence_audit.lineage.decide import Level, Verdict, decide
from independence_audit.lineage.unmasked import unmasked


@dataclass(frozen=True, slots=True)
class Ranking:
    """One component of the subject and what every comparison of it came to, the nearest reference first."""

    component: Component
    verdicts: tuple[Verdict, ...]
    elsewhere: Mapping[str, ElsewhereSearch] = field(default_factory=dict)
    """By reference, what became of looking for its weights elsewhere; empty where nothing had to be looked for."""

    @property
    def best(self) -> Verdict | None:
        """The nearest reference's verdict; None where the component met no reference."""
        return self.verdicts[0] if self.verdicts else None


def level_of(compared: Sequence[ComponentMeasured], alpha: float) -> Level:
    """The family-wise level, spread over everything that was tested."""
    tests = sum(one.tests for one in compared)
    comparisons = sum(bool(one.tests) + bool(one.disguised and one.disguised.tests) for one in compared)
    return Level(alpha, max(1, tests), max(1, comparisons))


def rank(
    subject: Fingerprint,
    compared: Sequence[ComponentMeasured],
    level: Level,
    elsewhere: Mapping[str, Mapping[str, ElsewhereSearch]] | None = None,
) -> list[Ranking]:
    """Judge every comparison and order each component's by nearness.

    Args:
        subject: Whose components are ranked.
        compared: All comparisons of an audit.
        level: What each of them is judged at.
        elsewhere: By component and reference, what became of looking for weights elsewhere.
    """
    verdicts = [_better(one, level) for one in compared]
    return [
        Ranking(
            component,
            tuple(
                sorted(
                    (verdict for verdict in verdicts if verdict.compared.pair.subject.name == component.name),
                    key=_distance,
                )
            ),
            (elsewhere or {}).get(component.name, {}),
        )
        for component in subject.components
    ]


def _better(compared: ComponentMeasured, level: Level) -> Verdict:
    """The verdict in place, or with moves undone or weights found elsewhere where that shows more."""
    best = unmasked(decide(compared, level), level)
    for search in (compared.search, compared.elsewhere):
        if search is not None and search.found is not None:
            other = decide(search.found, level)
            best = other if _shown(other) > _shown(best) else best
    return best


def _shown(verdict: Verdict) -> float:
    """Parameters found, each tensor's weighted by its correlation."""
    if verdict.relation not in FOUND:
        return 0.0
    pairs = zip(verdict.compared.measured, verdict.tensors, strict=True)
    return sum(
        one.subject.parameters * abs(one.test.r)
        for one, relation in pairs
        if relation in FOUND and one.test is not None
    )


def _distance(verdict: Verdict) -> tuple[int, bool, float, float, float, str]:
    """Sort key, nearest first: the relation, then how much of the component was compared and how like it is.

    Among strangers those that were measured come before those that were only glanced at.
    """
    found = verdict.relation in FOUND
    matched = sum(measured.subject.parameters for measured in verdict.compared.measured if measured.test)
    return (
        -STRENGTH[verdict.relation] if found else 1,
        verdict.compared.glanced and not found,
        -matched if found else verdict.p_value if verdict.p_value is not None else 2.0,
        -(verdict.r or 0.0) if found else -matched,
        verdict.detection_bound if verdict.detection_bound is not None else 2.0,
        verdict.compared.reference,
    )
