"""An audit of a disguised copy, from weights and from fingerprints, and of what shares no more than training."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import load_file
from safetensors.torch import save_file as save_torch

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import Checkpoint
from independence_audit.core.progress import NoProgress
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.making import save_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings
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


def test_every_layer_that_was_found_is_named(hidden: Path) -> None:
    """One fact for each kind of test, every layer in the map, and nothing said of differences in place."""
    (component,) = audit(str(hidden), [str(SEEDS / "base")]).components
    assert component.layer_map == {"0": 0, "1": 1}
    assert {test.layer for test in component.disguised} == {0, 1}
    facts = [message.key for message in component.explanation if message.key.startswith("fact.disguised")]
    assert len(facts) == len(set(facts)) == len({test.test for test in component.disguised})
    (change,) = component.changes
    assert (change.key, change.data["runs"]) == ("changed.disguised", "0-1 from 0-1")


def test_a_second_look_behind_the_disguise(hidden: Path) -> None:
    """Behind the basis recovered from gates alone the other roles are as like as training left them."""
    report = audit(str(hidden), [str(SEEDS / "base")])
    (look,) = [message for message in report.components[0].explanation if message.key == "fact.second_look"]
    assert look.data["reference"] == "base"
    assert float(str(look.data["others"])) > 0.5
    assert float(str(look.data["attention"])) > 0.3
    assert "was used to recover it" in " ".join(render(report).split())


def test_fingerprints_are_enough(hidden: Path, tmp_path: Path) -> None:
    """Both sides as files: the same finding."""
    files = []
    for number, folder in enumerate((hidden, SEEDS / "base")):
        files.append(tmp_path / f"{number}.fp.safetensors")
        save_fingerprint(str(folder), files[-1], Sampler(), NoProgress())
    report = audit(str(files[0]), [str(files[1])])
    assert report.components[0].relation == Relation.TRANSFORMED
    assert report.components[0].disguised == audit(str(hidden), [str(SEEDS / "base")]).components[0].disguised
    assert not {key for key in keys(report) if "second_look" in key}  # the weights are not there


@pytest.mark.parametrize(
    ("kept", "asked", "expected"),
    [
        (None, None, {(2, True)}),
        (4, None, {(4, False)}),
        (0, None, {(2, False)}),
        (None, 3, {(3, False)}),
        (4, 3, {(3, False)}),
    ],
    ids=["weights", "a fingerprint of four layers", "one of none", "asked for", "asked for beside a fingerprint"],
)
def test_both_sides_are_seen_through_as_many_layers(
    kept: int | None,
    asked: int | None,
    expected: set[tuple[int, bool]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than two where both have their weights, and it is cheap; as many as a fingerprint kept, or as was asked."""
    reference = str(SEEDS / "base")
    if kept is not None:
        reference = str(tmp_path / "base.fp.safetensors")
        save_fingerprint(str(deep_decoder(tmp_path)), Path(reference), Sampler(), NoProgress(), search_layers=kept)
    plans: list[UnitPlan] = []

    def spy(checkpoint: Checkpoint, anatomy: Anatomy, plan: UnitPlan, wanted: Collection[str]) -> object:
        plans.append(plan)
        return read_units(checkpoint, anatomy, plan, wanted)

    monkeypatch.setattr("independence_audit.lineage.disguised_units.read_units", spy)
    audit(str(SEEDS / "other_seed"), [reference], AuditSettings(search_layers=asked))
    assert {(plan.search_layers, plan.deeper) for plan in plans} == expected


def deep_decoder(folder: Path) -> Path:
    """The example's decoder with its layers three times over."""
    weights = load_file(SEEDS / "base" / "model.safetensors")
    deep = {name: value for name, value in weights.items() if ".layers." not in name}
    for layer in range(6):
        own = f".layers.{layer % 2}."
        deep |= {
            name.replace(own, f".layers.{layer}."): value.clone() for name, value in weights.items() if own in name
        }
    target = folder / "deep"
    target.mkdir()
    save_torch(deep, target / "model.safetensors")
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(SEEDS / "base" / file, target)
    return target


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
