"""Stolen matrices beside an own decoder, under names, in shapes and number types of their own: never exit 0.

The same places with matrices of a stranger are innocent: never exit 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import Weights, llama, save

Hide = Callable[[Weights], dict[str, Any]]

BASE, OWN, STRANGER = llama(1), llama(2), llama(3)
POLICIES = ("evidence-only", "kai-stage1", "control-and-licence", "strict-from-scratch")


def matrices(weights: Weights) -> dict[str, np.ndarray]:
    """The matrices of all layers by name."""
    return {name: values for name, values in weights.items() if name.endswith("proj.weight")}


def noised(weights: Weights) -> Weights:
    """The same weights at r = 0.9: as far as a long further training goes."""
    random = np.random.default_rng(5)
    return {
        name: (0.9 * values + np.sqrt(0.19) * values.std() * random.normal(size=values.shape)).astype(np.float32)
        for name, values in matrices(weights).items()
    }


def named(pattern: str) -> Hide:
    """Every matrix as it is, under a name with its number."""
    return lambda weights: {pattern.format(n): values for n, values in enumerate(matrices(weights).values(), 1)}


def turned_roles(weights: Weights) -> dict[str, Any]:
    """Square matrices in each other's places of the own decoder: q in o's, k in q's, the layers exchanged as well."""
    there = {"q": "o", "k": "q", "v": "k", "o": "v"}
    hidden = {}
    for layer in (0, 1):
        for role, place in there.items():
            name = f"model.layers.{layer}.self_attn.{role}_proj.weight"
            hidden[f"model.layers.{1 - layer}.self_attn.{place}_proj.weight"] = weights[name]
    return hidden


NAMES: dict[str, Hide] = {
    "projector": named("multi_modal_projector.linear_{}.weight"),
    "connector": named("connector.{}.weight"),
    "merger": named("visual.merger.mlp.{}.weight"),
    "aligner": named("aligner.layers.{}.weight"),
    "resampler": named("resampler.blocks.{}.attn.weight"),
    "compressor": named("video_compressor.stage_{}.weight"),
    "generator": named("image_generator.dit.{}.weight"),
    "action_head": named("action_head.layers.{}.weight"),
    "vision": named("vision_tower.stem.{}.kernel"),
    "buffer": named("model.inv_freq_{}"),
    "no words": named("x{}"),
    "other roles": turned_roles,
}


def audit(tmp_path: Path, hidden: dict[str, Any], *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON report of the own decoder with something hidden in it."""
    subject = save({**OWN, **hidden}, tmp_path / "subject" / "model.safetensors")
    reference = save(BASE, tmp_path / "reference" / "model.safetensors")
    target = tmp_path / "report.json"
    command = ["compare", subject, "--ref", reference, "--offline", "--quiet", "-o", f"json={target}", *options]
    return main(command), json.loads(target.read_text())


@pytest.mark.parametrize("place", NAMES)
def test_names_hide_nothing(place: str, tmp_path: Path) -> None:
    """Kinds, roles and layers are labels that anybody can choose: a copy is found under any, noised as well."""
    for weights in (BASE, noised(BASE)):
        code, report = audit(tmp_path, NAMES[place](weights))
        assert code == 1
        found = [each for each in report["components"] if each["reference"]]
        assert [each["relation"] for each in found] in (["identical"], ["related"], ["transformed"])


@pytest.mark.parametrize("place", NAMES)
def test_strangers_under_these_names_are_innocent(place: str, tmp_path: Path) -> None:
    """Nothing is found of matrices that merely have the reference's shapes."""
    code, report = audit(tmp_path, NAMES[place](STRANGER))
    assert code != 1
    assert not any(each["reference"] for each in report["components"])


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_excuses_a_stolen_projector(policy: str, tmp_path: Path) -> None:
    """The reference's decoder as a projector is never a pass."""
    code, _ = audit(tmp_path, NAMES["projector"](BASE), "--policy", policy)
    assert code in (1, 3)


def test_a_small_projector_of_its_own_passes(tmp_path: Path) -> None:
    """One that was looked for, and of which nothing has the shapes, leaves the outcome to the decoder."""
    random = np.random.default_rng(9)
    projector = {"multi_modal_projector.linear_1.weight": random.normal(0, 0.02, (128, 40)).astype(np.float32)}
    code, report = audit(tmp_path, projector)
    assert code == 0
    assert report["components"][1]["reason"] == "no_such_shapes"
