"""Manipulations that should leave a network's function alone do so; the others change what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.lineage.manipulations import depth, disguise, experts, layout, packed, values, vocabulary, width
from benchmarks.lineage.manipulations.model import Manipulation, Model
from benchmarks.lineage.plain_tower import PlainVisionTower
from examples.training.audio import AudioTower
from examples.training.configs import decoder_config
from examples.training.decoder import Decoder, DecoderConfig
from examples.training.vision import VisionTower

DENSE = DecoderConfig(layers=3, units=40, vocabulary=50, width=24, heads=4, key_value_heads=2, head_size=8)
BIASED = replace(DENSE, attention_bias=True)
MOE = replace(DENSE, dense_layers=1, experts=4, expert_units=10)
IDS = torch.randint(50, (2, 9), generator=torch.Generator().manual_seed(1))


def _drawn(module: torch.nn.Module) -> dict[str, Tensor]:
    """A module's tensors at random, gains around one and biases around nought."""
    generator = torch.Generator().manual_seed(7)
    weights = {}
    for name, tensor in module.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        weights[name] = 1 + 0.3 * noise if "norm" in name and name.endswith("weight") else 0.3 * noise
    return weights


def _decoder(config: DecoderConfig) -> Model:
    weights = _drawn(Decoder(config))
    facts = decoder_config("llama", "LlamaForCausalLM", config)
    ids = {f"t{i}": i for i in range(config.vocabulary)}
    return Model(weights, facts, {"model": {"vocab": ids, "merges": []}})


@torch.no_grad()
def _logits(model: Model, config: DecoderConfig, ids: Tensor = IDS) -> Tensor:
    decoder = Decoder(config).eval()
    decoder.load_state_dict(model.weights)
    result: Tensor = decoder(decoder.model.embed_tokens(ids))
    return result


def _apply(manipulation: Manipulation, model: Model) -> Model:
    return manipulation(model, torch.Generator().manual_seed(3))


DECODER_DISGUISES: dict[str, Manipulation] = {
    "units": disguise.permuted_units,
    "scale": disguise.rescaled_units(0.7),
    "signs": disguise.signed_permutation,
    "rotation": disguise.rotated,
    "heads": disguise.permuted_heads,
    "values": disguise.mixed_values,
    "all": disguise.EVERYTHING,
}


@pytest.mark.parametrize("name", DECODER_DISGUISES)
@pytest.mark.parametrize("config", [DENSE, BIASED, MOE], ids=["dense", "biased", "moe"])
def test_disguises_keep_a_decoders_function(name: str, config: DecoderConfig) -> None:
    """Logits stay equal up to rounding, while the tensors do not."""
    model = _decoder(config)
    other = _apply(DECODER_DISGUISES[name], model)
    torch.testing.assert_close(_logits(other, config), _logits(model, config), rtol=2e-3, atol=2e-3)
    assert any(not torch.equal(model.weights[key], other.weights[key]) for key in model.weights)


def test_other_ways_to_keep_a_decoders_function() -> None:
    """Expert permutation, silent layers and a doubled width change no logit; a reordered vocabulary reorders them."""
    moe = _decoder(MOE)
    torch.testing.assert_close(_logits(_apply(experts.permuted, moe), MOE), _logits(moe, MOE), rtol=1e-3, atol=1e-3)
    model = _decoder(DENSE)
    grown = _apply(depth.stacked([0, 1, 1, 2], silent=(2,)), model)
    torch.testing.assert_close(_logits(grown, replace(DENSE, layers=4)), _logits(model, DENSE))
    assert grown.facts["num_hidden_layers"] == 4
    wide = _apply(width.hypercloned, model)
    torch.testing.assert_close(_logits(wide, replace(DENSE, width=48)), _logits(model, DENSE), rtol=1e-3, atol=1e-3)
    moved = _apply(vocabulary.reordered, model)
    assert moved.tokenizer is not None
    places = torch.tensor([moved.tokenizer["model"]["vocab"][f"t{i}"] for i in range(50)])
    torch.testing.assert_close(_logits(moved, DENSE, places[IDS])[..., places], _logits(model, DENSE))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["gated", "plain", "audio"])
