"""What the tests of the example models share: their folders, tensors and truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file

Weights = dict[str, NDArray[np.float64]]


@pytest.fixture(scope="session")
def checkpoints(examples: Path) -> dict[str, Path]:
    """The folder of every example checkpoint by its name in ``truth.json``."""
    folders = sorted(path.parent for path in examples.rglob("*.safetensors"))
    return {folder.relative_to(examples).as_posix(): folder for folder in folders}


@pytest.fixture(scope="session")
def weights(checkpoints: dict[str, Path]) -> Callable[[str], Weights]:
    """Reads a checkpoint's tensors as doubles, once."""

    @cache
    def read(name: str) -> Weights:
        tensors = load_file(checkpoints[name] / "model.safetensors")
        return {key: tensor.double().numpy() for key, tensor in tensors.items()}

    return read


@pytest.fixture(scope="session")
def truth(examples: Path) -> list[dict[str, Any]]:
    """The pairs of ``truth.json``."""
    pairs: list[dict[str, Any]] = json.loads((examples / "truth.json").read_text(encoding="utf-8"))["pairs"]
    return pairs
