"""The audit report: the one source that every output format renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from independence_audit.evidence.declaration import DeclarationEvidence
from independence_audit.evidence.measurement import ComponentEvidence, Message, TensorEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.training import TrainingEvidence

SCHEMA_VERSION = "1.0"


class Outcome(StrEnum):
    """What a criterion of a policy comes to."""

    MET = "met"
    NOT_MET = "not_met"
    REVIEW = "review"
    NOT_ASSESSED = "not_assessed"


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


@dataclass(frozen=True, slots=True)
class Run:
    """When and how the report was made; outside the comparable part."""

    date: str
    host: str
    command: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What the subject was handed in as; empty strings where nobody said."""

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
    """``file``: all of its bytes; ``sample``: its header and the sampled values; None: no digest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under audit."""

    name: str
    files: tuple[FileEvidence, ...]
    parameters: int
    synthetic: bool
    """True for the shipped examples: the report says so on its first screen."""
    verified: bool
    """False where only a fingerprint was handed in: it may have been made of other weights, and nothing is passed."""
    revision: str | None
    """The commit that was read, where it came from a repository."""
    read_bytes: int
    """Bytes of weights that were read."""
    signed_by: str | None = None
    """Key whose signature over all of the files (OpenSSF model.sig) was verified: SHA-256 of its DER form."""
    notices: tuple[Message, ...] = ()


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
