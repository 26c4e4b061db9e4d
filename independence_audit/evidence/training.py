"""What was seen of a model's training: one graded conclusion for each component, with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from independence_audit.evidence.measurement import Message


class Conclusion(StrEnum):
    """What one component's initial weights, trajectory and values say of its training, the strongest evidence first."""

    INITIALISED_AND_TRAINED = "initialised_and_trained"
    """Its initial weights were verified, against step 0 or by replay, and the final ones grew from them."""
    CONSISTENT_WITH_SCRATCH = "consistent_with_scratch"
    """A trajectory without step 0 that looks like training and meets no reference."""
    NO_EVIDENCE = "no_evidence"
    """One checkpoint alone: neither for nor against."""
    FROZEN_DURING_TRAINING = "frozen_during_training"
    """Bit-identical over checkpoints between which others trained."""
    UNTRAINED = "untrained"
    """Still at its initial values."""
    STARTS_FROM_TRAINED_WEIGHTS = "starts_from_trained_weights"
    """The first checkpoint is trained already, or is another model's."""


@dataclass(frozen=True, slots=True)
class ComponentTraining:
    """One component's conclusion, the evidence for it and its limits."""

    component: str
    conclusion: Conclusion
    evidence: tuple[Message, ...] = ()
    limits: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingEvidence:
    """Everything that was seen of the subject's training."""

    components: tuple[ComponentTraining, ...]
