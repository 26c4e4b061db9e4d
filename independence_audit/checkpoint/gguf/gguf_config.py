"""The config that a GGUF file's metadata stands for, in the words of ``config.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from independence_audit.checkpoint.gguf.gguf_header import GgufTensor, Skipped, Value
from independence_audit.checkpoint.gguf.gguf_names import ARCHITECTURE, architecture

TOKENS = "tokenizer.ggml.tokens"
TOWERS = "clip"
"""The architecture of a file of towers."""

_NUMBERS = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "layer_norm_eps": "attention.layer_norm_epsilon",
    "rope_theta": "rope.freq_base",
    "sliding_window": "attention.sliding_window",
    "num_experts": "expert_count",
    "num_experts_per_tok": "expert_used_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "num_nextn_predict_layers": "nextn_predict_layers",
    "vocab_size": "vocab_size",
}
"""Keys of a config, and the keys of metadata that say the same."""


def config_of(metadata: Mapping[str, Value], tensors: Sequence[GgufTensor]) -> dict[str, Any]:
    """The config; empty where the metadata names no architecture."""
    called = metadata.get(ARCHITECTURE)
    if not isinstance(called, str):
        return {}
    if called == TOWERS:
        return {"vision_config": _numbers(metadata, "clip.vision"), "audio_config": _numbers(metadata, "clip.audio")}
    known = architecture(called)
    config: dict[str, Any] = {"model_type": known.model_type if known else called, **_numbers(metadata, called)}
    tokens = metadata.get(TOKENS)
    if isinstance(tokens, Skipped):
        config.setdefault("vocab_size", tokens.count)
    if "num_nextn_predict_layers" in config and "num_hidden_layers" in config:
        config["num_hidden_layers"] -= config["num_nextn_predict_layers"]  # the format counts both together
    config["tie_word_embeddings"] = all(tensor.name != "output.weight" for tensor in tensors)
    return config


def _numbers(metadata: Mapping[str, Value], called: str) -> dict[str, Any]:
    found = {key: metadata.get(f"{called}.{own}") for key, own in _NUMBERS.items()}
    return {
        key: value for key, value in found.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }
