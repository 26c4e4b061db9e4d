"""What was measured between a subject's and a reference's tensors, layers and components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from independence_audit.evidence.relation import Relation
from independence_audit.evidence.shape import SINCE

Value = str | int | float | None
"""What a message may carry."""


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as a key and its data; the renderers word it in the reader's language."""

    key: str
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TensorEvidence:
    """One role of one layer of the subject against its counterpart in the component's nearest reference.

    Experts are pooled: one entry stands for all experts of a layer and role. Numbers that could not be had are None.
    """

    name: str
    """The subject's tensor; for pooled experts with ``*`` in place of the expert's number."""
    members: int
    """How many tensors this entry stands for."""
    component: str
    layer: int | None
    role: str
    axis: str
    """What was taken as exchangeable: a value of ``anatomy.Axis``."""
    shape: tuple[int, int]
    """Rows and columns of the compared matrix, of one member."""
    parameters: int
    relation: Relation
    reference: str | None = None
    reference_tensor: str | None = None
    cosine: float | None = None
    """Raw cosine: printed because people ask for it; no opinion rests on it."""
    pearson: float | None = None
    r: float | None = None
    """Correlation of normal scores along the exchangeable axis."""
    z: float | None = None
    p_value: float | None = None
    detection_bound: float | None = None
    """Smallest r that this test finds with 95% power."""
    effective_rows: float | None = None
    """How many independent rows the sampled rows are worth."""
    jump: float | None = None
    """How many standard deviations one column alone could move the plain statistic."""
    identical_fraction: float | None = None
    max_abs_diff: float | None = None
    compared_values: int = 0
    non_finite: int = 0
    """NaN and infinities among the values read; they are left out."""
    rounding: str | None = None
    """The type whose rounding explains every difference, for ``rounded``."""
    reason: str | None = None
    """A message key: why the entry is uninformative, inconclusive or not tested."""


@dataclass(frozen=True, slots=True)
class LayerEvidence:
    """One layer of a component; ``layer`` is None for what stands outside the layers."""

    layer: int | None
    relation: Relation
    reference_layer: int | None
    r: float | None
    """Median r over the layer's tested matrices."""
    identical_fraction: float | None


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """Drifted copies of a reference's units among a subject's own: what the search for disguised copies then shows."""

    r: float
    """Cosine of every weight of the copy, embeddings included, with what it was."""
    z: float | None
    """What z of the signs over all layers reaches in 95 of 100 draws; None where these signs are not tested."""
    alike: float
    """The same of the share of units whose gates are alike."""


@dataclass(frozen=True, slots=True)
class Control:
    """Controls of the search for disguised copies beside one reference, tokenizer kept."""

    bound: float | None
    """Smallest r at which a planted copy is found in 95 of 100 draws at this audit's level; None where none is."""
    draws: int
    """Draws at every point."""
    points: tuple[ControlPoint, ...]
    """Ascending in r, around the bound."""
    z: float | None
    """Of the signs over all layers as they are."""
    negative_z: float | None
    """The same with the anchors of the reference in an order without meaning."""


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """One component of the subject against one reference, in numbers."""

    reference: str
    reference_component: str | None
    relation: Relation
    p_value: float | None
    """Corrected for all tests of the audit."""
    r: float | None
    """Median r over the tested matrices."""
    joint_z: float | None
    """The joint test along the residual width, the weakest with any one role left out."""
    detection_bound: float | None
    reason: str | None = None
    control: Control | None = field(default=None, metadata={SINCE: "1.2"})
    """What the search for disguised copies would have found; None where it was not asked."""
    any_basis: bool = field(default=False, metadata={SINCE: "1.2"})
    """Whether ``detection_bound`` is that of the control: of copies in any basis, because no shapes are the same."""


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """Whether a search for copies that were moved, disguised or put elsewhere was made, and why not."""

    status: str
    """``done``, ``not_possible``, or ``not_needed`` where something was found without."""
    reason: str | None = None
    """Why not, or what was left out of it."""


class UnitTest(StrEnum):
    """What a test of units looks at, and what its law is."""

    ORDER = "order"
    """Units in the order of their own: rigorous."""
    UP_SIGN = "up_sign"
    """Signs at matches through anchors: rigorous where (up, down) -> -(up, down) is known to be a symmetry of both
    blocks and the signs of neither side lean; elsewhere a z alone, beyond that of random and near matches.
    """
    DESCRIPTORS = "descriptors"
    """The same at matches without anchors."""
    AGREEMENT = "agreement"
    """Units that two roles match alike, through anchors: empirical, held against what unrelated models show."""
    DESCRIPTOR_AGREEMENT = "descriptor_agreement"
    """The same without anchors."""
    SIGNS_TOGETHER = "signs_together"
    """Signs at matches through anchors, added up over all layers of the reference, each beside the layer whose gates
    are most alike: rigorous, and made only where ``up_sign`` is."""
    GATES_ALIKE = "gates_alike"
    """Units of all layers of the reference whose gates are alike in the layer that is most like theirs: empirical."""
    DOWNS_ALIKE = "downs_alike"
    """Units of a search layer that write alike, whatever they read and however it is scaled: empirical."""
    ATTENTION_ALIKE = "attention_alike"
    """Layers of the reference whose attention does the same to the anchors in a layer of the subject: empirical. What
    is counted are layers, not units."""


@dataclass(frozen=True, slots=True)
class DisguisedTest:
    """One test that looked for units of a reference's layer among all units of one of the subject's."""

    test: UnitTest
    """``order`` has a rigorous p-value; ``up_sign`` and ``descriptors`` have one where signs are left to chance,
    elsewhere an empirical z; the counts of agreement are empirical."""
    layer: int
    """Of the subject."""
    reference_layer: int
    units: int
    """How many units were looked for."""
    count: int | None = None
    """Those that ascend (order), have a partner of their own (up_sign), agree, or are alike (gates, downs)."""
    z: float | None = None
    p_value: float | None = None
    """Of this test by itself; None where it is empirical."""
    second_z: float | None = None
    """The other role at the matches of the first, in standard deviations of ranks at random; empirical."""
    layers: Mapping[str, int] = field(default_factory=dict, metadata={SINCE: "1.2"})
    """Of tests over all layers: the subject's layers that show it by themselves, each with the reference's layer."""


class Shared(StrEnum):
    """What two related components share, by the spectra of their matrices."""

    TRAINING = "training"
    """Training, not only an initial draw."""
    DRAW = "draw"
    """What an equal seed and separate training leave; no copy is shown."""
    UNRESOLVED = "unresolved"
    """The spectra lie between the two."""


class Side(StrEnum):
    """One of two models that share weights."""

    REFERENCE = "reference"
    SUBJECT = "subject"


class Ground(StrEnum):
    """What a direction between two models rests on."""

    ROUNDING = "rounding"
    """The values of one are those of the other, rounded; the full ones came first."""
    MERGE = "merge"
    """One is a sum of others, replayed bit for bit; its sources came first."""
    TRAJECTORY = "trajectory"
    """Submitted checkpoints lead from a verified initial draw to the subject."""


@dataclass(frozen=True, slots=True)
class Direction:
    """One ground, and which of both models it says came first."""

    ground: Ground
    first: Side


@dataclass(frozen=True, slots=True)
class CameFirst:
    """Which of two models that share weights came first, or that this is open."""

    first: Side | None
    """None where it is open. Never the subject: whoever hands it in can make it look like the elder one."""
    grounds: tuple[Direction, ...]
    """Everything that points to either side, whether or not it is enough."""
    message: Message
    """The sentence that states it, with its ground; a key of the group ``came_first``."""


@dataclass(frozen=True, slots=True)
class ComponentEvidence:
    """A component of the subject: its strongest relation to any reference, and everything that stands behind it."""

    name: str
    kind: str
    family: str
    parameters: int
    relation: Relation
    relations: Mapping[Relation, float]
    """Share of the component's parameters under each relation; sums to 1."""
    reference: str | None
    reference_component: str | None
    p_value: float | None
    r: float | None
    joint_z: float | None
    detection_bound: float | None
    layers: tuple[LayerEvidence, ...] = ()
    layer_map: Mapping[str, int] = field(default_factory=dict)
    """Subject layer to reference layer."""
    runners_up: tuple[RunnerUp, ...] = ()
    searches: Mapping[str, SearchOutcome] = field(default_factory=dict)
    """By name: ``moved``, ``disguised``, and ``without_anchors`` where that part of the latter could not be made."""
    changes: tuple[Message, ...] = ()
    """What was done to the reference's weights, each with the figure that shows it; nothing is guessed."""
    repeated: tuple[Message, ...] = ()
    """What repeats inside the component itself, found without any reference: duplicated layers, cloned experts."""
    disguised: tuple[DisguisedTest, ...] = ()
    """The tests that found units in another order, scale or basis, where the aligned test finds nothing."""
    explanation: tuple[Message, ...] = ()
    reason: str | None = None
    shared: Shared | None = field(default=None, metadata={SINCE: "1.1"})
    """Whether what it shares with its reference includes training; None where the weights were not at hand to tell, or
    the relation leaves nothing to tell."""
    reference_kind: str | None = field(default=None, metadata={SINCE: "1.1"})
    """Kind of the reference's component; a kind of the subject's is a label that anybody can choose."""
    came_first: CameFirst | None = field(default=None, metadata={SINCE: "1.3"})
    """Which of both came first, or that it is open; None where no weights are found to be shared."""

    @property
    def weakest_bound(self) -> RunnerUp | None:
        """Of the references that are ruled out, the one of which the most could stay unseen; None without any."""
        ruled_out = [other for other in self.runners_up if other.relation == Relation.UNRELATED]
        return max(ruled_out, key=lambda other: other.detection_bound or 0.0, default=None)
