"""Towers without gates and without anchors: what their fc1 and fc2 say of a disguised copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "examples" / "hyperclovax_case" / "reference_audio"
SHIPPED = ROOT / "fingerprints" / "example__reference-audio.fp.safetensors"
TOWER = "audio_tower."
HEADS = 4
READERS = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "fc1.weight", "embed_positions.weight")
WRITERS = ("out_proj.weight", "out_proj.bias", "fc2.weight", "fc2.bias", "conv2.weight", "conv2.bias")

Weights = dict[str, NDArray[np.float32]]


def tower() -> Weights:
    """The audio tower of an example, without the decoder behind it."""
    weights = load_file(REFERENCE / "model.safetensors")
    return {name: value.float().numpy() for name, value in weights.items() if name.startswith(TOWER)}


def disguised(weights: Weights, seed: int) -> Weights:
    """All that GELU and fixed positions let pass: units, residual channels and the first filters in other orders."""
    rng = np.random.default_rng(seed)
    found = dict(weights)
    width = len(found[f"{TOWER}conv2.bias"])
    residual, filters = rng.permutation(width), rng.permutation(len(found[f"{TOWER}conv1.bias"]))
    for name in [name for name in found if name.endswith("fc1.weight")]:
        stem = name.removesuffix("fc1.weight")
        order = rng.permutation(len(found[name]))
        found[name], found[f"{stem}fc1.bias"] = found[name][order], found[f"{stem}fc1.bias"][order]
        found[f"{stem}fc2.weight"] = found[f"{stem}fc2.weight"][:, order]
    for stem in [name.removesuffix("q_proj.weight") for name in found if name.endswith("q_proj.weight")]:
        _reorder_heads(found, stem, rng)
    for name, value in found.items():
        if name.endswith(READERS):
            found[name] = value[:, residual]
        elif name.endswith(WRITERS) or "layer_norm." in name:
            found[name] = value[residual]
    for name in (f"{TOWER}conv1.weight", f"{TOWER}conv1.bias"):
        found[name] = found[name][filters]
    found[f"{TOWER}conv2.weight"] = found[f"{TOWER}conv2.weight"][:, filters]
    return found


def _reorder_heads(weights: Weights, stem: str, rng: np.random.Generator) -> None:
    """Heads in another order, and the channels of each: those of queries and keys alike, those of values."""
    width = len(weights[f"{stem}q_proj.weight"])
    channels = np.arange(width).reshape(HEADS, -1)[rng.permutation(HEADS)]
    scored, passed = (rng.permuted(channels, axis=1).ravel() for _ in range(2))
    for role, order in (("q_proj", scored), ("k_proj", scored), ("v_proj", passed)):
        for name in (f"{stem}{role}.weight", f"{stem}{role}.bias"):
            if name in weights:
                weights[name] = weights[name][order]
    weights[f"{stem}out_proj.weight"] = weights[f"{stem}out_proj.weight"][:, passed]


def redrawn(weights: Weights, seed: int) -> Weights:
    """Another draw with the same distributions: every matrix's values in another order."""
    rng = np.random.default_rng(seed)
    return {name: rng.permutation(value.ravel()).reshape(value.shape) for name, value in weights.items()}


def audited(weights: Weights, folder: Path, reference: Path = REFERENCE) -> AuditReport:
    """An audit of a tower against the example that it may come from."""
    kept = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    save_file(kept, folder / "model.safetensors")
    shutil.copy(REFERENCE / "config.json", folder)
    return audit(str(folder), [str(reference)], AuditSettings(offline=True))


@pytest.mark.parametrize("reference", [REFERENCE, SHIPPED], ids=["weights", "shipped"])
def test_a_tower_without_gates_and_anchors_is_found_in_another_order(tmp_path: Path, reference: Path) -> None:
    """Every axis that may be exchanged was: rows of fc1 and columns of fc2 find the same units."""
    (component,) = audited(disguised(tower(), seed=3), tmp_path, reference).components
    assert component.relation == Relation.TRANSFORMED


@pytest.mark.parametrize("seed", [1, 2])
def test_a_tower_of_another_draw_is_not(tmp_path: Path, seed: int) -> None:
    """The same shapes and distributions, disguised or not, are no evidence."""
    (component,) = audited(disguised(redrawn(tower(), seed), seed), tmp_path).components
    assert component.relation not in FOUND
