"""Units of a layer in the frame of their anchors, and over which anchors two models meet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.units.unit_layers import (
    Anchors,
    Frame,
    UnitLayer,
    in_eight_bits,
    own_frame,
    shared_labels,
)
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


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6))
def test_eight_bits_keep_a_unit_s_direction(seed: int, size: float) -> None:
    """Whatever its size, which is lost; a unit of zeros stays one."""
    rows = np.random.default_rng(seed).normal(size=(4, 30))
    rows[0] = 0.0
    bits = in_eight_bits(size * rows)
    assert not bits[0].any()
    assert np.abs(bits[1:].astype(int)).max(axis=1).tolist() == [127] * 3
    cosines = (bits[1:] * rows[1:]).sum(axis=1) / np.linalg.norm(bits[1:].astype(float), axis=1)
    assert (cosines / np.linalg.norm(rows[1:], axis=1)).min() > 0.999


def anchors_of(*labels: str) -> Anchors:
    """Anchors whose directions are at right angles."""
    return Anchors("model", labels, np.eye(len(labels)))


def test_anchors_meet_over_their_text_where_enough_is_there() -> None:
    """Rows of equal number may be other tokens; they are taken where there are more of them than of equal text."""
    tokens, numbers = ("token:a", "token:b"), ("number:16", "number:17")
    both = anchors_of(*tokens, *numbers)
    assert shared_labels(both, anchors_of(*reversed(numbers), *reversed(tokens))) == list(tokens)
    assert shared_labels(both, anchors_of(*numbers, "token:b")) == list(numbers)
    assert shared_labels(both, anchors_of("token:c", "number:18")) == []


def test_patches_meet_over_equal_tables() -> None:
    """A table of another height shares none."""
    patches = anchors_of("patch:9:0", "patch:9:4")
    assert shared_labels(patches, anchors_of("patch:9:4", "patch:9:8")) == ["patch:9:4"]
    assert shared_labels(patches, anchors_of("patch:8:0", "patch:8:4")) == []


def test_signs_are_those_of_gates() -> None:
    """With gates there are other numbers of even than of odd descriptors; without them, or undescribed, no signs."""
    units, responses = np.arange(3), np.zeros((3, 2), np.int8)
    even = np.zeros((3, 5), np.float32)
    gated = UnitLayer("model", 0, whole=True, units=units, responses={"gate": responses}, even=even, odd=even[:, :4])
    plain = UnitLayer("model", 0, whole=True, units=units, responses={"fc1": responses}, even=even, odd=even)
    unknown = UnitLayer("model", 0, whole=True, units=units, responses={"gate": responses})
    assert [(layer.gated, layer.signed) for layer in (gated, plain, unknown)] == [
        (True, True),
        (False, False),
        (True, False),
    ]
