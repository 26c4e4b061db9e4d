"""An audit of a disguised copy, from weights and from fingerprints, and of what shares no more than training."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report import AuditReport
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.models import save_fingerprint
from independence_audit.pipeline.settings import NoProgress
from independence_audit.report.text import render
from tests.lineage.disguises import disguised

SEEDS = Path(__file__).resolve().parents[2] / "examples" / "seeds_case"


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A continued copy in full disguise."""
    folder = tmp_path_factory.mktemp("hidden")
    weights = {
        name: value.float().numpy() for name, value in load_file(SEEDS / "continued" / "model.safetensors").items()
    }
    turned = {name: value.astype(np.float32) for name, value in disguised(weights, 32, seed=9).items()}
    save_file(turned, folder / "model.safetensors")
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(SEEDS / "base" / file, folder)
    return folder


def keys(report: AuditReport) -> set[str]:
    """What explains the only component."""
    return {message.key for message in report.components[0].explanation}


def test_a_disguised_copy_is_transformed(hidden: Path) -> None:
    """Found, with the tests that say it; tensors of another basis are not called unrelated."""
    report = audit(str(hidden), [str(SEEDS / "base")])
    (component,) = report.components
    assert component.relation == Relation.TRANSFORMED
    assert component.p_value is not None
    assert component.p_value < 1e-12
    assert {"up_sign", "agreement"} <= {test.test for test in component.disguised}
    assert {"fact.disguised_up_sign", "fact.disguised_agreement"} <= keys(report)
    assert component.searches["disguised"].status == "done"
    assert Relation.UNRELATED not in component.relations
    roles = {tensor.role for tensor in report.tensors if tensor.relation == Relation.TRANSFORMED}
    assert roles == {"gate", "up", "down"}
    assert "in another order, scale or basis" in " ".join(render(report).split())


def test_fingerprints_are_enough(hidden: Path, tmp_path: Path) -> None:
    """Both sides as files: the same finding."""
    files = []
    for number, folder in enumerate((hidden, SEEDS / "base")):
        files.append(tmp_path / f"{number}.fp.safetensors")
        save_fingerprint(str(folder), files[-1], Sampler(), NoProgress())
    report = audit(str(files[0]), [str(files[1])])
    assert report.components[0].relation == Relation.TRANSFORMED
    assert report.components[0].disguised == audit(str(hidden), [str(SEEDS / "base")]).components[0].disguised


def test_a_stranger_stays_unrelated() -> None:
    """The search is made, and finds nothing."""
    report = audit(str(SEEDS / "other_seed"), [str(SEEDS / "base")])
    assert report.components[0].relation == Relation.UNRELATED
    assert report.components[0].searches["disguised"].status == "done"
    assert not report.summary.not_searched


@pytest.mark.parametrize("name", ["finetuned", "continued"])
def test_shared_training_is_told(name: str) -> None:
    """A related component's profile says that more than a draw is shared."""
    assert "fact.shared_training" in keys(audit(str(SEEDS / name), [str(SEEDS / "base")]))
