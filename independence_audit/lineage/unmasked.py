"""From the search for a disguised copy to the relation of a component in which the aligned test found nothing.

What it found makes the component transformed. What it did not find clears it where the search would have found a copy,
and where everything else that clears was looked at as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from independence_audit.anatomy import is_unit
from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.evidence.relation import FOUND, NAMED, Relation
from independence_audit.lineage.coverage import is_hidden_elsewhere
from independence_audit.lineage.decide import ENOUGH_POWER, Level, Verdict
from independence_audit.lineage.disguised import is_counted
from independence_audit.lineage.measure import SHAPE_DIFFERS
from independence_audit.lineage.outcomes import DONE, SearchName, Undone
from independence_audit.statistics.decision import bonferroni
from independence_audit.statistics.units import critical_sign_z

_CLEARING = (Relation.UNRELATED, Relation.TOKEN_TABLES)
"""What says that nothing was found, or nothing but tables."""
_OPEN = (Relation.UNRELATED, Relation.INCONCLUSIVE)

_ATTENTION = ("q", "k", "v", "o")
"""The matrices that a test of attention speaks of."""


def unmasked(verdict: Verdict, level: Level) -> Verdict:
    """The verdict with what the search for a disguised copy adds; as it was where that found nothing.

    What was tested in place says nothing of a model whose basis was turned: tensors that looked unrelated become
    inconclusive, those whose units were found transformed.
    """
    search = verdict.compared.tried.get(SearchName.DISGUISED)
    if search is None or verdict.relation in FOUND:
        return verdict
    found = tuple(
        test for test in search.units if _corrected(test, search.tests, level) <= level.alpha or is_counted(test)
    )
    if not found:
        return verdict
    layers = layers_found(found)
    in_attention = layers_found([test for test in found if test.test == UnitTest.ATTENTION_ALIKE])
    in_units = layers_found([test for test in found if test.test != UnitTest.ATTENTION_ALIKE])
    p_values = [_corrected(test, search.tests, level) for test in found if test.p_value is not None]
    tensors = tuple(
        _tensor(
            relation,
            shown=(is_unit(measured.subject.role) and measured.subject.layer in in_units)
            or (measured.subject.role in _ATTENTION and measured.subject.layer in in_attention),
        )
        for measured, relation in zip(verdict.compared.measured, verdict.tensors, strict=True)
    )
    measured = tuple(replace(one, undone=one.undone or Undone.DISGUISE) for one in verdict.compared.measured)
    return replace(
        verdict,
        compared=verdict.compared.with_measured(measured),
        relation=Relation.TRANSFORMED,
        tensors=tensors,
        layers=tuple(
            replace(layer, relation=Relation.TRANSFORMED, reference_layer=layers[layer.layer], r=None)
            if layer.layer in layers
            else layer
            if layer.relation in NAMED
            else replace(layer, relation=Relation.INCONCLUSIVE, r=None)
            for layer in verdict.layers
        ),
        p_value=min(p_values, default=None),
        r=None,
        reason=None,
        disguised=found,
    )


def with_control(verdict: Verdict, level: Level) -> Verdict:
    """The verdict with what the search for units would have found, by which it clears where shapes leave no other test.

    Below ``ENOUGH_POWER`` nobody is cleared, and the verdict says so. Weights without a known role, which no search for
    units sees, leave it as it was.
    """
    search = verdict.compared.tried.get(SearchName.DISGUISED)
    if search is None or search.controls is None:
        return verdict
    bound = search.controls.bound(critical_sign_z(level.alpha, search.tests * level.comparisons))
    verdict = replace(verdict, control_bound=bound)
    if verdict.reason != SHAPE_DIFFERS or search.outcome != DONE or is_hidden_elsewhere(verdict.compared):
        return verdict
    if bound is None or bound > ENOUGH_POWER:
        return replace(verdict, relation=Relation.INCONCLUSIVE, reason=WEAK_SEARCH)
    return replace(verdict, relation=Relation.UNRELATED, reason=None, detection_bound=bound, any_basis=True)


WEAK_SEARCH = "weak_search"
"""Why nobody is cleared by a search that would have found close copies alone, as a message key."""


def cleared(verdict: Verdict, gap: str) -> Verdict:
    """The verdict, left open where it says that nothing was found but a search that it takes was not made.

    Args:
        verdict: What was found.
        gap: Why such a search was not made; empty where all were, or none was needed.
    """
    if not gap or verdict.reason or verdict.relation not in _CLEARING:
        return verdict
    relation = Relation.INCONCLUSIVE if verdict.relation == Relation.UNRELATED else verdict.relation
    return replace(verdict, relation=relation, reason=gap)


def layers_found(tests: Sequence[DisguisedTest]) -> dict[int, int]:
    """Subject layer to reference layer, by the test that is sure of most: those with a p-value before mere counts."""
    by_strength = sorted(tests, key=lambda test: (test.p_value is None, test.p_value or 0.0, -(test.count or 0)))
    layers: dict[int, int] = {}
    for test in by_strength:
        named = test.layers or {str(test.layer): test.reference_layer}
        for layer, there in named.items():
            layers.setdefault(int(layer), there)
    return dict(sorted(layers.items()))


def _corrected(test: DisguisedTest, tests: int, level: Level) -> float:
    """p corrected for all tests of the search and all comparisons and searches of the audit; 1 for mere counts."""
    return 1.0 if test.p_value is None else bonferroni(test.p_value, tests * level.comparisons)


def _tensor(relation: Relation, *, shown: bool) -> Relation:
    if relation not in _OPEN:
        return relation
    return Relation.TRANSFORMED if shown else Relation.INCONCLUSIVE
