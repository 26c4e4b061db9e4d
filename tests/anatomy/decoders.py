"""Shapes of small checkpoints written by hand: decoders in several layouts, towers, and the names they bear."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN, MLP, VOCABULARY, QUERY, KEY = 48, 80, 130, 60, 20
EXPERTS, EXPERT_MLP = 3, 36

Shapes = dict[str, tuple[int, ...]]


def prefixed(prefix: str, shapes: Shapes) -> Shapes:
    """The shapes with something before every name."""
    return {prefix + name: shape for name, shape in shapes.items()}


def renamed(shapes: Shapes, *changes: tuple[str, str]) -> Shapes:
    """The shapes with parts of their names replaced."""
    found = {}
    for name, shape in shapes.items():
        for old, new in changes:
            name = name.replace(old, new)  # noqa: PLW2901
        found[name] = shape
    return found


def llama(layers: Iterable[int] = (0, 1)) -> Shapes:
    """A llama without a prefix or a head."""
    shapes: Shapes = {"embed_tokens.weight": (VOCABULARY, HIDDEN), "norm.weight": (HIDDEN,)}
    for layer in layers:
        shapes |= prefixed(f"layers.{layer}.", {**attention(), **dense(), **norms()})
    return shapes


def attention() -> Shapes:
    """One layer's attention with fewer keys than queries."""
    return {
        "self_attn.q_proj.weight": (QUERY, HIDDEN),
        "self_attn.k_proj.weight": (KEY, HIDDEN),
        "self_attn.v_proj.weight": (KEY, HIDDEN),
        "self_attn.o_proj.weight": (HIDDEN, QUERY),
    }


def latent_attention() -> Shapes:
    """One layer's multi-head latent attention."""
    return {
        "self_attn.q_a_proj.weight": (24, HIDDEN),
        "self_attn.q_a_layernorm.weight": (24,),
        "self_attn.q_b_proj.weight": (QUERY, 24),
        "self_attn.kv_a_proj_with_mqa.weight": (22, HIDDEN),
        "self_attn.kv_a_layernorm.weight": (16,),
        "self_attn.kv_b_proj.weight": (64, 16),
        "self_attn.o_proj.weight": (HIDDEN, 32),
    }


def dense() -> Shapes:
    """One layer's gated MLP."""
    return {
        "mlp.gate_proj.weight": (MLP, HIDDEN),
        "mlp.up_proj.weight": (MLP, HIDDEN),
        "mlp.down_proj.weight": (HIDDEN, MLP),
    }


def experts() -> Shapes:
    """One layer's mixture of experts, one by one."""
    shapes: Shapes = {"mlp.gate.weight": (EXPERTS, HIDDEN)}
    for expert in range(EXPERTS):
        shapes[f"mlp.experts.{expert}.gate_proj.weight"] = (EXPERT_MLP, HIDDEN)
        shapes[f"mlp.experts.{expert}.up_proj.weight"] = (EXPERT_MLP, HIDDEN)
        shapes[f"mlp.experts.{expert}.down_proj.weight"] = (HIDDEN, EXPERT_MLP)
    return shapes


def norms() -> Shapes:
    """The two norms of a pre-norm layer."""
    return {"input_layernorm.weight": (HIDDEN,), "post_attention_layernorm.weight": (HIDDEN,)}


def qwen_vision() -> Shapes:
    """Qwen2.5-VL's vision tower of two blocks, merger included."""
    shapes: Shapes = {
        "patch_embed.proj.weight": (HIDDEN, 3, 2, 14, 14),
        "merger.ln_q.weight": (HIDDEN,),
        "merger.mlp.0.weight": (4 * HIDDEN, 4 * HIDDEN),
        "merger.mlp.0.bias": (4 * HIDDEN,),
        "merger.mlp.2.weight": (72, 4 * HIDDEN),
        "merger.mlp.2.bias": (72,),
    }
    for layer in range(2):
        block: Shapes = {
            "norm1.weight": (HIDDEN,),
            "norm2.weight": (HIDDEN,),
            "attn.qkv.weight": (3 * HIDDEN, HIDDEN),
            "attn.qkv.bias": (3 * HIDDEN,),
            "attn.proj.weight": (HIDDEN, HIDDEN),
            "attn.proj.bias": (HIDDEN,),
        }
        for role, shape in (("gate", (MLP, HIDDEN)), ("up", (MLP, HIDDEN)), ("down", (HIDDEN, MLP))):
            block[f"mlp.{role}_proj.weight"] = shape
            block[f"mlp.{role}_proj.bias"] = shape[:1]
        shapes |= prefixed(f"blocks.{layer}.", block)
    return shapes


