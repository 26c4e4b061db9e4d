"""A folder's weights are its weights: no fingerprint that lies among them takes their place, on either side."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from independence_audit.checkpoint import open_checkpoint
from independence_audit.checkpoint.header import KEY
from independence_audit.core.progress import NoProgress
from independence_audit.errors import ChangedError, MalformedError, MissingError
from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.making import save_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.pipeline import audit as audit_module
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from tests.cli.small_models import llama, save


@pytest.fixture
def known(tmp_path: Path) -> str:
    """The reference: what the thief took."""
    return save(llama(1), tmp_path / "known.safetensors")


@pytest.fixture
def innocent(tmp_path: Path) -> Path:
    """The fingerprint of an own model."""
    path = tmp_path / "own.fp.safetensors"
    save_fingerprint(save(llama(2), tmp_path / "own.safetensors"), path, Sampler(), NoProgress())
    return path


def folder_of(path: Path, weights: int) -> Path:
    """A folder with a model in one file."""
    path.mkdir()
    save(llama(weights), path / "model.safetensors")
    return path


def relation(report: AuditReport) -> Relation:
    """Of the one component."""
    assert len(report.components) == 1
    return report.components[0].relation


@pytest.mark.parametrize("name", ["model.fp.safetensors", "a.safetensors", "z.safetensors", "optimizer.safetensors"])
def test_a_fingerprint_beside_stolen_weights_hides_nothing(
    tmp_path: Path, known: str, innocent: Path, name: str
) -> None:
    """Whatever it is called and wherever it sorts."""
    folder = folder_of(tmp_path / "model", 1)
    (folder / name).write_bytes(innocent.read_bytes())
    report = audit(str(folder), [known])
    assert report.subject.verified
    assert relation(report) is Relation.IDENTICAL
    assert exit_code(report, Severity.NOT_MET) == 1


@pytest.mark.parametrize("name", ["model.fp.safetensors", "a.safetensors"])
def test_a_fingerprint_beside_a_reference_hides_nothing(tmp_path: Path, known: str, innocent: Path, name: str) -> None:
    """The reference is what its folder holds."""
    folder = folder_of(tmp_path / "reference", 1)
    (folder / name).write_bytes(innocent.read_bytes())
    assert relation(audit(known, [str(folder)])) is Relation.IDENTICAL


def test_a_fingerprints_entry_in_the_header_of_weights_changes_nothing(tmp_path: Path, known: str) -> None:
    """Neither in the only file of a folder nor in one shard of several."""
    table = open_checkpoint(_entry_of(tmp_path)).metadata[KEY]
    whole = tmp_path / "whole"
    whole.mkdir()
    save_file(llama(1), whole / "model.safetensors", {KEY: table})
    assert relation(audit(str(whole), [known])) is Relation.IDENTICAL
    names = sorted(llama(1))
    shards = tmp_path / "shards"
    shards.mkdir()
    for number, half in enumerate((names[::2], names[1::2]), 1):
        part = {name: llama(1)[name] for name in half}
        save_file(part, shards / f"model-{number:05d}-of-00002.safetensors", {KEY: table} if number == 1 else None)
    assert relation(audit(str(shards), [known])) is Relation.IDENTICAL


def _entry_of(tmp_path: Path) -> str:
    path = tmp_path / "entry.fp.safetensors"
    save_fingerprint(save(llama(2), tmp_path / "entry.safetensors"), path, Sampler(), NoProgress())
    return str(path)


@pytest.mark.parametrize("name", ["own.fp.safetensors", "model.safetensors"])
def test_a_folder_of_nothing_but_fingerprints_has_a_way_out(
    tmp_path: Path, known: str, innocent: Path, name: str
) -> None:
    """On either side it is refused, and named by itself it is taken for what it is."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / name).write_bytes(innocent.read_bytes())
    for subject, reference in ((str(folder), known), (known, str(folder))):
        with pytest.raises(MissingError, match="no weights but fingerprints") as caught:
            audit(subject, [reference])
        assert "Name the fingerprint's file itself" in caught.value.hint
    report = audit(str(folder / name), [known])
    assert not report.subject.verified
    assert exit_code(report, Severity.NOT_MET) == 3


def test_weights_in_the_file_of_a_fingerprint_are_refused(tmp_path: Path, known: str, innocent: Path) -> None:
    """A table that says nothing of some tensors hides them."""
    both = tmp_path / "both.safetensors"
    save_file(load_file(innocent) | llama(1), both, dict(open_checkpoint(innocent).metadata))
    with pytest.raises(MalformedError, match="says nothing of the tensor"):
        audit(str(both), [known])


def _write(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(np.float32(1.0).tobytes())


def _rename(path: Path) -> None:
    save(llama(3), path.with_name("other"))
    path.with_name("other").replace(path)


@pytest.mark.parametrize("change", [_write, _rename])
@pytest.mark.parametrize("which", ["subject", "reference"])
def test_weights_that_change_during_an_audit_are_no_result(
    tmp_path: Path, known: str, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], which: str
) -> None:
    """A change after the last read is seen as well: no report, no exit 0."""
    own = Path(save(llama(2), tmp_path / "own.safetensors"))
    changed = own if which == "subject" else Path(known)
    report_of = audit_module._report

    def late(*parts: object) -> AuditReport:
        change(changed)
        return report_of(*parts)  # type: ignore[arg-type]

    monkeypatch.setattr(audit_module, "_report", late)
    with pytest.raises(ChangedError, match="was changed while it was read"):
        audit(str(own), [known])
