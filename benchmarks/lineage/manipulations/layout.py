"""Manipulations of names and layout: nothing is computed, the values only lie elsewhere."""

from __future__ import annotations

import torch
from torch import Generator

from benchmarks.lineage.manipulations.model import Manipulation, Model, layer_of, renamed
from benchmarks.lineage.names import Weights

INTERNLM = (
    ("model.embed_tokens", "model.tok_embeddings"),
    ("self_attn.q_proj", "attention.wq"),
    ("self_attn.k_proj", "attention.wk"),
    ("self_attn.v_proj", "attention.wv"),
    ("self_attn.o_proj", "attention.wo"),
    ("mlp.gate_proj", "feed_forward.w1"),
    ("mlp.up_proj", "feed_forward.w3"),
    ("mlp.down_proj", "feed_forward.w2"),
    ("input_layernorm", "attention_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("lm_head", "output"),
    ("model.", ""),
)


def under_other_names(model: Model, _: Generator) -> Model:
    """A llama under the names of Meta's own releases."""

    def change(name: str) -> str:
        for old, new in INTERNLM:
            name = name.replace(old, new)
        return name

    return renamed(model, change)


def with_two_norms_renamed(model: Model, _: Generator) -> Model:
    """Both norms of a layer under other names, as Yi had them."""
    return renamed(
        model,
        lambda name: name.replace("input_layernorm", "ln1").replace("post_attention_layernorm", "ln2"),
    )


def prefixed(prefix: str) -> Manipulation:
    """Something before every name."""

    def apply(model: Model, _: Generator) -> Model:
        return renamed(model, lambda name: prefix + name)

    return apply


def fused(model: Model, _: Generator) -> Model:
    """q, k and v as one tensor, gate and up as one (phi3's layout)."""
    weights: Weights = {}
    for name, tensor in model.weights.items():
        if name.endswith("q_proj.weight"):
            parts = [model.weights[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            weights[name.replace("q_proj", "qkv_proj")] = torch.cat(parts)
        elif name.endswith("mlp.gate_proj.weight"):
            weights[name.replace("gate_proj", "gate_up_proj")] = torch.cat(
                [tensor, model.weights[name.replace("gate_proj", "up_proj")]]
            )
        elif not name.endswith(("k_proj.weight", "v_proj.weight", "mlp.up_proj.weight")):
            weights[name] = tensor
    return model.changed(weights, model_type="phi3")


def split(model: Model, _: Generator) -> Model:
    """A tower's fused q, k and v as three tensors (Qwen2.5-Omni's layout)."""
    weights: Weights = {}
    for name, tensor in model.weights.items():
        if ".attn.qkv." not in name:
            weights[name] = tensor
            continue
        for part, rows in zip("qkv", tensor.chunk(3), strict=True):
            weights[name.replace(".qkv.", f".{part}.")] = rows.contiguous()
    return model.changed(weights)


def transposed(model: Model, _: Generator) -> Model:
    """Every projection stored the other way round, [in, out]."""
    return model.changed(
        {
            name: tensor.T.contiguous() if tensor.ndim == 2 and "_proj" in name else tensor
            for name, tensor in model.weights.items()
        }
    )


def nameless(model: Model, generator: Generator) -> Model:
    """Every projection stored the other way round, all under names that say nothing but a layer's number."""
    names: dict[str, str] = {}
    for name in transposed(model, generator).weights:
        layer = layer_of(name)
        names[name] = f"blocks.{layer}.t{len(names):03d}" if layer is not None else f"t{len(names):03d}"
    return renamed(transposed(model, generator), names.__getitem__)


def inside(host: Model, old: str, new: str) -> Manipulation:
    """A tower within a larger model: beside a host's own tensors, under another prefix."""

    def apply(model: Model, _: Generator) -> Model:
        moved = {name.replace(old, new, 1): tensor for name, tensor in model.weights.items()}
        return Model({**host.weights, **moved}, {**host.facts, **model.facts, "model_type": "vlm"}, host.tokenizer)

    return apply


def part(count: int) -> Manipulation:
    """The first layers of a tower only, and what stands before them."""

    def apply(model: Model, _: Generator) -> Model:
        weights = {name: tensor for name, tensor in model.weights.items() if (layer_of(name) or 0) < count}
        return model.changed(weights)

    return apply
