"""Fused, split, stacked, interleaved and transposed forms of one layer give the same values in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from independence_audit.anatomy import Axis, place
from independence_audit.anatomy.parts import Orientation, orientation
from independence_audit.anatomy.recognise import recognise
from tests.anatomy import decoders
from tests.anatomy.decoders import EXPERT_MLP, EXPERTS, HIDDEN, KEY, QUERY, prefixed
from tests.anatomy.gather import (
    Array,
    assert_every_value_once,
    by_role,
    gather,
    numbered,
    place_arrays,
    tensor,
    values_by_place,
)

ATTENTION = "layers.{}.self_attn."
MLP = "layers.{}.mlp."


def assert_same_places(
    plain: Mapping[str, Array], other: Mapping[str, Array], config: Mapping[str, Any] | None = None
) -> None:
    """Check that two layouts of one model have the same values in the same places."""
    anatomy = place_arrays(other, config)
    assert_every_value_once({name: array.shape for name, array in other.items()}, anatomy)
    expected, found = values_by_place(plain, place_arrays(plain)), values_by_place(other, anatomy)
    assert expected.keys() == found.keys()
    for where, values in expected.items():
        assert np.array_equal(values, found[where]), where


def without(arrays: Mapping[str, Array], *words: str) -> dict[str, Array]:
    """The arrays whose names hold none of these words."""
    return {name: array for name, array in arrays.items() if not any(word in name for word in words)}


@pytest.fixture
def llama() -> dict[str, Array]:
    """A decoder of two layers in which no value occurs twice."""
    return numbered(decoders.llama())


@pytest.fixture
def moe() -> dict[str, Array]:
    """A decoder of two layers with experts."""
    shapes = {**decoders.attention(), **decoders.experts(), **decoders.norms()}
    ends = {"embed_tokens.weight": (decoders.VOCABULARY, HIDDEN), "norm.weight": (HIDDEN,)}
    return numbered({**ends, **prefixed("layers.0.", shapes), **prefixed("layers.1.", shapes)})


def test_fused_attention_is_cut_by_its_output_matrix(llama: dict[str, Array]) -> None:
    """q, k and v one behind the other are told apart without a config, whatever the number of keys."""
    fused = without(llama, "q_proj", "k_proj", "v_proj")
    for layer in (0, 1):
        rows = [llama[f"{ATTENTION}{name}_proj.weight".format(layer)] for name in "qkv"]
        fused[f"{ATTENTION}qkv_proj.weight".format(layer)] = np.concatenate(rows)
    assert_same_places(llama, fused)


def test_fused_attention_is_cut_by_the_config_where_the_output_is_lost(llama: dict[str, Array]) -> None:
    """Without an output matrix of its own a layer's fused attention is cut as the config says."""
    fused = without(llama, "q_proj", "k_proj", "v_proj", "o_proj")
    for layer in (0, 1):
        rows = [llama[f"{ATTENTION}{name}_proj.weight".format(layer)] for name in "qkv"]
        fused[f"{ATTENTION}qkv_proj.weight".format(layer)] = np.concatenate(rows)
    config = {"text_config": {"num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 10}}
    assert_same_places(without(llama, "o_proj"), fused, config)


def test_fused_gate_and_up_are_halves(llama: dict[str, Array]) -> None:
    """gate and up one behind the other are two roles."""
    fused = without(llama, "gate_proj", "up_proj")
    for layer in (0, 1):
        rows = [llama[f"{MLP}{name}_proj.weight".format(layer)] for name in ("gate", "up")]
        fused[f"{MLP}gate_up_proj.weight".format(layer)] = np.concatenate(rows)
    assert_same_places(llama, fused)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("alternating", [False, True])
def test_stacked_experts(moe: dict[str, Array], transposed: bool, alternating: bool) -> None:  # noqa: FBT001
    """Stacks of experts equal experts one by one, either way round, gate and up behind each other or in turn."""
    stacked = without(moe, ".experts.")
    for layer in (0, 1):
        place = f"layers.{layer}.mlp.experts."
        gate, up, down = (
            np.stack([moe[f"{place}{expert}.{name}_proj.weight"] for expert in range(EXPERTS)])
            for name in ("gate", "up", "down")
        )
        both = np.stack([gate, up], axis=2).reshape(EXPERTS, -1, HIDDEN) if alternating else np.hstack([gate, up])
        turn = (0, 2, 1) if transposed else (0, 1, 2)
        stacked[f"{place}gate_up_proj"] = both.transpose(turn)
        stacked[f"{place}down_proj"] = down.transpose(turn)
        if alternating:  # what tells gpt-oss from others
            stacked[f"layers.{layer}.self_attn.sinks"] = moe[f"layers.{layer}.sinks"] = np.arange(6) - 10 * layer - 10
    plain = {name.replace(".sinks", ".self_attn.sinks"): array for name, array in moe.items()}
    assert_same_places(plain, stacked)


def test_square_stacks_follow_the_others() -> None:
    """gpt-oss-20b's down stacks are as wide as the model; its gate_up stacks tell that they are transposed."""
    shapes = {**decoders.attention(), **decoders.norms(), "mlp.router.weight": (EXPERTS, HIDDEN)}
    shapes |= {"self_attn.sinks": (6,), "mlp.experts.gate_up_proj": (EXPERTS, HIDDEN, 2 * HIDDEN)}
    arrays = numbered(prefixed("layers.0.", {**shapes, "mlp.experts.down_proj": (EXPERTS, HIDDEN, HIDDEN)}))
    for part in place_arrays(arrays).parts:
        if part.role == "expert.down":
            found = gather(arrays[part.tensor], part.view)
            assert np.array_equal(found, arrays[part.tensor][part.expert].T)


def test_interleaved_groups_of_heads() -> None:
    """InternLM 2 stores the queries of a group, its key and its value behind each other."""
    plain = numbered(decoders.llama())
    config = {"num_attention_heads": 6, "num_key_value_heads": 2}
    grouped = {}
    names = {"embed_tokens": "tok_embeddings", "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1"}
    names |= {"mlp.up_proj": "feed_forward.w3", "mlp.down_proj": "feed_forward.w2"}
    names |= {"input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm"}
    for name, array in without(plain, "q_proj", "k_proj", "v_proj").items():
        for old, new in names.items():
            name = name.replace(old, new)  # noqa: PLW2901
        grouped[name] = array
    for layer in (0, 1):
        queries = plain[f"{ATTENTION}q_proj.weight".format(layer)].reshape(2, 3, 10, HIDDEN)
        keys, values = (
            plain[f"{ATTENTION}{name}_proj.weight".format(layer)].reshape(2, 1, 10, HIDDEN) for name in "kv"
        )
        grouped[f"layers.{layer}.attention.wqkv.weight"] = np.hstack([queries, keys, values]).reshape(-1, HIDDEN)
    assert_same_places(plain, grouped, config)


@pytest.mark.parametrize("name", ["llama", "moe"])
def test_a_transposed_checkpoint(name: str, request: pytest.FixtureRequest) -> None:
    """A checkpoint that stores every matrix the other way round has the same values in the same places."""
    plain = request.getfixturevalue(name)
    assert_same_places(plain, {key: array.T for key, array in plain.items()})


def test_square_matrices_follow_the_majority() -> None:
    """A square matrix in a transposed checkpoint is taken for transposed, one in a plain checkpoint for plain."""
    shapes = {**decoders.llama((0,)), "layers.0.self_attn.q_proj.weight": (HIDDEN, HIDDEN)}
    shapes["layers.0.self_attn.o_proj.weight"] = (HIDDEN, HIDDEN)
    plain = numbered(shapes)
    assert_same_places(plain, {key: array.T for key, array in plain.items()})


def test_convolutions_put_exchangeable_channels_in_columns() -> None:
    """The first kernel is seen from its outputs, the second from its inputs, taps as rows."""
    arrays = numbered(decoders.whisper())
    parts = {part.role: part for part in place_arrays(arrays).parts if part.layer is None}
    first, second = arrays["conv1.weight"], arrays["conv2.weight"]
    assert np.array_equal(gather(first, parts["conv1"].view), first.reshape(HIDDEN, -1).T)
    assert parts["conv1"].view.rows == (16, 3)
    assert np.array_equal(gather(second, parts["conv2"].view), second.transpose(0, 2, 1).reshape(-1, HIDDEN))
    assert (parts["conv1"].axis, parts["conv2"].axis) == (Axis.CHANNEL, Axis.CHANNEL)
    assert (parts["position"].axis, parts["position"].reason) == (Axis.NONE, "sinusoid")


def test_patches_put_the_residual_width_in_columns() -> None:
    """Pixels, colours and frames are rows, whether the patch embedding is a kernel or a matrix."""
    arrays = numbered(decoders.qwen_vision())
    kernel = arrays["patch_embed.proj.weight"]
    flat = {**arrays, "patch_embed.proj.weight": kernel.reshape(HIDDEN, -1)}
    for stored in (arrays, flat):
        part = next(part for part in place_arrays(stored).parts if part.role == "patch")
        assert part.axis is Axis.RESIDUAL
        assert np.array_equal(gather(stored[part.tensor], part.view), kernel.reshape(HIDDEN, -1).T)


def test_a_kernel_of_one_tap_is_a_matrix() -> None:
    """A projection that is stored as a convolution of one tap has a matrix's view."""
    plain = numbered(decoders.llama((0,)))
    kernels = {name: array[..., None, None] if array.ndim > 1 else array for name, array in plain.items()}
    kernels["embed_tokens.weight"] = plain["embed_tokens.weight"]
    assert_same_places(plain, kernels)


def test_axes_of_a_decoder() -> None:
    """Every role's columns run along the axis of METHOD's table, and its view has as many columns."""
    shapes = {**decoders.llama((0,)), "lm_head.weight": (decoders.VOCABULARY, HIDDEN)}
    shapes |= {f"layers.0.self_attn.{name}_proj.bias": (size,) for name, size in (("q", QUERY), ("k", KEY), ("v", KEY))}
    shapes |= {"layers.0.self_attn.o_proj.bias": (HIDDEN,), "layers.0.mlp.up_proj.bias": (decoders.MLP,)}
    shapes |= {"layers.0.self_attn.q_norm.weight": (10,), "lm_head.bias": (decoders.VOCABULARY,)}
    shapes |= {"rotary_emb.inv_freq": (5,)}
    found = {
        role: (part.axis.value, part.view.columns, part.reason)
        for role, part in by_role(place_arrays(numbered(shapes))).items()
    }
    residual = ("residual", HIDDEN, "")
    assert found == {
        **dict.fromkeys(("embed", "head", "q", "k", "v", "gate", "up", "o.bias"), residual),
        **dict.fromkeys(("attn_norm", "mlp_norm", "final_norm"), residual),
        "o": ("attention", QUERY, ""),
        "v.bias": ("attention", KEY, ""),
        "down": ("mlp", decoders.MLP, ""),
        "up.bias": ("mlp", decoders.MLP, ""),
        "q.bias": ("none", QUERY, "rope_rows"),
        "k.bias": ("none", KEY, "rope_rows"),
        "q_norm": ("none", 10, "rope_rows"),
        "head.bias": ("none", decoders.VOCABULARY, "classes"),
        "computed": ("none", 5, "computed"),
    }


def test_shapes_that_contradict_their_names_are_no_evidence() -> None:
    """A norm that is a matrix, a matrix that is a vector and a fused bias of an odd size are kept, but silent."""
    shapes = {
        **decoders.llama((0,)),
        "layers.0.input_layernorm.weight": (4, HIDDEN),
        "layers.0.mlp.down_proj.weight": (77,),
        "layers.0.mlp.gate_up_proj.bias": (33,),
        "layers.0.mlp.experts.down_proj": (50,),
    }
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    silent = {part.role for part in anatomy.parts if part.reason == "unexpected_shape"}
    assert silent == {"attn_norm", "down", "gate.bias+up.bias", "expert.down"}
    assert EXPERT_MLP < HIDDEN  # so that no stack above is square


QUANTISED = {
    "qweight": "q",
    "qzeros": "q.qzeros",
    "scales": "q.scales",
    "g_idx": "q.g_idx",
    "weight_packed": "q",
    "weight_scale": "q.weight_scale",
    "weight_scale_inv": "q.weight_scale_inv",
    "weight.absmax": "q.absmax",
    "weight.quant_map": "q.quant_map",
    "weight.quant_state.bitsandbytes__nf4": "q.quant_state.bitsandbytes__nf4",
}


@pytest.mark.parametrize("suffix", QUANTISED)
def test_quantised_tensors_keep_their_roles(suffix: str) -> None:
    """What a quantiser stores is never evidence, and is known by the weight it belongs to."""
    tensors = [tensor(f"model.{name}", *shape) for name, shape in decoders.llama((0,)).items()]
    stored = tensor(f"model.layers.1.self_attn.q_proj.{suffix}", 6, HIDDEN, dtype="I32")
    part = next(part for part in place([*tensors, stored], {}).parts if part.layer == 1)
    assert (part.role, part.axis, part.reason) == (QUANTISED[suffix], Axis.NONE, "packed")


def test_packed_stacks_keep_their_roles() -> None:
    """MXFP4's blocks and scales of a stack of experts are known by the stack."""
    tensors = [tensor(f"model.{name}", *shape) for name, shape in decoders.llama((0,)).items()]
    tensors += [
        tensor("model.layers.0.self_attn.sinks", 6),
        tensor("model.layers.0.mlp.experts.gate_up_proj_blocks", EXPERTS, 72, 2, 16, dtype="U8"),
        tensor("model.layers.0.mlp.experts.gate_up_proj_scales", EXPERTS, 72, 2, dtype="U8"),
    ]
    found = {part.tensor.rpartition(".")[2]: part for part in place(tensors, {}).parts}
    assert found["gate_up_proj_blocks"].role == "expert.gate+expert.up"
    assert found["gate_up_proj_scales"].role == "expert.gate.scales+expert.up.scales"
    assert found["gate_up_proj_blocks"].reason == found["gate_up_proj_scales"].reason == "packed"


def test_a_stack_of_a_million_experts_is_none() -> None:
    """A shape cannot make the audit list parts without end."""
    tensors = [tensor(f"model.{name}", *shape) for name, shape in decoders.llama((0,)).items()]
    stack = tensor("model.layers.0.mlp.experts.down_proj", 10**6, 2, 2)
    parts = [part for part in place([*tensors, stack], {}).parts if part.tensor == stack.name]
    assert [(part.reason, part.view.size) for part in parts] == [("unexpected_shape", 4 * 10**6)]


STORED = Orientation(HIDDEN, reversed_matrices=False, reversed_stacks=False)
"""As the family's table says."""


def oriented(shapes: decoders.Shapes) -> Orientation:
    """How the one component of a checkpoint stores its matrices."""
    tensors = {name: tensor(name, *shape) for name, shape in shapes.items()}
    (found,) = recognise(tensors)
    return orientation(found.matches, tensors)


def test_the_residual_width_tells_the_orientation() -> None:
    """Gains say how wide the stream is, and matrices on which side they have it; biases and packed ones say nothing."""
    plain = decoders.llama()
    turned = {name: shape[::-1] for name, shape in plain.items()}
    beside = {"layers.0.self_attn.q_proj.bias": (QUERY,), "layers.0.mlp.up_proj.weight.absmax": (HIDDEN, 1)}
    assert oriented(plain) == oriented(plain | beside) == STORED
    assert oriented(turned) == replace(STORED, reversed_matrices=True)


def test_without_gains_the_table_is_believed() -> None:
    """Where nothing tells the width, matrices are taken for stored as their family stores them."""
    matrices = {name: shape[::-1] for name, shape in decoders.llama().items() if "norm" not in name}
    assert oriented(matrices) == replace(STORED, width=None)


def test_a_matrix_of_its_own_orientation_is_told_by_its_shape() -> None:
    """One matrix the other way round among many is seen by itself; a square one follows the many."""
    plain = replace(STORED, reversed_stacks=True)
    (found,) = recognise(decoders.llama() | {"layers.0.mlp.experts.down_proj": ()})
    entries = {match.tensor: match.rule.entry for match in found.matches}
    up, down = (entries[f"layers.0.mlp.{name}_proj.weight"] for name in ("up", "down"))
    assert not plain.is_transposed(up, (decoders.MLP, HIDDEN))
    assert plain.is_transposed(up, (HIDDEN, decoders.MLP))
    assert plain.is_transposed(down, (decoders.MLP, HIDDEN))
    assert not plain.is_transposed(down, (HIDDEN, HIDDEN))
    assert plain.is_transposed(entries["layers.0.mlp.experts.down_proj"], (HIDDEN, HIDDEN))
