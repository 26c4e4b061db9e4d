"""What one checkpoint alone says of its training, components unlike the rest of their model included."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, Finding, TrainingEvidence
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.training.initialisers import is_matrix
from independence_audit.training.untouched import Untouched, computed, on_coarser_grids, untouched

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


UNLIKE = 4.0
"""Ratio of typical lengths of weights that is called unlike. Components of one model, trained together, differ by up to
2.5 in the examples and by 3 in public omni-models; a remark, never more."""
FEWEST = 4
"""Matrices from which a component has a typical length."""


def unlike_the_rest(samples: Sequence[Sample]) -> dict[str, list[Finding]]:
    """By component: what sets it apart from the others of its model."""
    matrices: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if is_matrix(sample):
            matrices[sample.component].append(sample)
    findings: dict[str, list[Finding]] = defaultdict(list)
    for component, finding in [*_types(matrices), *_scales(matrices)]:
        findings[component].append(finding)
    return findings


def _types(matrices: Mapping[str, Sequence[Sample]]) -> list[tuple[str, Finding]]:
    usual = Counter[str]()
    for members in matrices.values():
        for sample in members:
            usual[sample.dtype] += sample.parameters
    if len(usual) < 2:  # noqa: PLR2004  one type is no difference
        return []
    common = usual.most_common(1)[0][0]
    found = []
    for component, members in matrices.items():
        own = Counter(sample.dtype for sample in members).most_common(1)[0][0]
        if own != common:
            data = {"type": own, "usual": common}
            finding = Finding(
                Message("finding.other_type", data),
                tensors=tuple(sample.name for sample in members[:1]),
                alternatives=(Message("alternative.mixed_precision"), Message("alternative.loaded_and_frozen")),
            )
            found.append((component, finding))
    return found


def _scales(matrices: Mapping[str, Sequence[Sample]]) -> list[tuple[str, Finding]]:
    """Typical length of a weight times sqrt(inputs): what a unit of each component weighs its inputs with."""
    typical = {
        component: median(_length(sample) for sample in members)
        for component, members in matrices.items()
        if len(members) >= FEWEST
    }
    found = []
    for component, length in typical.items():
        others = [other for name, other in typical.items() if name != component]
        if len(others) < 2 or length <= 0.0:  # noqa: PLR2004  against one other nobody knows which is unlike
            continue
        ratio = min((length / max(other, 1e-300) for other in others), key=lambda each: max(each, 1.0 / each))
        if max(ratio, 1.0 / ratio) > UNLIKE:  # unlike even the one that is most like it
            finding = Finding(
                Message("finding.other_scale", {"ratio": ratio}),
                effect=ratio,
                tolerance=UNLIKE,
                alternatives=(Message("alternative.other_architecture"),),
            )
            found.append((component, finding))
    return found


def _length(sample: Sample) -> float:
    values = np.asarray(sample.values(), dtype=np.float64)
    finite = values[np.isfinite(values)]
    return math.sqrt(float((finite**2).mean()) * sample.shape[1]) if finite.size else 0.0