def test_disguises_keep_a_towers_function(kind: str) -> None:
    """Towers too: RMSNorm turns freely, LayerNorm about the all-ones direction, Whisper's channels only permute."""
    towers: dict[str, Any] = {
        "gated": lambda: VisionTower(2, 24),
        "plain": lambda: PlainVisionTower(2, 24),
        "audio": lambda: AudioTower(2, 24),
    }
    tower = towers[kind]().eval()
    model = Model(_drawn(tower), {})
    turn = disguise.permuted_audio_channels if kind == "audio" else disguise.turned_tower
    other = _apply(disguise.in_turn(disguise.permuted_units, disguise.rescaled_units(0.5), turn), model)
    shape = (2, 40, 64) if kind == "audio" else (2, 3, 2, 16, 16)
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    tower.load_state_dict(model.weights)
    before = tower(inputs)
    tower.load_state_dict(other.weights)
    after = tower(inputs)
    if kind == "audio":
        torch.testing.assert_close(after.sort(-1).values, before.sort(-1).values, rtol=1e-3, atol=1e-3)
    else:
        # The turned stream comes out turned: every length and every angle in it stays.
        torch.testing.assert_close(after @ after.transpose(1, 2), before @ before.transpose(1, 2), rtol=5e-3, atol=5e-2)


def test_rotations_that_keep_the_mean() -> None:
    """They are orthogonal, and move everything but the all-ones direction."""
    turn = disguise.keeping_ones(16, torch.Generator().manual_seed(1))
    torch.testing.assert_close(turn @ turn.T, torch.eye(16))
    torch.testing.assert_close(turn @ torch.ones(16), torch.ones(16))
    assert (turn - torch.eye(16)).abs().max() > 0.5


def test_depth_maps() -> None:
    """Pruning, duplication, interleaving and shifting of five layers, and the tensors that follow."""
    model = _decoder(replace(DENSE, layers=5))
    assert depth.pruned(model) == [0, 2, 3]
    assert depth.duplicated(model) == [0, 1, 2, 3, 1, 2, 3, 4]
    assert depth.interleaved(model) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert depth.shifted(model) == [1, 2, 3, 4]
    other = _apply(depth.stacked(depth.pruned(model)), model)
    name = "model.layers.{}.mlp.up_proj.weight"
    assert torch.equal(other.weights[name.format(1)], model.weights[name.format(2)])
    assert name.format(3) not in other.weights


def test_experts_made_and_cloned() -> None:
    """Upcycling copies the dense MLP to every expert, noise and fresh units included; cloning repeats experts."""
    model = _decoder(DENSE)
    gate = "model.layers.1.mlp.gate_proj.weight"
    expert = "model.layers.1.mlp.experts.{}.gate_proj.weight"
    copy = _apply(experts.upcycled(3), model)
    assert torch.equal(copy.weights[expert.format(2)], model.weights[gate])
    assert gate not in copy.weights
    half = _apply(experts.upcycled(3, redrawn=0.5), model)
    kept = (half.weights[expert.format(0)] == model.weights[gate]).all(1)
    assert 8 <= int(kept.sum()) <= 32
    twice = _apply(experts.cloned, _decoder(MOE))
    assert torch.equal(twice.weights[expert.format(6)], twice.weights[expert.format(7)])
    assert twice.facts["n_routed_experts"] == 8


