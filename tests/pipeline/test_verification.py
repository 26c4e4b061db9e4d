"""Fingerprints held against the weights they are said to be of, and fingerprints of different sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.anatomy import Kind
from independence_audit.core.progress import NoProgress
from independence_audit.errors import IncomparableError, MalformedError, MissingError, UsageError
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.library.pull import SOURCE
from independence_audit.fingerprint.making import cost, read_model, save_fingerprint
from independence_audit.fingerprint.sampler import sampler_of
from independence_audit.pipeline import verification
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.verification import verify_fingerprint
from tests.cli.small_models import llama, save
from tests.hub.fake_hub import FakeHub, reach, serving


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


REPOSITORY = "team/base"


@pytest.fixture
def hub(weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub that serves the weights, which the user's catalogue knows as ``own-base``."""
    folder = tmp_path / "hub" / REPOSITORY
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(Path(weights).read_bytes())
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "own.toml").write_text(
        f"""format = 1
[[family]]
name = "own"
kinds = ["text_decoder"]
models = [{{ name = "own-base", hub_id = "{REPOSITORY}" }}]
""",
        encoding="utf-8",
    )
    monkeypatch.setenv("AUDIT_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        yield hub


@pytest.mark.parametrize("salt", [None, b"a secret of sixteen bytes or more"])
@pytest.mark.parametrize("source", [REPOSITORY, f"{REPOSITORY}@0123456789"])
def test_honest_fingerprint_is_verified(
    hub: FakeHub, weights: str, salt: bytes | None, source: str, tmp_path: Path
) -> None:
    """The audit goes on as without; a secret salt is repeated."""
    reference = fingerprint_file(weights, tmp_path / "f.fp.safetensors", source, salt)
    report = audit(weights, [reference], AuditSettings(verify=True, salt=salt))
    assert report.components[0].relation == Relation.IDENTICAL


def test_weights_of_the_working_folder_are_not_those_of_the_catalogue(
    hub: FakeHub, weights: str, tmp_path: Path
) -> None:
    """A folder that bears the repository's name is neither read to verify a fingerprint nor to pull one."""
    save(llama(7), tmp_path / REPOSITORY / "model.safetensors")
    forged = fingerprint_file(str(tmp_path / REPOSITORY), tmp_path / "f.fp.safetensors", REPOSITORY)
    with pytest.raises(MalformedError, match="not the fingerprint of"):
        audit(weights, [forged], AuditSettings(verify=True))
    assert audit(weights, ["own-base"]).components[0].relation == Relation.IDENTICAL


def test_other_fingerprint_ends_the_audit_with_a_sentence(hub: FakeHub, weights: str, tmp_path: Path) -> None:
    """It is neither a pass nor an accusation: nothing could be audited."""
    reference = fingerprint_file(weights, tmp_path / "f.fp.safetensors", REPOSITORY, change=True)
    with pytest.raises(MalformedError, match=r"not the fingerprint of .*: 1 of \d+ samples differ") as caught:
        audit(weights, [reference], AuditSettings(verify=True))
    assert caught.value.exit_code == 4
    assert audit(weights, [reference]).components


def test_another_commit_than_the_catalogues_is_said_to_be_one(hub: FakeHub, weights: str, tmp_path: Path) -> None:
    """The owner may have put other weights there since: nobody is called a forger for that, and nothing is verified."""
    reference = fingerprint_file(weights, tmp_path / "f.fp.safetensors", f"{REPOSITORY}@{'ab' * 20}", change=True)
    with pytest.raises(IncomparableError, match="made from the commit abababababab"):
        audit(weights, [reference], AuditSettings(verify=True))


@pytest.mark.parametrize("edit", ["fewer samples", "another kind", "one sample"])
def test_a_fingerprint_of_a_part_is_not_that_of_the_whole(
    hub: FakeHub, weights: str, edit: str, tmp_path: Path
) -> None:
    """What it leaves out, or calls otherwise, differs as well."""
    model = read_model(weights, sampler_of("default"), NoProgress())
    model.close()
    made = replace(model.fingerprint, metadata={SOURCE: REPOSITORY})
    if edit == "another kind":
        made = replace(made, components=tuple(replace(one, kind=Kind.PROJECTOR) for one in made.components))
    else:
        made = replace(made, samples=made.samples[: 4 if edit == "fewer samples" else 1])
    write_fingerprint(made, tmp_path / "f.fp.safetensors")
    with pytest.raises(MalformedError, match="not the fingerprint of"):
        audit(weights, [str(tmp_path / "f.fp.safetensors")], AuditSettings(verify=True))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "/etc/passwd",
        "../x",
        "./base.safetensors",
        "base.safetensors",
        "http://127.0.0.1:9/x.safetensors",
        "https://127.0.0.1:9/x.safetensors",
        "s3://bucket/x.safetensors",
        "hf://attacker/repo",
        "attacker/repo@main",
        "team/other",
        "file:///etc/passwd",
        "\n\x1b[31m",
    ],
)
@pytest.mark.parametrize("side", ["subject", "reference"])
def test_what_a_file_names_is_never_opened(
    *, hub: FakeHub, weights: str, source: str, side: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No path, address or repository that the catalogue does not know: said with the reason, and nothing is asked."""
    save(llama(1), tmp_path / "hub" / "attacker" / "repo" / "model.safetensors")
    hub.add("attacker/repo", tmp_path / "hub" / "attacker" / "repo")
    forged = fingerprint_file(weights, tmp_path / "f.fp.safetensors", source)
    monkeypatch.setattr(verification, "open_named", lambda *_, **__: pytest.fail("it was opened"))
    subject, reference = (forged, weights) if side == "subject" else (weights, forged)
    with pytest.raises(MissingError, match="catalogue does not know"):
        audit(subject, [reference], AuditSettings(verify=True))
    assert hub.seen == []


def test_fingerprint_of_unknown_origin_cannot_be_verified(weights: str, tmp_path: Path) -> None:
    """Where the weights are has to be known."""
    target = tmp_path / "f.fp.safetensors"
    save_fingerprint(weights, target, sampler_of("default"), NoProgress())
    with pytest.raises(MissingError, match="cannot be verified"):
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
    assert {file.digest_scope for file in report.subject.files} == {"claimed"}  # nobody read these files here


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
