"""The training exhibit of an audit: checkpoints that were submitted beside the subject, and what they say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from independence_audit.core.progress import Progress
from independence_audit.errors import IncomparableError
from independence_audit.evidence.training_evidence import TrainingEvidence
from independence_audit.fingerprint import Fingerprint, sampler_of
from independence_audit.fingerprint.sampler import SIZES
from independence_audit.pipeline.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class Submitted:
    """A subject with what it shows of its training by itself, and what its components are held against."""

    subject: Fingerprint
    own: TrainingEvidence
    references: Sequence[Fingerprint]


def with_trajectory(submitted: Submitted, settings: AuditSettings, progress: Progress) -> TrainingEvidence:
    """The subject's training evidence, with what the exhibit adds to it.

    Raises:
        UsageError: A setting is wrong, or there is only one checkpoint.
        InputError: Not one checkpoint could be read, or they cannot be read as the subject was.
    """
    # These modules draw, replay and read logs; only an audit with an exhibit waits for them.
    from independence_audit.pipeline.trajectory import TrajectorySettings, follow
    from independence_audit.training.exhibit import with_exhibit

    following = TrajectorySettings(
        audit=settings,
        initialiser=settings.initialiser,
        step_regex=settings.step_regex,
        size=_size(submitted.subject, settings.salt),
    )
    followed = follow(settings.trajectory, submitted.references, following, progress)
    return with_exhibit(submitted.own, followed.evidence, followed.last, submitted.subject)


def _size(subject: Fingerprint, salt: bytes | None) -> str:
    """Name of the size that the subject was sampled with."""
    for size in SIZES:
        if sampler_of(size, salt).name == subject.sampler:
            return size
    raise IncomparableError(
        f"The checkpoints of --trajectory cannot be read as {subject.name} was: its sampler is {subject.sampler}.",
        "Name the subject's weights in place of its fingerprint, or leave out --trajectory.",
    )
