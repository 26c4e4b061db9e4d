"""Checkpoints of real models' shapes without a byte of weights: what a plan costs can be told from headers alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from independence_audit.anatomy import Anatomy, place
from independence_audit.checkpoint import Checkpoint, TensorInfo
from tests.checkpoint.memory_source import MemorySource

SHARD = 4 << 30
"""Bytes of a shard, about: as published checkpoints are cut."""


def qwen2_5_7b() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Tensors of Qwen2.5-7B."""
    width, mlp, kv = 3584, 18944, 512
    yield "model.embed_tokens.weight", (152064, width)
    for layer in range(28):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (width,)
        yield at + "mlp.down_proj.weight", (width, mlp)
        yield at + "mlp.gate_proj.weight", (mlp, width)
        yield at + "mlp.up_proj.weight", (mlp, width)
        yield at + "post_attention_layernorm.weight", (width,)
        for role, rows in (("k", kv), ("q", width), ("v", kv)):
            yield f"{at}self_attn.{role}_proj.bias", (rows,)
            yield f"{at}self_attn.{role}_proj.weight", (rows, width)
        yield at + "self_attn.o_proj.weight", (width, width)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (152064, width)


def glm_4_5_air() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Tensors of GLM-4.5-Air: 106 billion parameters, 128 experts in each of 45 layers; the 47th predicts ahead."""
    width, mlp, expert, experts = 4096, 10944, 1408, 128
    yield "model.embed_tokens.weight", (151552, width)
    for layer in range(47):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", (width,)
        if layer == 0:
            yield from _gated(at + "mlp.", mlp, width)
        else:
            for number in range(experts):
                yield from _gated(f"{at}mlp.experts.{number}.", expert, width)
            yield at + "mlp.gate.weight", (experts, width)
            yield at + "mlp.gate.e_score_correction_bias", (experts,)
            yield from _gated(at + "mlp.shared_experts.", expert, width)
        yield at + "post_attention_layernorm.weight", (width,)
        for role, rows in (("k", 1024), ("q", 12288), ("v", 1024)):
            yield f"{at}self_attn.{role}_proj.bias", (rows,)
            yield f"{at}self_attn.{role}_proj.weight", (rows, width)
        yield at + "self_attn.o_proj.weight", (width, 12288)
    at = "model.layers.46."
    yield at + "eh_proj.weight", (width, 2 * width)
    for name in ("enorm", "hnorm", "shared_head.norm"):
        yield f"{at}{name}.weight", (width,)
    yield "model.norm.weight", (width,)
    yield "lm_head.weight", (151552, width)


def _gated(at: str, units: int, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield at + "down_proj.weight", (width, units)
    yield at + "gate_proj.weight", (units, width)
    yield at + "up_proj.weight", (units, width)


def without_weights(
    shapes: Iterator[tuple[str, tuple[int, ...]]], config: Mapping[str, object]
) -> tuple[Checkpoint, Anatomy]:
    """A checkpoint in bfloat16 far away, whose shards are named but empty, and its anatomy."""
    tensors: dict[str, TensorInfo] = {}
    sizes = {"shard-0": 0}
    for name, shape in shapes:
        size = 2 * prod(shape)
        if sizes[f"shard-{len(sizes) - 1}"] + size > SHARD:
            sizes[f"shard-{len(sizes)}"] = 0
        file = f"shard-{len(sizes) - 1}"
        tensors[name] = TensorInfo(name, "BF16", shape, file, sizes[file], sizes[file] + size)
        sizes[file] += size
    checkpoint = Checkpoint(MemorySource({}, "real shapes", near=False), sizes, tensors, {}, config)
    return checkpoint, place(list(tensors.values()), config)


QWEN = {"model_type": "qwen2", "num_attention_heads": 28, "num_key_value_heads": 4, "hidden_size": 3584}
GLM = {
    "model_type": "glm4_moe",
    "num_attention_heads": 96,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "hidden_size": 4096,
    "num_hidden_layers": 46,
    "num_nextn_predict_layers": 1,
}
