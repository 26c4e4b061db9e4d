"""Quantised copies in the layout that a release would have."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.lineage.manipulations.model import Model
from benchmarks.lineage.names import Weights

BLOCK = 128
LARGEST = 448.0
"""Of float8_e4m3fn."""


def fp8_blocks(model: Model, _: torch.Generator) -> Model:
    """DeepSeek-V3's layout: every projection as e4m3 with one float32 scale for each block of 128 by 128."""
    weights: Weights = {}
    for name, tensor in model.weights.items():
        if tensor.ndim != 2 or "_proj" not in name:
            weights[name] = tensor.bfloat16()
            continue
        scales = _block_maxima(tensor) / LARGEST
        spread = scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)[: tensor.shape[0], : tensor.shape[1]]
        weights[name] = (tensor / spread).to(torch.float8_e4m3fn)
        weights[f"{name}_scale_inv"] = scales
    config = {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [BLOCK, BLOCK]}
    return model.changed(weights, quantization_config=config)


def unpacked(model: Model) -> Model:
    """A model whose projections are the values that they stand for."""
    weights: Weights = {}
    for name, tensor in model.weights.items():
        scales = model.weights.get(f"{name}_scale_inv")
        if scales is not None:
            spread = scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
            weights[name] = tensor.float() * spread[: tensor.shape[0], : tensor.shape[1]]
        elif not name.endswith("_scale_inv"):
            weights[name] = tensor.float()
    return model.changed(weights)


def _block_maxima(matrix: Tensor) -> Tensor:
    rows, columns = (-(-side // BLOCK) for side in matrix.shape)
    padded = torch.zeros(rows * BLOCK, columns * BLOCK)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix.abs()
    return padded.unflatten(0, (rows, BLOCK)).unflatten(2, (columns, BLOCK)).amax((1, 3)).clamp(min=1e-12)
