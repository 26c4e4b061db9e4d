"""Models that an audit can compare: claims of fingerprints, samples of a kind, the same files twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from independence_audit.errors import (
    AuditError,
    IncomparableError,
)
from independence_audit.evidence.audit_report import FileEvidence, Reference
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import (
    Fingerprint,
    Model,
)
from independence_audit.fingerprint.samples import cut_to, differing, size_of
from independence_audit.report.languages import ENGLISH
from independence_audit.report.wording import say

CLAIMED = "claimed"
"""What the digests of a fingerprint that was submitted cover."""
NOTICE = "notice."


def as_claimed(model: Model) -> Model:
    """The model, where it is a fingerprint in a file, with what this says of itself as the claims that they are.

    Nobody read weights for it here, its digests are of files that nobody saw, and notices that are not worded for
    fingerprints are none.
    """
    if model.weights is not None:
        return model
    fingerprint = sayable(model.fingerprint)
    claimed = tuple(replace(file, digest_scope=file.digest_scope and CLAIMED) for file in fingerprint.files)
    return replace(model, fingerprint=replace(fingerprint, files=claimed, read_bytes=0))


def sayable(fingerprint: Fingerprint) -> Fingerprint:
    """The fingerprint without notices that no report can word, or that are no notices: anybody can write its table."""
    notices = tuple(notice for notice in fingerprint.notices if _is_sayable(notice))
    return replace(fingerprint, notices=notices)


def _is_sayable(notice: Message) -> bool:
    if not notice.key.startswith(NOTICE):
        return False
    try:
        say(notice, ENGLISH)
    except (AuditError, ValueError, TypeError, OverflowError):
        return False
    return True


def of_one_sampler(models: Sequence[Model]) -> list[Model]:
    """Models whose samples can be compared; larger samples are cut to the smallest one's columns.

    Raises:
        IncomparableError: One was sampled in another way; the parameters that differ are named.
    """
    smallest = min((model.fingerprint for model in models), key=lambda fingerprint: size_of(fingerprint.sampler))
    return [_cut(model, smallest) for model in models]


def _cut(model: Model, smallest: Fingerprint) -> Model:
    fingerprint = model.fingerprint
    if fingerprint.sampler == smallest.sampler:
        return model
    cut = cut_to(fingerprint, smallest)
    if cut is None:
        raise _sampled_differently(fingerprint, smallest)
    return replace(model, fingerprint=cut)


def check_samplers(subject: Fingerprint, references: Sequence[Fingerprint]) -> None:
    """Refuse fingerprints that were not sampled in the very same way.

    Raises:
        IncomparableError: A reference was sampled in another way; what made them differ is named.
    """
    for reference in references:
        if reference.sampler != subject.sampler:
            raise _sampled_differently(subject, reference)


OPTIONS = {"salt": "--salt-file", "method": "the version of the program"}
"""What gives two fingerprints parameters that cannot be reconciled; all others come from their size."""


def _sampled_differently(first: Fingerprint, second: Fingerprint) -> IncomparableError:
    names = differing(first.sampler, second.sampler)
    made = ", ".join(option for name, option in OPTIONS.items() if name in names) or "--size"
    told = ", ".join(f"{name} {mine} against {other}" for name, (mine, other) in names.items())
    return IncomparableError(
        f"{first.name} and {second.name} were sampled differently ({made}): {told}.",
        "Make both fingerprints with the same sampler and salt.",
    )


def with_same_files_named(subject: Sequence[FileEvidence], references: Sequence[Reference]) -> tuple[Reference, ...]:
    """The references, each with a notice where it has the subject's own files, or those of one before it.

    Whoever names a model as its own reference is found to share all of its weights with itself; and two names of one
    model are one piece of evidence.
    """
    known = {digests: Message("notice.same_as_subject") for digests in [_digests(subject)] if digests}
    named = []
    for reference in references:
        digests = _digests(reference.files)
        said = known.get(digests)
        named.append(replace(reference, notices=(*reference.notices, said)) if said else reference)
        if digests:
            known.setdefault(digests, Message("notice.same_as_reference", {"other": reference.name}))
    return tuple(named)


def _digests(files: Sequence[FileEvidence]) -> tuple[str, ...]:
    """What identifies all of a model's files; empty where that is unknown, or a claim."""
    digests = [file.sha256 for file in files if file.sha256 and file.digest_scope not in {None, CLAIMED}]
    return tuple(sorted(digests)) if len(digests) == len(files) else ()
