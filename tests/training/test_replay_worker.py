"""The process that draws again: one seed gives one draw, and every failure is a sentence in its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from independence_audit.training.replay_worker import main

OWN = """
import random

import numpy
import torch


def weights(seed):
    by_numpy, by_python = numpy.random.normal(size=4), [random.random()]
    return {"t": torch.randn(4, 4), "n": torch.tensor(by_numpy), "p": torch.tensor(by_python)}


def module(seed):
    return torch.nn.Linear(4, 4)


def broken(seed):
    raise ValueError("no such layer")
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's own code in the working folder."""
    (tmp_path / "drawing.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def drawn(folder: Path, function: str, seed: int = 1, config: str = "") -> tuple[int, dict[str, Any]]:
    """The status, and what the result file says."""
    folder.mkdir()
    specification = folder / "specification.json"
    specification.write_text(json.dumps({"seed": seed, "config": config, "function": function}), encoding="utf-8")
    status = main([str(specification), str(folder)])
    return status, json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_one_seed_is_one_draw(tmp_path: Path) -> None:
    """Whatever generator the function asks: torch's, numpy's or Python's; another seed is another draw."""
    folders = [tmp_path / name for name in ("one", "again", "other")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        status, result = drawn(folder, "drawing:weights", seed)
        assert (status, result["generator"]) == (0, "drawing:weights")
        assert result["versions"].startswith("torch ")
    one, again, other = (load_file(folder / "drawn" / "model.safetensors") for folder in folders)
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not any(np.array_equal(one[name], other[name]) for name in one)


def test_a_module_gives_its_state(tmp_path: Path) -> None:
    """Under the names of its parameters."""
    drawn(tmp_path / "run", "drawing:module")
    assert set(load_file(tmp_path / "run" / "drawn" / "model.safetensors")) == {"weight", "bias"}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("drawing:broken", "ValueError: no such layer"),
        ("drawing:missing", "cannot be imported"),
        ("nowhere:weights", "cannot be imported"),
    ],
)
def test_a_failure_is_a_sentence(tmp_path: Path, function: str, said: str) -> None:
    """In the result, with status 1, and without weights."""
    status, result = drawn(tmp_path / "run", function)
    assert status == 1
    assert said in result["error"]
    assert not (tmp_path / "run" / "drawn" / "model.safetensors").exists()
