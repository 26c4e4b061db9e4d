"""A small llama as its checkpoint and as the GGUF file that llama.cpp's converter makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.checkpoint.gguf.gguf_files import Array, paired, write
from tests.cli.small_models import llama

HEADS, KEYS = 4, 4
NUMBERS = {
    "embedding_length": 128,
    "block_count": 2,
    "feed_forward_length": 192,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KEYS,
}
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
TOP |= {"lm_head.weight": "output.weight"}


def converted(weights: Mapping[str, Array], heads: int = HEADS, keys: int = KEYS) -> dict[str, Array]:
    """Tensors under their stored names, rows of q and k in pairs."""
    stored = {}
    for name, values in weights.items():
        if name in TOP:
            stored[TOP[name]] = values
            continue
        _, _, layer, rest = name.split(".", 3)
        told = paired(values, heads) if ".q_proj" in name else paired(values, keys) if ".k_proj" in name else values
        stored[f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"] = told
    return stored


def write_llama(path: Path, seed: int, kind: str = "", tokens: int = 0) -> Path:
    """The small model of a seed, its matrices in a type; as it is where none is given."""
    stored = {
        name: (values, kind) if kind and values.ndim > 1 else values
        for name, values in converted({name: np.asarray(values) for name, values in llama(seed).items()}).items()
    }
    return write(path, "llama", stored, NUMBERS, [f"token{number}" for number in range(tokens)])
