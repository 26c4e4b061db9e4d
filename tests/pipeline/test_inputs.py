"""What identifies an audit's inputs: whole files by their digests, names as another report gives them, signatures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import MalformedError, UsageError
from independence_audit.evidence.audit_report import Reference
from independence_audit.fingerprint import Model, read_model, sampler_of
from independence_audit.pipeline.inputs import (
    called,
    signer_of,
    unverified_signature,
    with_whole_files,
    with_whole_reference_files,
)
from independence_audit.pipeline.references import Known, References
from tests.cli.small_models import llama, save
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

ALONE = Model(fingerprint_of(sample_of(noise(8, 16)), name="alone"))


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    """A model of a folder, with its config, read and open."""
    save(llama(1), tmp_path / "run" / "model.safetensors")
    (tmp_path / "run" / "config.json").write_text("{}", encoding="utf-8")
    found = read_model(str(tmp_path / "run"), sampler_of("default", None), NoProgress())
    yield found
    found.close()


def references(*models: Model | None) -> References:
    """References of these models, named by their number; None could not be had."""
    return References(tuple(Known(Reference(str(n), "compared"), one) for n, one in enumerate(models)), None)


def test_whole_files_have_the_digests_of_all_of_their_bytes(model: Model, tmp_path: Path) -> None:
    """Weights and config; of a fingerprint nobody saw a file."""
    files = {file.name: file for file in with_whole_files(model, NoProgress()).fingerprint.files}
    assert set(files) == {"model.safetensors", "config.json"}
    for name, file in files.items():
        content = (tmp_path / "run" / name).read_bytes()
        assert (file.sha256, file.size) == (hashlib.sha256(content).hexdigest(), len(content))
        assert file.digest_scope == "file"
    assert with_whole_files(ALONE, NoProgress()) is ALONE


def test_references_that_are_here_are_digested_too(model: Model) -> None:
    """What is no more than a fingerprint, or could not be had, stays as it is."""
    whole = with_whole_reference_files(references(model, ALONE, None), NoProgress())
    assert [len(one.facts.files) for one in whole.known] == [2, 0, 0]
    assert whole.known[1].model is ALONE


def test_names_of_another_report_go_to_all_models_or_to_none() -> None:
    """In their order, the subject first; one too few or too many is refused."""
    known = references(ALONE, None)
    mine, theirs = called(ALONE, known, ("subject", "a", "b"))
    assert mine.fingerprint.name == "subject"
    assert [one.facts.name for one in theirs.known] == ["a", "b"]
    assert [one.fingerprint.name for one in theirs.models] == ["a"]
    assert called(ALONE, known, ()) == (ALONE, known)
    with pytest.raises(UsageError, match="2 references were found where the report has 1"):
        called(ALONE, known, ("subject", "a"))


def test_a_signature_is_verified_or_said_not_to_be(model: Model, tmp_path: Path) -> None:
    """Without a key it is noticed; with a key and no signature there is nothing to verify."""
    subject = str(tmp_path / "run")
    assert signer_of(subject, model, "") is None
    assert unverified_signature(subject, model, None) == ()
    with pytest.raises(UsageError, match=r"no model\.sig"):
        signer_of(subject, model, "key.pem")
    (tmp_path / "run" / "model.sig").write_text("{}", encoding="utf-8")
    assert [notice.key for notice in unverified_signature(subject, model, None)] == ["notice.signature_not_verified"]
    assert unverified_signature(subject, model, "ab" * 32) == ()


def test_a_signature_that_is_none_is_refused(model: Model, tmp_path: Path) -> None:
    """It is never taken for one that was verified."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    key = tmp_path / "key.pem"
    public = ed25519.Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key()
    key.write_bytes(public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "run" / "model.sig").write_text("{}", encoding="utf-8")
    with pytest.raises(MalformedError):
        signer_of(str(tmp_path / "run"), model, str(key))
