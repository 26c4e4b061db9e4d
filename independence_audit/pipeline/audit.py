"""One audit, from two paths to a report."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from independence_audit.core.number_types import ANY_SCALE
from independence_audit.core.progress import NoProgress, Progress
from independence_audit.core.version import __version__
from independence_audit.declaration.agreement import hold
from independence_audit.declaration.declaration_file import Declaration
from independence_audit.evidence.audit_report import AuditReport, Reference, Run, Settings, Subject, Summary, Tool
from independence_audit.evidence.measurement import ComponentEvidence, Message, TensorEvidence
from independence_audit.evidence.relation import FOUND, STRENGTH, Relation
from independence_audit.evidence.report_json import as_written, without_overflow
from independence_audit.evidence.training_evidence import Conclusion, TrainingEvidence
from independence_audit.fingerprint import Fingerprint, Model, read_model
from independence_audit.fingerprint.adapter_base import bases_of
from independence_audit.lineage.arrangements import repetitions
from independence_audit.lineage.came_first import came_first
from independence_audit.lineage.rank import Ranking, rank
from independence_audit.lineage.reported import component_evidence, relation_shares, tensor_evidence
from independence_audit.pipeline.accounts import Accounts, accounts_of
from independence_audit.pipeline.declaration import find_declaration, strays
from independence_audit.pipeline.incomplete import (
    base_not_compared,
    missing_references,
    unmerged_changes,
    unread_references,
    unread_subject,
    unverified,
)
from independence_audit.pipeline.inputs import (
    called,
    signer_of,
    unverified_signature,
    with_whole_files,
    with_whole_reference_files,
)
from independence_audit.pipeline.models import as_claimed, of_one_sampler, with_same_files_named
from independence_audit.pipeline.references import Known, References, begin_reading, find_references
from independence_audit.pipeline.searching import compare_with_references
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.training_exhibit import Submitted, with_trajectory
from independence_audit.pipeline.verification import verify_models
from independence_audit.policy.case import Known as CaseBackground
from independence_audit.policy.criteria import Policy
from independence_audit.policy.judge import judge
from independence_audit.policy.policy_file import load_policy
from independence_audit.training.exhibit import held_against
from independence_audit.training.one_checkpoint import scratch_evidence
from independence_audit.work import Background


@ANY_SCALE
def audit(
    subject: str,
    references: Sequence[str],
    settings: AuditSettings | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Compare a subject with references, component by component, and judge the evidence by a policy.

    Args:
        subject: A checkpoint's file or folder, or a fingerprint.
        references: The same, one or more.
        settings: What to do; the defaults are those of the command line.
        progress: Is told how far the audit has come.

    Raises:
        UsageError: A setting is wrong.
        InputError: Nothing could be audited.
        ChangedError: A file was changed while the audit ran.
    """
    settings, progress = settings or AuditSettings(), progress or NoProgress()
    policy = load_policy(settings.policy)
    bases = bases_of(subject, references, settings.base)
    begun = begin_reading(references, settings, bases)
    mine = as_claimed(read_model(subject, settings.sampler, progress, offline=settings.offline, bases=bases))
    known = find_references(references, settings, progress, begun, bases)
    mine, known = called(mine, known, settings.called)
    try:
        if settings.verify:
            verify_models(mine, known.known, settings, progress)
        mine, *models = of_one_sampler([mine, *known.models])
        known = known.with_models(models)
        if settings.whole_files or settings.model_key:
            mine, known = with_whole_files(mine, progress), with_whole_reference_files(known, progress)
        submitted = _submitted(subject, mine, settings, progress)
        alone = Background(partial(_by_itself, mine.fingerprint))
        rankings = rank(compare_with_references(mine, known.models, settings, progress))
        seen = _with_exhibit(alone.result(), mine.fingerprint, known.models, rankings, settings, progress)
        report = as_written(_finite(_report(mine, known, rankings, seen, policy, submitted, settings)))
        for model in (mine, *known.models):
            model.confirm()
        return report
    finally:
        for model in (mine, *known.models):
            model.close()


@dataclass(frozen=True, slots=True)
class _Submitted:
    """What lies beside the subject's weights."""

    declaration: Declaration | None
    signer: str | None
    notices: tuple[Message, ...]
    accounts: Accounts
    """What became of every other file."""


def _submitted(subject: str, mine: Model, settings: AuditSettings, progress: Progress) -> _Submitted:
    """The declaration, the signature and whatever else lies beside the subject, read before anything is compared."""
    declaration = find_declaration(subject, mine.checkpoint, settings.declaration)
    signer = signer_of(subject, mine, settings.model_key)
    accounts = accounts_of(subject, mine, progress)
    return _Submitted(declaration, signer, unverified_signature(subject, mine, signer), accounts)