def test_values_change_by_what_is_said() -> None:
    """Noise and low-rank edits have their size and rank; merges their coefficients; fresh parts their spread."""
    model = _decoder(DENSE)
    name = "model.layers.0.mlp.up_proj.weight"
    before = model.weights[name]
    noise = _apply(values.noised(0.1), model).weights[name] - before
    assert float(noise.std() / before.std()) == pytest.approx(0.1, rel=0.1)
    edit = _apply(values.low_rank(4, 0.2), model).weights[name] - before
    assert int(torch.linalg.matrix_rank(edit, rtol=1e-4)) == 4
    assert float(edit.norm() / before.norm()) == pytest.approx(0.2, rel=1e-3)
    other = _apply(values.noised(1.0), model)
    mix = _apply(values.merged([other], [0.7, 0.3]), model).weights[name]
    torch.testing.assert_close(mix, 0.7 * before + 0.3 * other.weights[name])
    fresh = _apply(values.redrawn("layers.0."), model)
    assert float(fresh.weights[name].std()) == pytest.approx(0.02, rel=0.2)
    assert torch.equal(fresh.weights["lm_head.weight"], model.weights["lm_head.weight"])


def test_layouts_hold_the_same_values() -> None:
    """Fused, split, transposed, renamed and moved tensors are the old ones."""
    model = _decoder(DENSE)
    fused = _apply(layout.fused, model).weights
    stem = "model.layers.0."
    assert torch.equal(fused[f"{stem}self_attn.qkv_proj.weight"][:32], model.weights[f"{stem}self_attn.q_proj.weight"])
    assert torch.equal(fused[f"{stem}mlp.gate_up_proj.weight"][40:], model.weights[f"{stem}mlp.up_proj.weight"])
    assert len(fused) == len(model.weights) - 3 * 3
    other = _apply(layout.transposed, model).weights
    assert torch.equal(other[f"{stem}mlp.up_proj.weight"].T, model.weights[f"{stem}mlp.up_proj.weight"])
    meta = _apply(layout.under_other_names, model).weights
    assert torch.equal(meta["layers.0.feed_forward.w1.weight"], model.weights[f"{stem}mlp.gate_proj.weight"])
    tower = Model(_drawn(VisionTower(2, 24)), {})
    split = _apply(layout.split, tower).weights
    assert torch.equal(split["blocks.0.attn.k.weight"], tower.weights["blocks.0.attn.qkv.weight"][128:256])
    within = _apply(layout.inside(model, "", "model.visual."), tower).weights
    assert torch.equal(within["model.visual.blocks.0.norm1.weight"], tower.weights["blocks.0.norm1.weight"])
    assert "lm_head.weight" in within
    assert "blocks.1.norm1.weight" not in _apply(layout.part(1), tower).weights


def test_narrower_mlps_and_vocabularies() -> None:
    """A quarter of the units goes, the rest keeps its order; a cut vocabulary keeps its first rows."""
    model = _decoder(DENSE)
    other = _apply(width.pruned_units(0.25), model)
    name = "model.layers.0.mlp.gate_proj.weight"
    assert other.weights[name].shape == (30, 24)
    assert other.facts["intermediate_size"] == 30
    rows = [int((model.weights[name] == row).all(1).nonzero()) for row in other.weights[name]]
    assert rows == sorted(rows)
    small = _apply(vocabulary.cut(0.5), model)
    assert small.weights["lm_head.weight"].shape == (25, 24)
    assert small.tokenizer is not None
    assert len(small.tokenizer["model"]["vocab"]) == 25
    large = _apply(vocabulary.extended(6), model)
    assert large.weights["model.embed_tokens.weight"].shape == (56, 24)
    strange = _apply(vocabulary.replaced, model)
    assert strange.tokenizer is not None
    assert not set(strange.tokenizer["model"]["vocab"]) & {"t0", "t1"}


def test_fp8_blocks_stand_for_what_they_were_made_of() -> None:
    """A weight in e4m3 with scales, crops of whole blocks included, comes back within e4m3's rounding."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(130, 200, generator=generator)
    name = "model.layers.0.mlp.up_proj.weight"
    packed_model = _apply(packed.fp8_blocks, Model({name: matrix, "model.norm.weight": torch.ones(3)}, {}))
    assert packed_model.weights[name].dtype == torch.float8_e4m3fn
    assert packed_model.weights[f"{name}_scale_inv"].shape == (2, 2)
    back = packed.unpacked(packed_model).weights
    assert set(back) == {name, "model.norm.weight"}
    torch.testing.assert_close(back[name], matrix, rtol=1 / 16, atol=0.01)
