"""References that are the same files as the subject, or as one another, by their digests: said, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report import FileEvidence, Reference
from independence_audit.pipeline.models import CLAIMED


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
