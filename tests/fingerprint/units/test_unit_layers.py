"""Responses of units in the frame of their anchors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.units.unit_layers import Frame, own_frame
from independence_audit.statistics.anchors import whitened_responses
from tests.fingerprint.units.small_decoder import decoder, with_units


def test_responses_are_those_of_the_weights(tmp_path: Path) -> None:
    """Eight bits in the anchors' frame are the whitened responses of gain-folded units, up to rounding."""
    folder = decoder(tmp_path)
    (units,) = with_units(folder).units
    assert units.anchors is not None
    assert {label.split(":")[0] for label in units.anchors.labels} == {"number"}
    rows = [int(label.split(":")[1]) for label in units.anchors.labels]
    checkpoint = open_checkpoint(folder)
    from safetensors.numpy import load_file

    weights = {name: value.astype(np.float64) for name, value in load_file(folder / "model.safetensors").items()}
    checkpoint.source.close()
    frame = Frame(units.anchors, units.anchors.labels)
    whole = [layer for layer in units.layers if layer.whole]
    assert [layer.layer for layer in whole] == [1, 2]
    for layer in whole:
        at = f"model.layers.{layer.layer}."
        gain = weights[f"{at}post_attention_layernorm.weight"]
        sides = {
            "gate": weights[f"{at}mlp.gate_proj.weight"] * gain,
            "up": weights[f"{at}mlp.up_proj.weight"] * gain,
            "down": weights[f"{at}mlp.down_proj.weight"].T,
        }
        for role, matrix in sides.items():
            expected = whitened_responses(weights["model.embed_tokens.weight"][rows], matrix)
            likeness = (frame.whitened(layer.responses[role]) * expected).sum(axis=1)
            assert likeness.min() > 0.999


def test_fewer_anchors_give_the_responses_to_those(tmp_path: Path) -> None:
    """From all anchors' frame to that of some: as if only those had been read."""
    random = np.random.default_rng(1)
    directions, weights = random.normal(size=(60, 32)) + 1.5, random.normal(size=(20, 32))
    (units,) = with_units(decoder(tmp_path)).units
    assert units.anchors is not None
    anchors = replace(units.anchors, labels=tuple(f"number:{i}" for i in range(60)), gram=directions @ directions.T)
    kept = own_frame(weights @ directions.T, anchors.gram)
    chosen = list(range(0, 60, 2))
    expected = whitened_responses(directions[chosen], weights)
    found = Frame(anchors, [f"number:{i}" for i in chosen]).whitened(kept)
    assert (found * expected).sum(axis=1).min() > 0.995
