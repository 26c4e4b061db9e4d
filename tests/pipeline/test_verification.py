"""Fingerprints held against the weights they are said to be of, and fingerprints of different sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.errors import IncomparableError, MalformedError, MissingError, UsageError
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.codec import write_fingerprint
from independence_audit.fingerprint.library.pull import SOURCE
from independence_audit.fingerprint.sampler import sampler_of
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.models import cost, read_model, save_fingerprint
from independence_audit.pipeline.settings import AuditSettings, NoProgress
from independence_audit.pipeline.verification import verify_fingerprint
from tests.cli.small_models import llama, save


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """A small decoder on disk."""
    return save(llama(1), tmp_path / "base.safetensors")


def fingerprint_file(
    weights: str, target: Path, source: str, salt: bytes | None = None, *, change: bool = False
) -> str:
    """The fingerprint of weights as a file that names a source; changed in one sample where that is wanted."""
    model = read_model(weights, sampler_of("default", salt), NoProgress())
    model.close()
    made = replace(model.fingerprint, metadata={**model.fingerprint.metadata, SOURCE: source})
    if change:
        first = next(sample for sample in made.samples if sample.raw is not None and sample.shape[0] > 1)
        assert first.raw is not None
        other = replace(first, raw=np.ascontiguousarray(first.raw[::-1]))
        made = replace(made, samples=tuple(other if sample is first else sample for sample in made.samples))
    write_fingerprint(made, target)
    return str(target)


@pytest.mark.parametrize("salt", [None, b"a secret of sixteen bytes or more"])
def test_honest_fingerprint_is_verified(weights: str, salt: bytes | None, tmp_path: Path) -> None:
    """The audit goes on as without; a secret salt is repeated."""
    reference = fingerprint_file(weights, tmp_path / "f.fp.safetensors", weights, salt)
    report = audit(weights, [reference], AuditSettings(verify=True, salt=salt))
    assert report.components[0].relation == Relation.IDENTICAL


def test_other_fingerprint_ends_the_audit_with_a_sentence(weights: str, tmp_path: Path) -> None:
    """It is neither a pass nor an accusation: nothing could be audited."""
    reference = fingerprint_file(weights, tmp_path / "f.fp.safetensors", weights, change=True)
    with pytest.raises(MalformedError, match=r"not the fingerprint of .*: 1 of \d+ samples differ") as caught:
        audit(weights, [reference], AuditSettings(verify=True))
    assert caught.value.exit_code == 4
    assert audit(weights, [reference]).components


def test_fingerprint_of_unknown_origin_cannot_be_verified(weights: str, tmp_path: Path) -> None:
    """Where the weights are has to be known."""
    target = tmp_path / "f.fp.safetensors"
    save_fingerprint(weights, target, sampler_of("default"), NoProgress())
    with pytest.raises(MissingError, match="not known where the weights"):
        audit(weights, [str(target)], AuditSettings(verify=True))


def test_fingerprint_of_another_salt_is_not_verified(weights: str) -> None:
    """What cannot be repeated is neither verified nor refuted."""
    model = read_model(weights, sampler_of("default", b"a secret"), NoProgress())
    model.close()
    with pytest.raises(IncomparableError, match="salt"):
        verify_fingerprint(model.fingerprint, "f", weights, None, offline=True, progress=NoProgress())


@pytest.mark.parametrize("sizes", [("small", "default"), ("default", "small")])
def test_small_and_default_fingerprints_are_compared(sizes: tuple[str, str], tmp_path: Path) -> None:
    """A copy is identical in what both hold, a stranger unrelated; the report names the smaller sampler."""
    paths = [save(llama(seed), tmp_path / f"{seed}.safetensors") for seed in (1, 1, 2)]
    files = [tmp_path / f"{number}.fp.safetensors" for number in range(3)]
    for path, file, size in zip(paths, files, (sizes[0], sizes[1], sizes[1]), strict=True):
        save_fingerprint(path, file, sampler_of(size), NoProgress())
    copy, stranger = (audit(str(files[0]), [str(other)]) for other in files[1:])
    assert copy.components[0].relation == Relation.IDENTICAL
    assert stranger.components[0].relation not in (Relation.IDENTICAL, Relation.ROUNDED, Relation.RELATED)
    assert copy.settings.sampler == sampler_of("small").name


def test_full_fingerprints_say_of_all_values_that_they_are_equal(weights: str, tmp_path: Path) -> None:
    """Digests of everything on both sides: every value was compared, though no weights are at hand."""
    target = tmp_path / "f.fp.safetensors"
    save_fingerprint(weights, target, sampler_of("default"), NoProgress(), everything=True)
    report = audit(str(target), [str(target)])
    assert sum(tensor.compared_values for tensor in report.tensors) == report.subject.parameters
    assert {file.digest_scope for file in report.subject.files} == {"file"}


def test_everything_of_a_fingerprint_cannot_be_read(weights: str, tmp_path: Path) -> None:
    """Neither read nor priced: the weights are not there."""
    target = tmp_path / "f.fp.safetensors"
    save_fingerprint(weights, target, sampler_of("default"), NoProgress())
    with pytest.raises(UsageError, match="already"):
        save_fingerprint(
            str(target), tmp_path / "g.fp.safetensors", sampler_of("default"), NoProgress(), everything=True
        )
    with pytest.raises(UsageError, match="already"):
        cost(str(target), sampler_of("default"), everything=False)
