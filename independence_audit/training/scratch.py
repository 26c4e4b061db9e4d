"""What one checkpoint alone says of its training."""

from __future__ import annotations

from collections import defaultdict

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training import ComponentTraining, Conclusion, TrainingEvidence
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.training.grid import on_coarser_grids
from independence_audit.training.outliers import unlike_the_rest
from independence_audit.training.untouched import Untouched, computed, untouched

UNTRAINED = 0.9
"""Share of a component's parameters at initial values from which all of it is called untrained."""


def scratch_evidence(fingerprint: Fingerprint) -> TrainingEvidence:
    """One conclusion for each component: ``no_evidence``, or ``untrained`` where its values are still initial ones.

    One checkpoint never shows that a model was trained from scratch, whatever it holds.
    """
    by_component: dict[str, list[Sample]] = defaultdict(list)
    for sample in fingerprint.samples:
        by_component[sample.component].append(sample)
    grids, unlike = on_coarser_grids(fingerprint.samples), unlike_the_rest(fingerprint.samples)
    components = []
    for component in fingerprint.components:
        found = untouched(by_component[component.name])
        findings = (
            *found.findings,
            *computed(by_component[component.name]),
            *grids.get(component.name, ()),
            *unlike.get(component.name, ()),
        )
        conclusion = _conclusion(found)
        components.append(
            ComponentTraining(
                component=component.name,
                conclusion=conclusion,
                evidence=_evidence(found, conclusion),
                limits=(Message("limit.one_checkpoint"), Message("limit.sampled")),
                findings=findings,
            )
        )
    return TrainingEvidence(tuple(components))


def _conclusion(found: Untouched) -> Conclusion:
    return Conclusion.UNTRAINED if found.share >= UNTRAINED else Conclusion.NO_EVIDENCE


def _evidence(found: Untouched, conclusion: Conclusion) -> tuple[Message, ...]:
    if conclusion == Conclusion.UNTRAINED:
        return (Message("grounds.untrained", {"share": found.share}),)
    if found.share > 0.0:
        return (Message("grounds.partly_untrained", {"share": found.share}),)
    return ()
