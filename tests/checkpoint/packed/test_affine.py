"""MLX's packings are read as MLX reads them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from independence_audit.checkpoint.packed.affine import BITS, Affine

from .stored_arrays import info
from .test_unpack import opened, read

MADE = Path(__file__).with_name("mlx_quantised.safetensors")
"""A matrix [2, 64] in groups of 32 and in blocks of mxfp4, by ``mx.quantize`` of MLX 0.32.4 (``mlx[cpu]``, Linux),
and what ``mx.dequantize`` makes of each (``meant4``, ...)."""


@pytest.mark.parametrize("bits", BITS)
def test_values_are_those_of_mlx(bits: int, tmp_path: Path) -> None:
    """MLX multiplies and adds in one step, which may differ in the last bit."""
    made = load_file(MADE)
    stem = f"bits{bits}"
    tensors = {name: each for name, each in made.items() if name.startswith(f"{stem}.")}
    config = json.dumps({"quantization": {"group_size": 32, "bits": bits}})
    checkpoint = opened(tmp_path, tensors, config)
    assert set(checkpoint.tensors) == {f"{stem}.weight"}
    assert checkpoint.tensors[f"{stem}.weight"].packing == f"mlx{bits}"
    meant = made[f"meant{bits}"].numpy().ravel()
    np.testing.assert_allclose(read(checkpoint, f"{stem}.weight", 0, 128), meant, rtol=1e-6, atol=1e-8)
    checkpoint.source.close()


def test_microscaling_blocks_are_those_of_mlx(tmp_path: Path) -> None:
    """Codes and powers of two leave no room for rounding."""
    made = load_file(MADE)
    tensors = {name: each for name, each in made.items() if name.startswith("mxfp4.")}
    config = json.dumps({"quantization": {"group_size": 32, "bits": 4, "mode": "mxfp4"}})
    checkpoint = opened(tmp_path, tensors, config)
    np.testing.assert_array_equal(read(checkpoint, "mxfp4.weight", 0, 128), made["meant_mxfp4"].numpy().ravel())
    checkpoint.source.close()


def test_a_mode_that_is_not_known_is_said(tmp_path: Path) -> None:
    """Its tensors stay as they are stored, and the report says so."""
    tensors = {"m.weight": torch.zeros(2, 8, dtype=torch.uint32), "m.scales": torch.zeros(2, 4, dtype=torch.uint8)}
    checkpoint = opened(tmp_path, tensors, '{"quantization": {"group_size": 16, "bits": 4, "mode": "nvfp4"}}')
    assert set(checkpoint.tensors) == set(tensors)
    assert [notice.key for notice in checkpoint.notices] == ["packing_unknown"]
    checkpoint.source.close()


@pytest.mark.parametrize(
    ("weight", "scales", "biases"),
    [
        ((8,), (1,), (1,)),
        ((2, 8), (2, 2), (2, 2)),
        ((2, 8), (1, 1), (1, 1)),
        ((2, 8), (2, 1), (2, 2)),
        ((0, 8), (0, 1), (0, 1)),
        ((2, 7), (2, 1), (2, 1)),
    ],
)
def test_what_does_not_fit(weight: tuple[int, ...], scales: tuple[int, ...], biases: tuple[int, ...]) -> None:
    """No matrix, other groups, other rows, biases of another shape, nothing at all, half a value."""
    stored = info("weight", "U32", *weight), info("scales", "F16", *scales), info("biases", "F16", *biases)
    assert Affine.of(stored, 4, 64) is None
    assert Affine.of(stored, 3, 64) is None
