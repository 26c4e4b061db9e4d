"""What identifies an audit's inputs: digests of whole files, the signature beside the subject, and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from independence_audit.checkpoint import Checkpoint, file_sha256
from independence_audit.checkpoint.layout import CONFIG
from independence_audit.checkpoint.refused_formats import INDEX_SUFFIX
from independence_audit.checkpoint.sidecars import read_sidecar
from independence_audit.core.progress import Progress
from independence_audit.errors import MalformedError, UsageError
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Model
from independence_audit.fingerprint.making import reported_to
from independence_audit.pipeline.references import Known, References
from independence_audit.signing.keys import read_public_key
from independence_audit.signing.model_signature import FILE, verify_model_signature

WHOLE = "file"


def with_whole_files(model: Model, progress: Progress) -> Model:
    """The same model with the digests of all bytes of its weights, index and config; a fingerprint stays as it is.

    Raises:
        ReadError: A file could not be read completely.
    """
    if model.checkpoint is None:
        return model
    files = _digests(model.checkpoint, progress)
    return replace(model, fingerprint=replace(model.fingerprint, files=files))


def with_whole_reference_files(references: References, progress: Progress) -> References:
    """The same references; those whose weights lie on this machine with the digests of all of their bytes.

    Raises:
        ReadError: A file could not be read completely.
    """
    return replace(references, known=tuple(_with_whole_files(one, progress) for one in references.known))


def signer_of(subject: str, model: Model, key: str) -> str | None:
    """Whose signature over the subject's files was verified: SHA-256 of the key; None where no key was named.

    Args:
        subject: What the user called the subject.
        model: The subject, with digests of whole files.
        key: File of the signer's public key; empty for none.

    Raises:
        UsageError: The key cannot be used, or there is no signature.
        MalformedError: The signature is not that of the key, or a file is not the one that was signed.
    """
    if not key:
        return None
    content = signature_sidecar(subject, model)
    if content is None:
        raise UsageError(f"There is no {FILE} beside the subject to verify.", "Leave out --model-key.")
    signature = verify_model_signature(content, read_public_key(key))
    for file in model.fingerprint.files:
        signed = signature.digests.get(file.name)
        if signed is None:
            raise MalformedError(f"{file.name!r} is not among the files that {FILE} signs.", "Sign all of the model.")
        if signed != file.sha256:
            raise MalformedError(f"{file.name!r} is not the file that was signed in {FILE}.", "Get the signed files.")
    return signature.keyid


def signature_sidecar(subject: str, model: Model) -> bytes | None:
    """The model signature beside the subject's weights, as its bytes."""
    return read_sidecar(subject, model.checkpoint.source, FILE) if model.checkpoint else None


def unverified_signature(subject: str, model: Model, signer: str | None) -> tuple[Message, ...]:
    """A notice where there is a signature that nobody named a key for."""
    if signer is None and signature_sidecar(subject, model) is not None:
        return (Message("notice.signature_not_verified", {"file": FILE}),)
    return ()


def called(model: Model, references: References, names: Sequence[str]) -> tuple[Model, References]:
    """The same models under the names that another report gives them.

    Raises:
        UsageError: There are not as many names as models.
    """
    if not names:
        return model, references
    if len(names) != 1 + len(references.known):
        raise UsageError(
            f"{len(references.known)} references were found where the report has {len(names) - 1}.",
            "Name every reference of the report with --ref, in its order.",
        )
    known = tuple(_renamed(one, name) for one, name in zip(references.known, names[1:], strict=True))
    return _under(model, names[0]), replace(references, known=known)


def _renamed(known: Known, name: str) -> Known:
    model = _under(known.model, name) if known.model else None
    return replace(known, facts=replace(known.facts, name=name), model=model)


def _under(model: Model, name: str) -> Model:
    return replace(model, fingerprint=replace(model.fingerprint, name=name))


def _with_whole_files(known: Known, progress: Progress) -> Known:
    model = known.model
    if model is None or model.checkpoint is None or not model.checkpoint.source.near:
        return known
    whole = with_whole_files(model, progress)
    return replace(known, facts=replace(known.facts, files=whole.fingerprint.files), model=whole)


def _digests(checkpoint: Checkpoint, progress: Progress) -> tuple[FileEvidence, ...]:
    sizes = checkpoint.source.files()
    beside = sorted(name for name in sizes if name == CONFIG or name.endswith(INDEX_SUFFIX))
    names = [*checkpoint.files, *beside]
    tell = reported_to(progress, f"digesting {checkpoint.name}")
    found = []
    for done, name in enumerate(names, 1):
        found.append(FileEvidence(name, sizes[name], file_sha256(checkpoint.source, name), WHOLE))
        tell(name, done, len(names))
    return tuple(found)
