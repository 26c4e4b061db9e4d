"""What was seen of a model's training: one graded conclusion for each component, with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.shape import SINCE


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
class Finding:
    """One thing that was seen in one component, how large it is, and what else could explain it."""

    message: Message
    """A key of the group ``finding``, with its figures."""
    contradicts: bool = False
    """Whether training from an initial draw, as the checkpoints are presented, would not look like this."""
    effect: float | None = None
    """The size that the finding rests on, in the unit that the message names."""
    tolerance: float | None = None
    """The size from which, or up to which, it is a finding."""
    tensors: tuple[str, ...] = ()
    """The tensors concerned, the first ones where there are many."""
    checkpoints: tuple[str, ...] = ()
    """The checkpoints concerned, in order; empty where there is one checkpoint only."""
    alternatives: tuple[Message, ...] = ()
    """What else could explain it; keys of the group ``alternative``."""


@dataclass(frozen=True, slots=True)
class ComponentTraining:
    """One component's conclusion, the evidence for it and its limits."""

    component: str
    conclusion: Conclusion
    evidence: tuple[Message, ...] = ()
    limits: tuple[Message, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """One checkpoint of a trajectory, in its order, and whether it could be used."""

    name: str
    step: int | None
    """None where no step is known."""
    status: str
    """``read`` or ``skipped``."""
    reason: Message | None = None
    """Why it was skipped, or what of it was left out."""
    read_bytes: int = 0
    guessed: bool = field(default=False, metadata={SINCE: "1.1"})
    """Whether the step is a guess: the one number that varies in the names of all."""


class Order(StrEnum):
    """Who says in which order checkpoints stand."""

    GIVEN = "given"
    """Whoever handed them in: they were named one by one."""
    STEPS = "steps"
    """Their steps, found by the pattern that was declared."""
    NUMBERS = "numbers"
    """The numbers in their names, which is a guess: of a folder, or of names as a shell lists them."""
    NAMES = "names"
    """The alphabet, for want of anything better."""


@dataclass(frozen=True, slots=True)
class ReferencePoint:
    """One component of one checkpoint against one reference."""

    reference: str
    r: float | None
    """Median correlation of the matrices as they are."""
    z: float | None
    """The joint test of the matrices as they are, else the strongest single one."""
    update_r: float | None
    """The same for the update since the first checkpoint, with what is left of that taken out: a shared initial draw
    is no part of it, shared training is. None for the first checkpoint."""
    update_z: float | None
    related: bool
    """Whether the matrices as they are share weights or an initial draw with the reference, at the audit's level."""
    related_update: bool = False
    """Whether the update shares training with it."""


@dataclass(frozen=True, slots=True)
class TrajectoryPoint:
    """One component at one checkpoint that was read."""

    checkpoint: str
    step: int | None
    component: str
    first_r: float | None
    """Median correlation of its matrices with those of the first checkpoint."""
    previous_r: float | None
    """The same with the checkpoint before."""
    relative_update: float | None
    """Length of the change since the checkpoint before, relative to the weights."""
    update_cosine: float | None
    """Cosine of this change with the one before."""
    identical_fraction: float | None
    """Share of the values that are those of the checkpoint before."""
    references: tuple[ReferencePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class TrajectoryEvidence:
    """Checkpoints in order, and every component's way through them."""

    checkpoints: tuple[CheckpointSummary, ...]
    points: tuple[TrajectoryPoint, ...]
    initialiser: str
    """What step 0 was held against: ``any`` known law, a model type's defaults, or the name of a file."""
    order: Order | None = field(default=None, metadata={SINCE: "1.1"})
    """Who says in which order they stand; None in reports of before."""


@dataclass(frozen=True, slots=True)
class ReplayTensor:
    """One tensor that regeneration did not give back bit for bit."""

    name: str
    status: str
    """``differs``, ``shape_differs``, ``not_generated`` or ``not_in_checkpoint``."""
    max_abs_diff: float | None = None
    correlation: float | None = None


@dataclass(frozen=True, slots=True)
class ReplayEvidence:
    """Initial weights regenerated from a seed, bit for bit against step 0 or by correlation against later weights."""

    generator: str
    """The ``transformers`` class, or ``module:function``."""
    seed: int
    versions: str
    """Versions of what drew the weights."""
    checkpoint: str
    """What they were compared with."""
    tensors: int
    identical: int
    different: tuple[ReplayTensor, ...] = ()
    """Those that are not identical."""
    constant: int = field(default=0, metadata={SINCE: "1.1"})
    """Of the identical ones those that hold one value throughout, such as gains and biases: any seed gives them."""

    @property
    def drawn(self) -> int:
        """Identical tensors that only the declared seed gives."""
        return self.identical - self.constant


@dataclass(frozen=True, slots=True)
class LogEvidence:
    """A training log, as far as it could be read and held against the checkpoints."""

    source: str
    rows: int
    first_step: int | None
    last_step: int | None
    columns: tuple[str, ...]
    """What was recognised: ``step``, ``loss``, ``learning_rate``, ``tokens``."""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingEvidence:
    """Everything that was seen of the subject's training."""

    components: tuple[ComponentTraining, ...]
    trajectory: TrajectoryEvidence | None = None
    replay: ReplayEvidence | None = None
    logs: tuple[LogEvidence, ...] = ()

    @property
    def speaks(self) -> bool:
        """Whether there is more to say than that one checkpoint shows nothing."""
        quiet = all(each.conclusion == Conclusion.NO_EVIDENCE for each in self.components)
        return self.trajectory is not None or not quiet
