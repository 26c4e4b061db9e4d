"""Units in a fingerprint: what is read, how it is kept, and what cannot be had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import MalformedError
from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.units.places import search_layers, unit_places
from independence_audit.fingerprint.units.unit_layers import Frame, own_frame
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from independence_audit.statistics.anchors import whitened_responses

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


def test_units_survive_the_file_to_the_bit(tmp_path: Path) -> None:
    """What is written is read, and written again it is the same file."""
    fingerprint = with_units(decoder(tmp_path))
    first, second = tmp_path / "a.fp.safetensors", tmp_path / "b.fp.safetensors"
    write_fingerprint(fingerprint, first)
    again = read_fingerprint(open_checkpoint(first))
    write_fingerprint(again, second)
    assert first.read_bytes() == second.read_bytes()
    for one, other in zip(fingerprint.units, again.units, strict=True):
        assert (one.component, one.reason) == (other.component, other.reason)
        for mine, theirs in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(mine.units, theirs.units)
            assert mine.responses.keys() == theirs.responses.keys()
            assert mine.even is None or theirs.even is not None


@pytest.mark.parametrize("damage", ["gram", "count", "units"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Anchors that are not finite, counts and numbers that contradict the tensors."""
    fingerprint = with_units(decoder(tmp_path))
    (units,) = fingerprint.units
    assert units.anchors is not None
    if damage == "gram":
        units = replace(units, anchors=replace(units.anchors, gram=units.anchors.gram * np.nan))
    elif damage == "count":
        units = replace(units, layers=tuple(replace(layer, units=layer.units[:-1]) for layer in units.layers))
    else:
        units = replace(
            units, layers=tuple(replace(layer, whole=False, units=layer.units[::-1]) for layer in units.layers)
        )
    path = tmp_path / "a.fp.safetensors"
    write_fingerprint(replace(fingerprint, units=(units,)), path)
    with pytest.raises(MalformedError):
        read_fingerprint(open_checkpoint(path))


def test_nothing_is_read_whole_far_away(tmp_path: Path) -> None:
    """Without search layers gate and up of sampled units are all that is kept."""
    (units,) = with_units(decoder(tmp_path), 0).units
    assert [list(layer.responses) for layer in units.layers] == [["gate", "up"]] * 3
    assert not any(layer.whole for layer in units.layers)


def test_broken_embeddings_are_no_anchors(tmp_path: Path) -> None:
    """NaN and zero rows are left out; with too few left there are none, and the reason is kept."""
    broken = np.full((VOCABULARY, WIDTH), np.nan)
    broken[:20] = 1.0
    (units,) = with_units(decoder(tmp_path, changed={"model.embed_tokens.weight": broken})).units
    assert units.anchors is None
    assert units.reason == "no_anchors"
    assert all(layer.whole for layer in units.layers)


def test_embeddings_of_another_width_are_no_anchors(tmp_path: Path) -> None:
    """Factorised embeddings lie in another space than the units, which are described without them."""
    factorised = np.random.default_rng(2).normal(size=(VOCABULARY, WIDTH // 2))
    (units,) = with_units(decoder(tmp_path, changed={"model.embed_tokens.weight": factorised})).units
    assert units.reason == "no_anchors"
    assert all(layer.even is not None for layer in units.layers)


@pytest.mark.parametrize(("units", "found"), [(40, 2), (300, 4), (900, 6)])
def test_more_layers_where_they_are_cheap(units: int, found: int, tmp_path: Path) -> None:
    """As long as descriptors, 33 and 30 more for each further layer, are fewer than half the units; all six at most."""
    random = np.random.default_rng(5)
    changed: dict[str, np.ndarray] = {}
    for layer in range(6):
        at = f"model.layers.{layer}.mlp."
        changed |= {f"{at}{role}_proj.weight": random.normal(size=(units, WIDTH)) for role in ("gate", "up")}
        changed[f"{at}down_proj.weight"] = random.normal(size=(WIDTH, units))
    checkpoint = open_checkpoint(decoder(tmp_path, 6, changed))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    plan = UnitPlan(2, Sampler(), deeper=True)
    (deeper,) = read_units(checkpoint, anatomy, plan)
    (usual,) = read_units(checkpoint, anatomy, replace(plan, deeper=False))
    checkpoint.source.close()
    assert sum(layer.whole for layer in deeper.layers) == found
    assert sum(layer.whole for layer in usual.layers) == 2


def test_search_layers_are_spread(tmp_path: Path) -> None:
    """Over the depth, never more than there are."""
    checkpoint = open_checkpoint(decoder(tmp_path, layers=8))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    checkpoint.source.close()
    places = unit_places(anatomy, anatomy.components[0])
    assert [each.layer for each in search_layers(places, 2)] == [2, 5]
    assert [each.layer for each in search_layers(places, 8)] == list(range(8))
    assert search_layers(places, 0) == []
