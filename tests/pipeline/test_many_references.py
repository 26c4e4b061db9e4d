"""Many references: strangers at a glance, the nearest measured in full, and a copy found among them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.cli.entry import main
from independence_audit.pipeline.searching import FEW
from tests.cli.small_models import llama, save


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject, a fine-tuned relative of it, and more strangers than are measured one by one."""
    folder = tmp_path_factory.mktemp("many")
    save(llama(1), folder / "subject" / "model.safetensors")
    tuned = {name: 0.8 * each + 0.2 * llama(99)[name] for name, each in llama(1).items()}
    save(tuned, folder / "relative" / "model.safetensors")
    for number in range(FEW + 1):
        save(llama(100 + number), folder / f"stranger-{number}" / "model.safetensors")
    return folder


def audited(place: Path, capsys: pytest.CaptureFixture[str], names: list[str]) -> tuple[int, dict[str, Any]]:
    """The status and the report."""
    references = [word for name in names for word in ("--ref", str(place / name))]
    status = main(["compare", str(place / "subject"), *references, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_relative_is_found_among_strangers(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures are those of an audit with it alone, but for the correction; every stranger has its bound."""
    strangers = [f"stranger-{number}" for number in range(FEW + 1)]
    status, report = audited(place, capsys, [*strangers, "relative"])
    _, alone = audited(place, capsys, ["relative"])
    assert status == 1
    [component] = report["components"]
    assert (component["relation"], component["reference"]) == ("related", "relative")
    assert len(component["runners_up"]) == len(strangers)
    for other in component["runners_up"]:
        assert other["relation"] == "unrelated"
        assert 0.0 < other["detection_bound"] < 0.5
        assert other["p_value"] is not None
    assert [one["z"] for one in report["tensors"]] == [one["z"] for one in alone["tensors"]]
    assert [one["pearson"] for one in report["tensors"]] == [one["pearson"] for one in alone["tensors"]]


def test_the_nearest_stranger_is_measured_in_full(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its tensors have their figures, and the joint test was made; two runs say the same."""
    strangers = [f"stranger-{number}" for number in range(FEW + 1)]
    status, report = audited(place, capsys, strangers)
    assert status == 0
    [component] = report["components"]
    assert component["relation"] == "unrelated"
    assert component["joint_z"] is not None
    assert {one["reference"] for one in report["tensors"]} == {component["runners_up"][0]["reference"]}
    assert all(one["compared_values"] > 0 and one["pearson"] is not None for one in report["tensors"])
    _, again = audited(place, capsys, strangers)
    assert {**report, "run": None} == {**again, "run": None}
