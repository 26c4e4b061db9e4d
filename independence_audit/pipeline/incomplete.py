"""Why an audit as a whole is inconclusive, and what its exit status says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from independence_audit.checkpoint import Checkpoint
from independence_audit.checkpoint.merged.joined_source import IN_BASE
from independence_audit.checkpoint.merged.merge import MERGED
from independence_audit.checkpoint.submission.adapters import changes_only, is_change
from independence_audit.evidence.audit_report import AuditReport, Reference, Severity
from independence_audit.evidence.measurement import Message, Value
from independence_audit.fingerprint import Model
from independence_audit.policy.judge import worst_severity

MISSING = "incomplete.references_missing"
UNVERIFIED = "incomplete.unverified"
BASE = "incomplete.base_not_compared"
CHANGES = "incomplete.changes_not_merged"
UNREAD = "incomplete.references_unread"
SUBJECT_UNREAD = "incomplete.subject_unread"
NAMED = 3
"""References that a sentence names; the report lists them all."""
NOT_AVAILABLE = "not_available"


def missing_references(references: Sequence[Reference], *, allowed: bool) -> Iterator[Message]:
    """One message where references that were asked for could not be had, unless that is allowed.

    A reference that was had and has nothing in common with the subject is none of them: it was looked at, and says
    nothing, neither for nor against.
    """
    missing = [reference.name for reference in references if reference.status == NOT_AVAILABLE]
    if missing and not allowed:
        data: dict[str, Value] = {"missing": len(missing), "asked": len(references), "names": first_names(missing)}
        yield Message(MISSING, data)


def unverified(*, verified: bool) -> Iterator[Message]:
    """One message where the subject is nothing but a fingerprint that somebody submitted."""
    if not verified:
        yield Message(UNVERIFIED)


def unread_references(unreadable: Sequence[tuple[str, int]], *, allowed: bool) -> Iterator[Message]:
    """One message where references could be read in part only, unless that is allowed.

    Args:
        unreadable: Names of references, with the number of tensors that could not be read.
        allowed: Whether references may be missing.
    """
    names = [name for name, count in unreadable if count]
    if names and not allowed:
        yield Message(UNREAD, {"tensors": sum(count for _, count in unreadable), "names": first_names(names)})


def unread_subject(tensors: int) -> Iterator[Message]:
    """One message where tensors of the subject could not be read."""
    if tensors:
        yield Message(SUBJECT_UNREAD, {"tensors": tensors})


def base_not_compared(subject: Checkpoint | None, references: Sequence[Model]) -> Iterator[Message]:
    """One message where the subject is an adapter whose base is none of the references: it holds the base's weights.

    Args:
        subject: The subject's weights; None for a fingerprint.
        references: Those that could be had.
    """
    told = [notice for notice in subject.notices if notice.key == MERGED] if subject else []
    if subject is None or not told:
        return
    states = subject.source.states()
    base = {file.removeprefix(IN_BASE): states[file] for file in subject.files if file.startswith(IN_BASE)}
    opened = [model.checkpoint.source.states() for model in references if model.checkpoint]
    if not any(base.items() <= dict(each).items() for each in opened):
        yield Message(BASE, {"base": told[0].data["base"]})


def unmerged_changes(subject: Checkpoint | None) -> Iterator[Message]:
    """One message where changes to the subject's weights lie among them that could hold more than a change.

    With factors of full rank the model that is used may be any other than the one whose weights were compared.
    """
    changes = [tensor for tensor in subject.tensors.values() if is_change(tensor.name)] if subject else []
    if subject and changes and not changes_only(changes, subject.tensors):
        yield Message(CHANGES, {"tensors": len(changes), "tensor": changes[0].name})


def told_again(report: AuditReport) -> tuple[Message, ...]:
    """A report's messages, those that its own evidence decides made anew."""
    decided = {
        MISSING: missing_references(report.references, allowed=report.settings.allow_missing),
        UNVERIFIED: unverified(verified=report.subject.verified),
    }
    again = [message for messages in decided.values() for message in messages]
    said = [message.key for message in report.summary.incomplete]
    kept = [message for message in report.summary.incomplete if message.key not in decided]
    order = {key: said.index(key) for key in said}
    return tuple(sorted([*again, *kept], key=lambda message: order.get(message.key, len(order))))


def first_names(names: Sequence[str]) -> str:
    """The first few of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" (+{more})" if more > 0 else "")


PASSED = 0
FINDING = 1
INCONCLUSIVE = 3


def exit_code(report: AuditReport, fail_on: Severity) -> int:
    """1 for a finding at or above ``fail_on``; else 3 where something that matters was not tested; else 0."""
    order = list(Severity)
    if order.index(worst_severity(report.opinion)) >= order.index(fail_on):
        return FINDING
    return INCONCLUSIVE if report.opinion.undecided or report.summary.incomplete else PASSED
