"""The ``config.json`` of the example checkpoints: architecture facts in transformers' spelling."""

from __future__ import annotations

from typing import Any

from . import audio, decoder, digits, latent, moe, vision, vowels
from .decoder import DecoderConfig
from .optimisation import INITIAL_SPREAD


def decoder_config(model_type: str, architecture: str, config: DecoderConfig) -> dict[str, Any]:
    """Facts of a decoder."""
    facts: dict[str, Any] = {
        "architectures": [architecture],
        "model_type": model_type,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_value_heads,
        "head_dim": config.head_size,
        "vocab_size": config.vocabulary,
        "attention_bias": config.attention_bias,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "initializer_range": INITIAL_SPREAD,
        "tie_word_embeddings": False,
    }
    if config.dense_layers != 0:
        facts["intermediate_size"] = config.units
    if config.post_norm:
        facts["use_post_norm"] = True
    if config.dense_layers is not None:
        facts |= {
            "first_k_dense_replace": config.dense_layers,
            "moe_intermediate_size": config.expert_units,
            "n_routed_experts": config.experts,
            "n_shared_experts": 1,
            "num_experts_per_tok": moe.CHOSEN,
            "norm_topk_prob": True,
            "routed_scaling_factor": 1.0,
            "partial_rotary_factor": 1.0,
        }
    if config.latent:
        facts |= {
            "num_key_value_heads": config.heads,
            "q_lora_rank": latent.QUERY_RANK,
            "kv_lora_rank": latent.KEY_VALUE_RANK,
            "qk_nope_head_dim": latent.PLAIN_SIZE,
            "qk_rope_head_dim": latent.ROPE_SIZE,
            "v_head_dim": latent.PLAIN_SIZE,
        }
    return facts


def vision_config(depth: int = vision.DEPTH, units: int = vision.UNITS) -> dict[str, Any]:
    """Facts of a vision tower."""
    return {
        "model_type": "qwen2_5_vl",
        "hidden_size": vision.HIDDEN,
        "depth": depth,
        "num_heads": vision.HEADS,
        "intermediate_size": units,
        "patch_size": vision.PATCH,
        "spatial_merge_size": vision.MERGE,
        "temporal_patch_size": digits.FRAMES,
        "in_channels": 3,
        "out_hidden_size": decoder.HIDDEN,
        "hidden_act": "silu",
    }


def audio_config(depth: int = audio.DEPTH, units: int = audio.UNITS) -> dict[str, Any]:
    """Facts of an audio tower."""
    return {
        "model_type": "qwen2_audio_encoder",
        "d_model": audio.HIDDEN,
        "encoder_layers": depth,
        "encoder_attention_heads": audio.HEADS,
        "encoder_ffn_dim": units,
        "num_mel_bins": vowels.MEL_BINS,
        "max_source_positions": audio.POSITIONS,
        "activation_function": "gelu",
    }
