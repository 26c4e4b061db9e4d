"""Running a checkpoint on text: what activation-based methods need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.lineage.bases import DENSE
from benchmarks.lineage.manipulations.model import Model, depth
from benchmarks.lineage.tokens import SOURCES, tokens
from examples.training.decoder import Decoder, DecoderConfig
from examples.training.layers import GatedMLP

TOKENS, WINDOWS = 96, 10
"""Tokens a window and windows: about a thousand activations a unit, twice as many as there are units."""

Activations = dict[str, tuple[Tensor, Tensor]]
"""By module: of gate and of up, [units, tokens]."""


def activations(subject: Model, reference: Model) -> tuple[Activations, Activations]:
    """Activations of both models' gated MLPs on one text; empty where one does not run, or they share no tokens."""
    if subject.tokenizer is None or reference.tokenizer is None:
        return {}, {}
    mine, theirs = (model.tokenizer["model"]["vocab"] for model in (subject, reference) if model.tokenizer)
    spelled = {i: token for token, i in tokens().tokenizer["model"]["vocab"].items()}
    text = [spelled[i] for i in tokens().texts[SOURCES][: 3 * TOKENS * WINDOWS].tolist()]
    shared = [token for token in text if token in mine and token in theirs][: TOKENS * WINDOWS]
    if len(shared) < TOKENS * WINDOWS:
        return {}, {}
    return _run(subject, [mine[token] for token in shared]), _run(reference, [theirs[token] for token in shared])


@torch.no_grad()
def _run(model: Model, ids: list[int]) -> Activations:
    config = shape(model)
    if config is None:
        return {}
    decoder = Decoder(config).eval()
    try:
        decoder.load_state_dict(model.weights)
    except RuntimeError:  # other names or shapes: no model that these modules can run
        return {}
    found: Activations = {}
    handles = []
    for name, module in decoder.named_modules():
        if isinstance(module, GatedMLP) and ".experts." not in name:
            handles.append(module.register_forward_pre_hook(_keeper(found, name)))
    decoder(decoder.model.embed_tokens(torch.tensor(ids).reshape(WINDOWS, TOKENS)))
    for handle in handles:
        handle.remove()
    return found


def _keeper(found: Activations, name: str) -> Callable[[Any, Any], None]:
    def keep(module: Any, inputs: Any) -> None:  # noqa: ANN401 - torch's hooks are untyped
        hidden = inputs[0].flatten(0, 1)
        found[name] = (module.gate_proj(hidden).T, module.up_proj(hidden).T)

    return keep


def shape(model: Model) -> DecoderConfig | None:
    """The shape of a llama-like decoder, dense or with experts, read off its tensors; None for anything else."""
    weights, facts = model.weights, model.facts
    embed = weights.get("model.embed_tokens.weight")
    if embed is None or "head_dim" not in facts or "model.layers.0.self_attn.q_proj.weight" not in weights:
        return None
    gates = [name for name in weights if name.endswith("mlp.gate_proj.weight")]
    experts = [name for name in weights if ".experts.0.gate_proj.weight" in name]
    return replace(
        DENSE,
        layers=depth(weights),
        width=embed.shape[1],
        vocabulary=embed.shape[0],
        units=len(weights[gates[0]]) if gates else 1,
        dense_layers=len(gates) if experts else None,
        experts=facts.get("n_routed_experts", 1),
        expert_units=len(weights[experts[0]]) if experts else 1,
        attention_bias="model.layers.0.self_attn.q_proj.bias" in weights,
        query_key_norm="model.layers.0.self_attn.q_norm.weight" in weights,
        post_norm="model.layers.0.post_norm1.weight" in weights,
        heads=facts["num_attention_heads"],
        key_value_heads=facts["num_key_value_heads"],
        head_size=facts["head_dim"],
    )
