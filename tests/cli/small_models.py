"""Small llama-named checkpoints for the command line's tests: cheap to write, large enough to be tested with power."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WIDTH, UNITS, LAYERS, TOKENS = 128, 192, 2, 256

Weights = dict[str, np.ndarray]


def llama(seed: int, width: int = WIDTH, units: int = UNITS, layers: int = LAYERS) -> Weights:
    """Random weights under llama's names; two seeds are two strangers."""
    random = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return random.normal(0, 0.02, (rows, columns)).astype(np.float32)

    def gain() -> np.ndarray:
        return (1 + random.normal(0, 0.02, width)).astype(np.float32)

    weights = {"model.embed_tokens.weight": matrix(TOKENS, width), "model.norm.weight": gain()}
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for role in "qkvo":
            weights[f"{prefix}self_attn.{role}_proj.weight"] = matrix(width, width)
        weights[f"{prefix}mlp.gate_proj.weight"] = matrix(units, width)
        weights[f"{prefix}mlp.up_proj.weight"] = matrix(units, width)
        weights[f"{prefix}mlp.down_proj.weight"] = matrix(width, units)
        weights[f"{prefix}input_layernorm.weight"] = gain()
        weights[f"{prefix}post_attention_layernorm.weight"] = gain()
    return weights


def save(weights: Weights, path: Path) -> str:
    """Write a checkpoint and return its path for a command line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, path)
    return str(path)
