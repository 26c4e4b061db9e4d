"""A convolutional network whose batch normalisations were folded into its convolutions, as exporters do."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.trajectory import networks
from benchmarks.trajectory.runs import Run, train
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.pipeline.audit import audit

EPSILON = 1e-5


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two networks that were trained apart."""
    folder = tmp_path_factory.mktemp("convolutions")
    torch.set_num_threads(1)
    runs = [Run("", partial(networks.convolutions, seed), 0.05, optimiser="momentum") for seed in (1, 2)]
    return [train(run, folder / str(number))[-1] for number, run in enumerate(runs)]


def folded(model: Path, target: Path) -> Path:
    """The network without its normalisations: convolutions and biases that compute the same."""
    weights = load_file(model / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not _is_norm(name)}
    for stem in {".".join(name.split(".")[:2]) for name in weights if _is_norm(name)}:
        gain, bias, mean, variance = (
            weights[f"{stem}.1.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gain / torch.sqrt(variance + EPSILON)
        kept[f"{stem}.0.weight"] = weights[f"{stem}.0.weight"] * factor[:, None, None, None]
        kept[f"{stem}.0.bias"] = (weights[f"{stem}.0.bias"] - mean) * factor + bias
    target.mkdir()
    save_file(kept, target / "model.safetensors")
    return target


def _is_norm(name: str) -> bool:
    return name.split(".")[2] == "1" if name.startswith("layers.") else False


@pytest.mark.parametrize("reverse", [False, True], ids=["folded copy", "copy of a folded one"])
def test_a_folded_copy_is_found_and_named(trained: list[Path], tmp_path: Path, *, reverse: bool) -> None:
    """Every convolution is related, and the report says what was done to it, by which factors."""
    pair = [folded(trained[0], tmp_path / "folded"), trained[0]]
    report = audit(str(pair[reverse]), [str(pair[not reverse])])
    (component,) = report.components
    assert component.relation == Relation.RELATED
    kernels = {tensor.name: tensor.relation for tensor in report.tensors if tensor.name.endswith("0.weight")}
    related = [name for name, relation in kernels.items() if relation == Relation.RELATED]
    assert "layers.2.0.weight" in related  # the others have 32 and 64 channels: too few for each to be sure alone
    (scaled,) = [change for change in component.changes if change.key == "changed.scaled"]
    assert scaled.data["count"] == len(related)
    assert float(str(scaled.data["share"])) > 0.999


def test_a_folded_stranger_is_none(trained: list[Path], tmp_path: Path) -> None:
    """Another network of the same kind, folded, shares nothing."""
    report = audit(str(folded(trained[1], tmp_path / "folded")), [str(trained[0])])
    assert report.summary.strongest not in FOUND