def _report(  # noqa: PLR0913, PLR0917  everything that a report is made of
    mine: Model,
    known: References,
    rankings: Sequence[Ranking],
    alone: _Alone,
    policy: Policy,
    submitted: _Submitted,
    settings: AuditSettings,
) -> AuditReport:
    subject, verified = mine.fingerprint, mine.checkpoint is not None
    ancestors = {one.facts.name: one.facts.derived_from for one in known.known}
    tensors = [tensor_evidence(subject, ranking) for ranking in rankings]
    components = [
        component_evidence(ranking, own, ancestors, alone.repeated[ranking.component.name])
        for ranking, own in zip(rankings, tensors, strict=True)
    ]
    references = with_same_files_named(subject.files, [_reference(one, rankings) for one in known.known])
    every_tensor = tuple(tensor for own in tensors for tensor in own)
    declared = hold(submitted.declaration, components, references) if submitted.declaration else None
    incomplete = (
        *submitted.accounts.incomplete(),
        *_incomplete(mine, known, references, allow_missing=settings.allow_missing),
    )
    training = held_against(alone.training, components)
    components = _with_direction(components, rankings, training)
    summary = replace(_summary(components, every_tensor, rankings), incomplete=incomplete)
    beside = CaseBackground(verified, settings.submission.team, declared, training, summary.incomplete)
    return AuditReport(
        tool=Tool("independence-audit", __version__),
        settings=Settings(
            mode="full" if settings.full else "sampled",
            alpha=settings.alpha,
            sampler=subject.sampler,
            policy_digest=policy.digest,
            library_digest=known.library_digest,
            allow_missing=settings.allow_missing,
            search_layers=settings.search_layers,
        ),
        run=Run(datetime.now(UTC).isoformat(timespec="seconds"), socket.gethostname(), settings.command),
        submission=settings.submission,
        subject=Subject(
            name=subject.name,
            files=subject.files,
            parameters=subject.parameters,
            synthetic=subject.synthetic and all(reference.synthetic for reference in references),
            verified=verified,
            revision=(mine.checkpoint.revision or None) if mine.checkpoint else None,
            read_bytes=subject.read_bytes,
            signed_by=submitted.signer,
            notices=(
                *subject.notices,
                *_non_finite(every_tensor),
                *strays(declared),
                *submitted.notices,
                *submitted.accounts.notices,
            ),
            accounts=submitted.accounts.files,
        ),
        references=references,
        components=tuple(components),
        tensors=every_tensor,
        summary=summary,
        opinion=judge(policy, components, references, beside),
        training=training,
        declaration=declared,
    )


def _with_direction(
    components: Sequence[ComponentEvidence], rankings: Sequence[Ranking], training: TrainingEvidence
) -> list[ComponentEvidence]:
    """The components with which of both came first, where weights are shared; checkpoints are a ground of their own."""
    verified = {each.component for each in training.components if each.conclusion == Conclusion.INITIALISED_AND_TRAINED}
    return [
        replace(each, came_first=came_first(ranking.verdicts, verified_training=each.name in verified))
        for each, ranking in zip(components, rankings, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Alone:
    """What the subject shows by itself, without any reference."""

    training: TrainingEvidence
    repeated: Mapping[str, tuple[Message, ...]]
    """What repeats inside each component."""


def _by_itself(subject: Fingerprint) -> _Alone:
    repeated = {
        component.name: repetitions(component, [one for one in subject.samples if one.component == component.name])
        for component in subject.components
    }
    return _Alone(scratch_evidence(subject), repeated)


def _with_exhibit(  # noqa: PLR0913, PLR0917  everything that an exhibit is held against
    alone: _Alone,
    subject: Fingerprint,
    known: Sequence[Model],
    rankings: Sequence[Ranking],
    settings: AuditSettings,
    progress: Progress,
) -> _Alone:
    """What the subject shows of its training, with the checkpoints that were submitted beside it.

    These are held against the nearest reference of every component.
    """
    if not settings.trajectory:
        return alone
    nearest = {ranking.best.compared.reference for ranking in rankings if ranking.best}
    references = [model.fingerprint for model in known if model.fingerprint.name in nearest]
    submitted = Submitted(subject, alone.training, references)
    return replace(alone, training=with_trajectory(submitted, settings, progress))


def _reference(known: Known, rankings: Sequence[Ranking]) -> Reference:
    """A reference with whether it was compared."""
    if known.model is None:
        return known.facts
    met = any(
        verdict.compared.reference == known.facts.name and verdict.relation != Relation.NOT_TESTED
        for ranking in rankings
        for verdict in ranking.verdicts
    )
    return known.facts if met else replace(known.facts, status="incomparable", reason="no_counterpart")


def _summary(
    components: Sequence[ComponentEvidence], tensors: Sequence[TensorEvidence], rankings: Sequence[Ranking]
) -> Summary:
    not_searched = tuple(
        Message(f"not_searched.{name}", {"component": component.name, "reason": search.reason})
        for component in components
        for name, search in component.searches.items()
        if search.status == "not_possible"
    )
    return Summary(
        strongest=max((component.relation for component in components), key=STRENGTH.__getitem__),
        components=tuple(component.name for component in components if component.relation in FOUND),
        shares=relation_shares(tensors),
        not_searched=not_searched,
        tests=sum(verdict.compared.tests for ranking in rankings for verdict in ranking.verdicts),
    )


def _incomplete(
    mine: Model, known: References, references: Sequence[Reference], *, allow_missing: bool
) -> Iterator[Message]:
    """Why the audit is inconclusive as a whole."""
    unread = [(model.fingerprint.name, len(model.fingerprint.unreadable)) for model in known.models]
    yield from missing_references(references, allowed=allow_missing)
    yield from unread_references(unread, allowed=allow_missing)
    yield from unverified(verified=mine.checkpoint is not None)
    yield from base_not_compared(mine.checkpoint, known.models)
    yield from unmerged_changes(mine.checkpoint)
    yield from unread_subject(len(mine.fingerprint.unreadable))


def _finite(report: AuditReport) -> AuditReport:
    """The report without numbers that overflowed, and a notice where there were any."""
    settled, count = without_overflow(report)
    if not count:
        return report
    notices = (*settled.subject.notices, Message("notice.overflow", {"count": count}))
    return replace(settled, subject=replace(settled.subject, notices=notices))


def _non_finite(tensors: Sequence[TensorEvidence]) -> list[Message]:
    hit = [tensor for tensor in tensors if tensor.non_finite]
    if not hit:
        return []
    return [Message("notice.non_finite", {"count": sum(tensor.non_finite for tensor in hit), "tensors": len(hit)})]
