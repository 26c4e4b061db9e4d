"""Tensor names of the families: from those of the trained modules to those of the releases."""

from __future__ import annotations

import torch
from torch import Tensor

Weights = dict[str, Tensor]

ROUTER_BIAS = ("e_score_correction_bias", "expert_bias")

_VAETKI = (
    (".post_attention_layernorm.", ".pre_mlp_layernorm."),
    (".post_norm1.", ".post_attention_layernorm."),
    (".post_norm2.", ".post_mlp_layernorm."),
)
_MOTIF = (
    ("model.embed_tokens.", "tok_embeddings."),
    ("lm_head.", "output."),
    ("model.norm.", "norm."),
    ("model.layers.", "layers."),
    (".input_layernorm.", ".attention_norm."),
    (".post_attention_layernorm.", ".ffn_norm."),
    (".self_attn.q_a_proj.", ".attention.wq_a."),
    (".self_attn.q_a_layernorm.", ".attention.q_norm."),
    (".self_attn.q_b_proj.", ".attention.wq_b."),
    (".self_attn.q_b_gate_proj.", ".attention.wq_b_gate."),
    (".self_attn.kv_a_proj_with_mqa.", ".attention.wkv_a."),
    (".self_attn.kv_a_layernorm.", ".attention.kv_norm."),
    (".self_attn.kv_b_proj.", ".attention.wkv_b."),
    (".self_attn.lambda_proj.", ".attention.lambda_proj."),
    (".self_attn.o_proj.", ".attention.wo."),
    (".mlp.gate.weight", ".moe.router.gate.weight"),
    (".mlp.gate.e_score_correction_bias", ".moe.router.expert_bias"),
    (".mlp.experts.", ".moe.experts."),
    (".mlp.shared_experts.", ".moe.shared_experts."),
    (".gate_proj.", ".w1."),
    (".up_proj.", ".w3."),
    (".down_proj.", ".w2."),
)


def released(family: str, weights: Weights) -> Weights:
    """A decoder's tensors as its family releases them: names, stacks, and how gains are stored."""
    if family == "exaone_moe":
        return _renamed(weights, ((".mlp.gate.e_score", ".mlp.e_score"),))
    if family == "axk1":
        return _renamed(weights, ((".post_norm2.", ".post_mlp_layernorm."),))
    if family == "vaetki":
        # Gains are stored as what they differ from one by.
        return {name: tensor - 1 if "norm" in name else tensor for name, tensor in _renamed(weights, _VAETKI).items()}
    if family == "motif":
        return _stacked(_renamed(weights, _MOTIF))
    return dict(weights)


def _renamed(weights: Weights, changes: tuple[tuple[str, str], ...]) -> Weights:
    result = {}
    for name, tensor in weights.items():
        for old, new in changes:
            name = name.replace(old, new)  # noqa: PLW2901
        result[name] = tensor
    return result


def _stacked(weights: Weights) -> Weights:
    """Experts one by one as one tensor [experts, rows, columns] for each layer and role."""
    stacks: dict[str, list[Tensor]] = {}
    result: Weights = {}
    for name, tensor in weights.items():
        stem, found, rest = name.partition(".experts.")
        if not found:
            result[name] = tensor
            continue
        role = rest.split(".")[1]
        stacks.setdefault(f"{stem}.experts.{role}", []).append(tensor)
    return result | {name: torch.stack(parts) for name, parts in stacks.items()}
