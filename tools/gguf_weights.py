"""Takes the weights of a GGUF file of a llama or qwen2 design back to Hugging Face's names, shapes and order of rows.

The values are what the quantised ones stand for, rounded to bfloat16, in which these models were released. llama.cpp
interleaves the rows of queries and keys of the llama design by rotary halves; they are put back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ARCHITECTURES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM"}
_LAYER = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def read_gguf(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """The tensors of a file, its ``config.json`` and its ``tokenizer.json``.

    Raises:
        KeyError: It is of another design.
    """
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    design = fields["general.architecture"]
    heads = {
        "attn_q": fields[f"{design}.attention.head_count"],
        "attn_k": fields[f"{design}.attention.head_count_kv"],
    }
    tensors = {}
    for one in reader.tensors:
        shape = tuple(int(size) for size in reversed(one.shape))
        values = dequantize(one.data, one.tensor_type).astype(np.float32).reshape(shape)
        block, _, inner = one.name.partition(".")
        if block == "blk":
            layer, role, kind = inner.split(".")
            name = f"model.layers.{layer}.{_LAYER[role]}.{kind}"
            if design == "llama" and role in heads:
                values = _halves(values, heads[role])
        else:
            name = _OUTSIDE[one.name]
        tensors[name] = torch.from_numpy(np.ascontiguousarray(values)).bfloat16()
    return tensors, _config(design, fields, "lm_head.weight" not in tensors), _tokenizer(fields)


def _halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows [heads x width, ...] whose rotary pairs are neighbours, with the pairs half a head apart."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _config(design: str, fields: dict[str, Any], tied: bool) -> dict[str, Any]:  # noqa: FBT001  a fact, not a switch
    return {
        "architectures": [ARCHITECTURES[design]],
        "model_type": design,
        "hidden_size": fields[f"{design}.embedding_length"],
        "intermediate_size": fields[f"{design}.feed_forward_length"],
        "num_hidden_layers": fields[f"{design}.block_count"],
        "num_attention_heads": fields[f"{design}.attention.head_count"],
        "num_key_value_heads": fields[f"{design}.attention.head_count_kv"],
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": tied,
        "rms_norm_eps": fields[f"{design}.attention.layer_norm_rms_epsilon"],
        "rope_theta": fields[f"{design}.rope.freq_base"],
        "torch_dtype": "bfloat16",
        "hidden_act": "silu",
    }


def _tokenizer(fields: dict[str, Any]) -> dict[str, Any]:
    vocabulary = {token: number for number, token in enumerate(fields["tokenizer.ggml.tokens"])}
    merges = list(fields.get("tokenizer.ggml.merges", []))
    return {"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary, "merges": merges}}
