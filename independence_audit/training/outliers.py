"""Components unlike the rest of their model: another stored type, or matrices on another scale."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training import Finding
from independence_audit.fingerprint import Sample
from independence_audit.training.initialisers import is_matrix

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
