"""A small decoder with units, as a fingerprint keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units

WIDTH, UNITS, VOCABULARY = 16, 40, 300


def decoder(folder: Path, layers: int = 3, changed: Mapping[str, np.ndarray] | None = None) -> Path:
    """A llama-named decoder of random values, without a tokenizer."""
    random = np.random.default_rng(3)
    weights = {
        "model.embed_tokens.weight": random.normal(size=(VOCABULARY, WIDTH)),
        "model.norm.weight": np.ones(WIDTH),
    }
    for layer in range(layers):
        at = f"model.layers.{layer}."
        for role in "qkvo":
            weights[f"{at}self_attn.{role}_proj.weight"] = random.normal(size=(WIDTH, WIDTH))
        weights[f"{at}mlp.gate_proj.weight"] = random.normal(size=(UNITS, WIDTH))
        weights[f"{at}mlp.up_proj.weight"] = random.normal(size=(UNITS, WIDTH))
        weights[f"{at}mlp.down_proj.weight"] = random.normal(size=(WIDTH, UNITS))
        weights[f"{at}input_layernorm.weight"] = np.ones(WIDTH)
        weights[f"{at}post_attention_layernorm.weight"] = 1 + 0.1 * random.normal(size=WIDTH)
    weights |= changed or {}
    save_file(
        {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in weights.items()},
        folder / "model.safetensors",
    )
    (folder / "config.json").write_text(
        json.dumps({"model_type": "llama", "num_attention_heads": 4, "hidden_size": WIDTH})
    )
    return folder


def with_units(folder: Path, wanted: int = 2) -> Fingerprint:
    """A fingerprint with units."""
    checkpoint = open_checkpoint(folder)
    try:
        anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
        fingerprint = build_fingerprint(checkpoint, anatomy, Sampler())
        return replace(fingerprint, units=read_units(checkpoint, anatomy, UnitPlan(wanted, Sampler())))
    finally:
        checkpoint.source.close()