def whisper() -> Shapes:
    """Whisper's encoder of two layers."""
    shapes: Shapes = {
        "conv1.weight": (HIDDEN, 16, 3),
        "conv1.bias": (HIDDEN,),
        "conv2.weight": (HIDDEN, HIDDEN, 3),
        "conv2.bias": (HIDDEN,),
        "embed_positions.weight": (34, HIDDEN),
        "layer_norm.weight": (HIDDEN,),
        "layer_norm.bias": (HIDDEN,),
    }
    for layer in range(2):
        block: Shapes = {"fc1.weight": (MLP, HIDDEN), "fc1.bias": (MLP,)}
        block |= {"fc2.weight": (HIDDEN, MLP), "fc2.bias": (HIDDEN,)}
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            block[f"self_attn.{name}.weight"] = (HIDDEN, HIDDEN)
            if name != "k_proj":
                block[f"self_attn.{name}.bias"] = (HIDDEN,)
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            block |= {f"{name}.weight": (HIDDEN,), f"{name}.bias": (HIDDEN,)}
        shapes |= prefixed(f"layers.{layer}.", block)
    return shapes


def vaetki() -> Shapes:
    """VAETKI: latent attention, and norms before and behind both halves of a layer."""
    shapes: Shapes = {"embed_tokens.weight": (VOCABULARY, HIDDEN), "norm.weight": (HIDDEN,)}
    behind: Shapes = {"pre_mlp_layernorm.weight": (HIDDEN,), "post_mlp_layernorm.weight": (HIDDEN,)}
    shared = renamed(dense(), ("mlp.", "mlp.shared_experts."))
    shapes |= prefixed("layers.0.", {**latent_attention(), **dense(), **norms(), **behind})
    shapes |= prefixed("layers.1.", {**latent_attention(), **experts(), **shared, **norms(), **behind})
    return shapes


def motif() -> Shapes:
    """Motif's mixture of experts: latent attention under short names, stacked experts."""
    block: Shapes = {
        "attention_norm.weight": (HIDDEN,),
        "ffn_norm.weight": (HIDDEN,),
        "attention.wq_a.weight": (24, HIDDEN),
        "attention.q_norm.weight": (24,),
        "attention.wq_b.weight": (QUERY, 24),
        "attention.wq_b_gate.weight": (32, 24),
        "attention.wkv_a.weight": (22, HIDDEN),
        "attention.kv_norm.weight": (16,),
        "attention.wkv_b.weight": (64, 16),
        "attention.lambda_proj.weight": (6, HIDDEN),
        "attention.wo.weight": (HIDDEN, 32),
        "moe.router.gate.weight": (EXPERTS, HIDDEN),
        "moe.experts.w1": (EXPERTS, EXPERT_MLP, HIDDEN),
        "moe.experts.w3": (EXPERTS, EXPERT_MLP, HIDDEN),
        "moe.experts.w2": (EXPERTS, HIDDEN, EXPERT_MLP),
        "moe.shared_experts.w1.weight": (MLP, HIDDEN),
        "moe.shared_experts.w3.weight": (MLP, HIDDEN),
        "moe.shared_experts.w2.weight": (HIDDEN, MLP),
    }
    ends: Shapes = {"tok_embeddings.weight": (VOCABULARY, HIDDEN), "norm.weight": (HIDDEN,)}
    return {**ends, "output.weight": (VOCABULARY, HIDDEN), **prefixed("layers.0.", block)}
