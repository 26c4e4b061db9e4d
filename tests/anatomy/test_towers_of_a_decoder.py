"""A decoder's config says nothing about the towers beside it."""

from __future__ import annotations

from independence_audit.anatomy import place
from independence_audit.checkpoint import TensorInfo


def block(prefix: str) -> list[TensorInfo]:
    """One block of a Qwen2.5-VL tower."""
    shapes = {
        "attn.qkv.weight": (384, 128),
        "attn.proj.weight": (128, 128),
        "norm1.weight": (128,),
        "norm2.weight": (128,),
        "mlp.gate_proj.weight": (192, 128),
        "mlp.up_proj.weight": (192, 128),
        "mlp.down_proj.weight": (128, 192),
    }
    return [TensorInfo(prefix + name, "F32", shape, "model.safetensors", 0, 0) for name, shape in shapes.items()]


def test_a_tower_deeper_than_the_decoder_has_no_further_prediction() -> None:
    """Layers behind the decoder's last are further prediction in a decoder only."""
    tower = [tensor for layer in range(3) for tensor in block(f"visual.blocks.{layer}.")]
    anatomy = place(tower, {"num_hidden_layers": 2, "text_config": {"num_hidden_layers": 2}})
    assert {part.layer for part in anatomy.parts} == {0, 1, 2}
    assert not [part.role for part in anatomy.parts if part.role.startswith("mtp.")]
