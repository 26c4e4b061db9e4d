"""Looking for weights in all of every reference: what is read, what is left out, and what that is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import IncomparableError, ReadError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import ComponentEvidence, SearchOutcome
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.making import save_fingerprint
from independence_audit.fingerprint.sampler import sampler_of
from independence_audit.lineage import elsewhere_search, scan
from independence_audit.lineage.scan import Scan
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings
from tests.cli.small_models import Weights, llama, save

BASE, OWN = llama(1), llama(2)
BLOB = {"model.extra": np.concatenate([values.ravel() for values in BASE.values() if values.ndim > 1])}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The known model."""
    return save(BASE, tmp_path_factory.mktemp("known") / "model.safetensors")


def looked(report: AuditReport) -> tuple[Relation, SearchOutcome]:
    """What the subject's first component came to, and what became of looking for it elsewhere."""
    component: ComponentEvidence = report.components[0]
    return component.relation, component.searches["elsewhere"]


def compared(weights: Weights, reference: str, tmp_path: Path, *, full: bool = False) -> AuditReport:
    """An audit of made-up weights."""
    return audit(save(weights, tmp_path / "model.safetensors"), [reference], AuditSettings(offline=True, full=full))


def test_where_everything_is_found_nothing_is_looked_for(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy in its place costs no further reading."""
    monkeypatch.setattr(elsewhere_search, "Scan", None)
    report = compared(BASE, reference, tmp_path)
    assert looked(report) == (Relation.IDENTICAL, SearchOutcome("not_needed", "found_in_place"))


@pytest.mark.parametrize("full", [False, True])
def test_pieces_take_their_share(reference: str, tmp_path: Path, full: bool) -> None:  # noqa: FBT001
    """What a tensor holds is told matrix by matrix, and makes up all of it."""
    report = compared(OWN | BLOB, reference, tmp_path, full=full)
    assert looked(report) == (Relation.TRANSFORMED, SearchOutcome("done"))
    pieces = [tensor for tensor in report.tensors if tensor.name.startswith("model.extra")]
    assert {piece.reason for piece in pieces} == {"other_layout"}
    assert {piece.reference_tensor for piece in pieces} == {name for name, w in BASE.items() if w.ndim > 1}
    assert sum(piece.parameters for piece in pieces) == BLOB["model.extra"].size
    assert all(piece.identical_fraction == 1.0 for piece in pieces)
    assert sum(report.components[0].relations.values()) == pytest.approx(1.0)
    (change,) = [change for change in report.components[0].changes if change.key == "changed.elsewhere"]
    assert change.data["count"] == len(pieces)


def test_what_is_too_large_is_said(reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the budget nothing is cleared; with every value read there is none."""
    monkeypatch.setattr(elsewhere_search, "OPEN_BYTES", 1000)
    report = compared(OWN | BLOB, reference, tmp_path)
    assert looked(report)[1] == SearchOutcome("not_possible", "too_large_to_look_through")
    assert "not_searched.elsewhere" in {message.key for message in report.summary.not_searched}
    assert looked(compared(OWN | BLOB, reference, tmp_path, full=True))[0] is Relation.TRANSFORMED


def test_changed_copies_have_a_budget(reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it unchanged values are still found."""
    monkeypatch.setattr(scan, "PRODUCTS", 1000)
    assert looked(compared(OWN | BLOB, reference, tmp_path))[0] is Relation.TRANSFORMED
    noise = {"model.extra": np.random.default_rng(0).normal(0, 0.02, 400_000).astype(np.float32)}
    assert looked(compared(OWN | noise, reference, tmp_path))[1] == SearchOutcome("done", "verbatim_only")


def test_a_fingerprint_cannot_be_looked_through(reference: str, tmp_path: Path) -> None:
    """Its sample is looked at; what has no counterpart is said not to have been."""
    target = tmp_path / "own.fp.safetensors"
    save_fingerprint(save(OWN | BLOB, tmp_path / "model.safetensors"), target, sampler_of("default"), NoProgress())
    report = audit(str(target), [reference], AuditSettings(offline=True))
    assert looked(report)[1] == SearchOutcome("not_possible", "fingerprint_only")


def test_bytes_that_cannot_be_read_are_left_out(
    reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed read clears nobody, and is called that."""

    def fails(*_: object, **__: object) -> None:
        raise ReadError("gone", "again")

    monkeypatch.setattr(Scan, "read", fails)
    assert looked(compared(OWN | BLOB, reference, tmp_path))[1] == SearchOutcome("not_possible", "unreadable")


def test_models_of_which_nothing_meets_are_refused(reference: str, tmp_path: Path) -> None:
    """A lone projector of shapes that no reference has is no audit; one of stolen matrices is."""
    alone = {
        "multi_modal_projector.linear_1.weight": np.random.default_rng(0).normal(0, 1, (64, 48)).astype(np.float32)
    }
    with pytest.raises(IncomparableError):
        compared(alone, reference, tmp_path)
    stolen = {
        f"multi_modal_projector.linear_{n}.weight": values
        for n, values in enumerate(values for values in BASE.values() if values.ndim > 1)
    }
    assert looked(compared(stolen, reference, tmp_path))[0] in (Relation.IDENTICAL, Relation.TRANSFORMED)
