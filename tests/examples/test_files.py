"""The example checkpoints' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

NAMES = [
    "hyperclovax_case/reference_audio",
    "hyperclovax_case/reference_vision",
    "hyperclovax_case/subject",
    "hyperclovax_case/subject_vision_only",
    "seeds_case/base",
    "seeds_case/base_fp16",
    "seeds_case/continued",
    "seeds_case/finetuned",
    "seeds_case/other_seed",
    "solar_case/glm4_moe",
    "solar_case/solar_open",
]


def test_all_are_there(checkpoints: dict[str, Path]) -> None:
    """Every case is complete, and nothing else lies about."""
    assert sorted(checkpoints) == NAMES
    for folder in checkpoints.values():
        files = sorted(path.name for path in folder.iterdir())
        assert files == ["config.json", "model.safetensors", "tokenizer.json"]


def test_they_say_that_they_are_synthetic(checkpoints: dict[str, Path]) -> None:
    """No one can take a file for the weights of the family whose names it bears."""
    for folder in checkpoints.values():
        with safe_open(folder / "model.safetensors", "np") as file:
            metadata = file.metadata()
        assert metadata["format"] == "pt"
        assert metadata["synthetic"] == "true"
        assert "no weights of the model family" in metadata["note"]


def test_they_stay_small(checkpoints: dict[str, Path]) -> None:
    """All weights together have less than 20 MB."""
    assert sum((folder / "model.safetensors").stat().st_size for folder in checkpoints.values()) < 20_000_000


def test_configs_fit_the_tensors(checkpoints: dict[str, Path]) -> None:
    """A config's facts are those of the tensors beside it."""
    for folder in checkpoints.values():
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with safe_open(folder / "model.safetensors", "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
        _check_decoder(config.get("text_config", config), shapes)
        if "vision_config" in config:
            _check_vision(config["vision_config"], shapes)
        if "audio_config" in config:
            _check_audio(config["audio_config"], shapes)


def _check_decoder(config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    [stem] = {name.partition("model.embed_tokens")[0] for name in shapes if "embed_tokens" in name}
    stem += "model.layers."
    heads, groups, size = (config[f"{key}"] for key in ("num_attention_heads", "num_key_value_heads", "head_dim"))
    width = config["hidden_size"]
    assert {int(name.removeprefix(stem).split(".")[0]) for name in shapes if name.startswith(stem)} == set(
        range(config["num_hidden_layers"])
    )
    assert shapes[f"{stem}0.self_attn.q_proj.weight"] == (heads * size, width)
    assert shapes[f"{stem}0.self_attn.v_proj.weight"] == (groups * size, width)
    assert (f"{stem}0.self_attn.q_proj.bias" in shapes) == config["attention_bias"]
    assert (f"{stem}0.post_norm1.weight" in shapes) == config.get("use_post_norm", False)
    first_dense = config.get("first_k_dense_replace", config["num_hidden_layers"])
    for layer in range(config["num_hidden_layers"]):
        if layer < first_dense:
            assert shapes[f"{stem}{layer}.mlp.gate_proj.weight"] == (config["intermediate_size"], width)
        else:
            last = config["n_routed_experts"] - 1
            assert shapes[f"{stem}{layer}.mlp.experts.{last}.up_proj.weight"] == (
                config["moe_intermediate_size"],
                width,
            )
            assert shapes[f"{stem}{layer}.mlp.gate.e_score_correction_bias"] == (config["n_routed_experts"],)


def _check_vision(config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    [stem] = {name.partition("patch_embed")[0] for name in shapes if "patch_embed" in name}
    width, patch = config["hidden_size"], config["patch_size"]
    patches = (width, config["in_channels"], config["temporal_patch_size"], patch, patch)
    assert shapes[f"{stem}patch_embed.proj.weight"] == patches
    assert shapes[f"{stem}blocks.{config['depth'] - 1}.attn.qkv.weight"] == (3 * width, width)
    assert shapes[f"{stem}blocks.0.mlp.down_proj.weight"] == (width, config["intermediate_size"])
    assert f"{stem}blocks.{config['depth']}.norm1.weight" not in shapes


def _check_audio(config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    [stem] = {name.partition("conv1")[0] for name in shapes if "conv1.weight" in name}
    width = config["d_model"]
    assert shapes[f"{stem}conv1.weight"] == (width, config["num_mel_bins"], 3)
    assert shapes[f"{stem}embed_positions.weight"] == (config["max_source_positions"], width)
    assert shapes[f"{stem}layers.{config['encoder_layers'] - 1}.fc1.weight"] == (config["encoder_ffn_dim"], width)
    assert f"{stem}layers.{config['encoder_layers']}.fc1.weight" not in shapes
    assert f"{stem}layers.0.self_attn.k_proj.bias" not in shapes
