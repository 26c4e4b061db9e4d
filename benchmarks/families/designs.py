"""The families of the benchmark: small configs of the transformers package, and what their models are trained to do.

Names, shapes, blocks and initialisers are the package's own; nothing of a family's released weights is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VOCABULARY, SIDE, FRAMES, MEL_BINS = 1024, 16, 64, 40
"""Those of ``benchmarks.lineage.tokens`` and of the examples' images and sounds; a test holds them to these.

They are written down again because what those load would count in every audit's memory.
"""
WIDTH, DEPTH, UNITS, HEADS, CLASSES = 96, 4, 384, 4, 10
STEPS, RATE = 360, 3e-3


class Task(StrEnum):
    """What a model is trained to do."""

    TEXT = "text"
    """To predict the next token of Python's library."""
    HALVES = "halves of text"
    """To read one half of a window and to write the other."""
    SIGHT = "digits"
    """To name the digit of an image."""
    HEARING = "vowels"
    """To name the vowel of a spectrogram."""


@dataclass(frozen=True, slots=True)
class Design:
    """One config that several models are trained with.

    Attributes:
        name: What it is called here: the family.
        model_type: The package's name of its config.
        head: The package's class, blocks and head.
        settings: What the config says beside its defaults.
        task: What its models learn.
        steps: For how long they are trained.
        rate: The highest learning rate.
        readers: Last words of the names of modules whose rows are a block's units; empty where it has none by itself.
        writer: The same of the module whose columns they are.
    """

    name: str
    model_type: str
    head: str
    settings: Mapping[str, Any]
    task: Task = Task.TEXT
    steps: int = STEPS
    rate: float = RATE
    readers: tuple[str, ...] = ()
    writer: str = ""


TEXT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": UNITS,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
GROUPED: dict[str, Any] = {**TEXT, "num_key_value_heads": 2, "head_dim": WIDTH // HEADS}
EXPERTS: dict[str, Any] = {"num_local_experts": 4, "num_experts": 4, "num_experts_per_tok": 2}
TOWER: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": UNITS,
    "num_hidden_layers": DEPTH,
    "num_attention_heads": HEADS,
    "image_size": SIDE,
    "patch_size": 4,
    "num_channels": 3,
    "num_labels": CLASSES,
}
GATED: dict[str, Any] = {"readers": ("gate_proj", "up_proj"), "writer": "down_proj"}
PLAIN: dict[str, Any] = {"readers": ("fc1",), "writer": "fc2"}
SPREAD: dict[str, Any] = {"readers": ("dense_h_to_4h",), "writer": "dense_4h_to_h"}

DESIGNS = (
    Design("llama", "llama", "LlamaForCausalLM", GROUPED, **GATED),
    Design(
        "gpt-oss",
        "gpt_oss",
        "GptOssForCausalLM",
        {**GROUPED, **EXPERTS, "intermediate_size": UNITS // 2, "layer_types": ["full_attention"] * DEPTH},
        **GATED,
    ),
    Design("Gemma 3", "gemma3_text", "Gemma3ForCausalLM", {**GROUPED, "query_pre_attn_scalar": 24}, **GATED),
    Design(
        "Qwen3-Next",
        "qwen3_next",
        "Qwen3NextForCausalLM",
        {
            **GROUPED,
            **EXPERTS,
            "moe_intermediate_size": UNITS // 2,
            "shared_expert_intermediate_size": UNITS // 2,
            "linear_key_head_dim": 24,
            "linear_value_head_dim": 24,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
        },
        **GATED,
    ),
    Design("OLMo 2", "olmo2", "Olmo2ForCausalLM", {**TEXT, "num_key_value_heads": HEADS}, **GATED),
    Design("Cohere", "cohere", "CohereForCausalLM", {**TEXT, "num_key_value_heads": 2}, **GATED),
    Design("Phi", "phi", "PhiForCausalLM", TEXT, **PLAIN),
    Design("GPT-NeoX", "gpt_neox", "GPTNeoXForCausalLM", TEXT, **SPREAD),
    Design("Falcon", "falcon", "FalconForCausalLM", {**TEXT, "ffn_hidden_size": UNITS}, **SPREAD),
    Design("BLOOM", "bloom", "BloomForCausalLM", {**TEXT, "n_layer": DEPTH, "n_head": HEADS}, **SPREAD),
    Design("OPT", "opt", "OPTForCausalLM", {**TEXT, "ffn_dim": UNITS, "word_embed_proj_dim": WIDTH}, **PLAIN),
    Design(
        "T5",
        "t5",
        "T5ForConditionalGeneration",
        {
            "vocab_size": VOCABULARY,
            "d_model": WIDTH,
            "d_kv": WIDTH // HEADS,
            "d_ff": UNITS,
            "num_layers": DEPTH,
            "num_heads": HEADS,
            "feed_forward_proj": "gated-gelu",
            "dropout_rate": 0.0,
            "decoder_start_token_id": 0,
        },
        task=Task.HALVES,
        readers=("wi_0", "wi_1"),
        writer="wo",
    ),
    Design(
        "Mamba",
        "mamba",
        "MambaForCausalLM",
        {**TEXT, "state_size": 8, "time_step_rank": 6, "use_mambapy": False},
        steps=90,
    ),
    Design("ViT", "vit", "ViTForImageClassification", TOWER, task=Task.SIGHT, rate=1e-3, **PLAIN),
    Design(
        "SigLIP",
        "siglip",
        "SiglipForImageClassification",
        {"vision_config": TOWER, "num_labels": CLASSES},
        task=Task.SIGHT,
        rate=1e-3,
        **PLAIN,
    ),
    Design(
        "ConvNeXt",
        "convnext",
        "ConvNextForImageClassification",
        {
            "num_channels": 3,
            "image_size": SIDE,
            "patch_size": 2,
            "hidden_sizes": [48, WIDTH],
            "depths": [2, 4],
            "num_stages": 2,
            "num_labels": CLASSES,
            "layer_scale_init_value": 0.1,
        },
        task=Task.SIGHT,
        rate=1e-3,
        readers=("pwconv1",),
        writer="pwconv2",
    ),
    Design(
        "Whisper",
        "whisper",
        "WhisperForAudioClassification",
        {
            "d_model": WIDTH,
            "encoder_layers": DEPTH,
            "encoder_attention_heads": HEADS,
            "encoder_ffn_dim": UNITS,
            "decoder_layers": 1,
            "decoder_attention_heads": HEADS,
            "decoder_ffn_dim": UNITS,
            "num_mel_bins": MEL_BINS,
            "max_source_positions": FRAMES // 2,
            "vocab_size": VOCABULARY,
            "pad_token_id": 0,
            "num_labels": CLASSES,
        },
        task=Task.HEARING,
        rate=1e-3,
        **PLAIN,
    ),
)


def design(name: str) -> Design:
    """A design by its name."""
    return next(one for one in DESIGNS if one.name == name)
