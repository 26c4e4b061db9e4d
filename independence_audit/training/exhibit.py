"""A trajectory as an exhibit for a model that is audited: it speaks of what ends in that model's own weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from independence_audit.evidence.measurement import ComponentEvidence, Message
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, TrainingEvidence
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.statistics.rounding import WAYPOINTS

OWN_TRAINING = frozenset({Conclusion.INITIALISED_AND_TRAINED, Conclusion.CONSISTENT_WITH_SCRATCH})
"""Conclusions that speak for a training of the component's own."""
Samples = Mapping[tuple[int | None, str, tuple[int, int]], Sequence[Sample]]
"""A component's samples that have values, by layer, role and shape: what stays where prefixes change on release."""


def with_exhibit(
    own: TrainingEvidence, exhibit: TrainingEvidence, last: Fingerprint, subject: Fingerprint
) -> TrainingEvidence:
    """What the subject shows by itself, with the exhibit's conclusions on the components that it ends in.

    Training checkpoints are often kept in a wider type than what is released: the last one may be the subject before
    its values were cast. A component that ends in other weights keeps what it shows by itself, and says so.

    Args:
        own: What the subject's weights show.
        exhibit: What the trajectory came to.
        last: Fingerprint of its last checkpoint, of the subject's sampler.
        subject: The subject's fingerprint.
    """
    followed = {each.component: each for each in exhibit.components}
    ends = {component.name: _samples(last, component.name) for component in last.components}
    components = tuple(_merged(each, _samples(subject, each.component), followed, ends) for each in own.components)
    return TrainingEvidence(components, exhibit.trajectory, exhibit.replay, exhibit.logs)


def held_against(training: TrainingEvidence, components: Sequence[ComponentEvidence]) -> TrainingEvidence:
    """A training's conclusions beside what was found of the weights: whose training it is, checkpoints do not say.

    Of a component that shares weights with a reference, checkpoints without a verified draw conclude nothing; one that
    grew from a verified draw may have been the other's source as well, which policies leave to people. Where the
    checkpoints show that no more than the draw is shared, they stand.

    Args:
        training: What was seen of the subject's training.
        components: What its components came to against the references.
    """
    found = {each.name: each for each in components if each.relation in FOUND and each.reference is not None}
    return replace(training, components=tuple(_beside(each, found.get(each.component)) for each in training.components))


def _beside(own: ComponentTraining, found: ComponentEvidence | None) -> ComponentTraining:
    if found is None or own.conclusion not in OWN_TRAINING or _is_draw_alone(own, found):
        return own
    limits = (*own.limits, Message("limit.shared", {"reference": found.reference}))
    verified = own.conclusion == Conclusion.INITIALISED_AND_TRAINED
    return replace(own, conclusion=own.conclusion if verified else Conclusion.NO_EVIDENCE, limits=limits)


def _is_draw_alone(own: ComponentTraining, found: ComponentEvidence) -> bool:
    """Whether the checkpoints were held against the reference and share no more than its initial draw."""
    if found.relation in {Relation.IDENTICAL, Relation.ROUNDED}:
        return False
    met = {each.message.key for each in own.findings if each.message.data.get("reference") == found.reference}
    return "finding.shares_draw" in met and "finding.shares_training" not in met


def _merged(
    own: ComponentTraining,
    samples: Samples,
    followed: Mapping[str, ComponentTraining],
    ends: Mapping[str, Samples],
) -> ComponentTraining:
    """A component with the conclusion of the exhibit's one that ends in its weights, that of its own name first."""
    names = sorted(followed.keys() & ends.keys(), key=lambda name: (name != own.component, name))
    found = next((followed[name] for name in names if _ends_in(ends[name], samples)), None)
    if found is None:
        return replace(own, limits=(*own.limits, Message("limit.ends_elsewhere")))
    untrained = own.conclusion == Conclusion.UNTRAINED
    return ComponentTraining(
        component=own.component,
        conclusion=own.conclusion if untrained else found.conclusion,
        evidence=(*own.evidence, *found.evidence),
        limits=(*found.limits, Message("limit.ends_in_sample")),
        findings=(*own.findings, *(each for each in found.findings if each not in own.findings)),
    )


def _samples(fingerprint: Fingerprint, component: str) -> Samples:
    samples: dict[tuple[int | None, str, tuple[int, int]], list[Sample]] = {}
    for sample in fingerprint.samples:
        if sample.component == component and sample.raw is not None and sample.raw.size:
            samples.setdefault((*sample.layer_role, sample.shape), []).append(sample)
    return samples


def _ends_in(last: Samples, subject: Samples) -> bool:
    """Whether every sample of the subject's component has its values in the last checkpoint."""
    return bool(subject) and all(
        len(mine) <= len(last.get(key, ())) and all(any(_same(theirs, each) for theirs in last[key]) for each in mine)
        for key, mine in subject.items()
    )


def _same(last: Sample, subject: Sample) -> bool:
    """Whether two samples hold the same values of the same places, or the subject's are the other's after a cast."""
    places = (last.start, last.stop) == (subject.start, subject.stop)
    if not places or not np.array_equal(last.identity, subject.identity):
        return False
    before, after = last.values(), subject.values()
    if np.array_equal(before, after, equal_nan=True):
        return True
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return False
    return any(grid.holds(after) and bool(grid.explains(before, after).all()) for grid in WAYPOINTS)
