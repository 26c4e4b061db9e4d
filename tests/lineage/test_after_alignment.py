"""Behind a disguise that was found: what was not asked to find it, compared once the rotation is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Model, read_model, sampler_of
from independence_audit.lineage.after_alignment import AfterAlignment
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.disguised_units import DisguisedUnits, Units
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.searches import Models
from tests.cli.small_models import Weights, llama, save

SAMPLER = sampler_of("default", None)


def turned(weights: Weights, seed: int) -> Weights:
    """The same function in another basis of the residual stream, gains folded and units in another order."""
    random = np.random.default_rng(seed)
    width = weights["model.norm.weight"].shape[0]
    rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
    units = random.permutation(weights["model.layers.0.mlp.up_proj.weight"].shape[0])
    made = {}
    for name, value in weights.items():
        block, _, _ = name.partition(".self_attn.") if ".self_attn." in name else name.partition(".mlp.")
        norm = "input_layernorm" if ".self_attn." in name else "post_attention_layernorm"
        if name.endswith("norm.weight"):
            new = np.ones_like(value)
        elif name.endswith("o_proj.weight"):
            new = rotation.T @ value
        elif name.endswith("down_proj.weight"):
            new = (rotation.T @ value)[:, units]
        elif ".layers." in name:
            new = value * weights[f"{block}.{norm}.weight"] @ rotation
            new = new[units] if ".mlp." in name else new
        else:
            new = value @ rotation
        made[name] = np.ascontiguousarray(new, dtype=np.float32)
    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Model]]:
    """A base, its disguised copy, and an unrelated model."""
    folder = tmp_path_factory.mktemp("models")
    weights = {"base": llama(1), "disguised": turned(llama(1), 7), "other": llama(2)}
    read = {
        name: read_model(save(each, folder / f"{name}.safetensors"), SAMPLER, NoProgress())
        for name, each in weights.items()
    }
    yield read
    for model in read.values():
        model.close()


def said(mine: Model, theirs: Model, *, weights: bool = True) -> list[Message]:
    """What is said of a model beside another once the search for disguises was made."""
    units = Units(SAMPLER, None)
    models = Models(mine, {theirs.name: theirs}, NoProgress())
    compared = tuple(compare_fingerprints(mine.fingerprint, theirs.fingerprint))
    comparisons = DisguisedUnits(units).run(Comparisons(mine.fingerprint, 1e-6, compared), models)
    if not weights:
        models = Models(replace(mine, weights=None), models.known, NoProgress())
    return [message for one in AfterAlignment(units).run(comparisons, models).items for message in one.messages]


def test_behind_a_disguise_everything_is_alike(models: Mapping[str, Model]) -> None:
    """All units were matched, and what was not asked agrees with the reference's."""
    (message,) = said(models["disguised"], models["base"])
    assert message.key in {"fact.second_look", "fact.second_look_units"}
    assert (message.data["component"], message.data["reference"]) == ("model", "base.safetensors")
    assert isinstance(message.data["others"], float)
    assert message.data["others"] > 0.95


def test_without_a_disguise_there_is_nothing_to_undo(models: Mapping[str, Model]) -> None:
    """Of an unrelated model nothing is said."""
    assert said(models["other"], models["base"]) == []


def test_without_weights_nothing_is_said(models: Mapping[str, Model]) -> None:
    """It takes whole matrices of both sides."""
    assert said(models["disguised"], models["base"], weights=False) == []
