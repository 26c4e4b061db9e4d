"""Families whose code is not public, further prediction, quantised weights, and the tables themselves."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Axis, Kind, place
from independence_audit.anatomy.families import _read_entry, families
from independence_audit.anatomy.roles import _read_role, roles
from independence_audit.anatomy.tables import Table
from independence_audit.anatomy.tensor_names import words
from tests.anatomy import decoders
from tests.anatomy.decoders import EXPERTS, HIDDEN, VOCABULARY, prefixed, renamed
from tests.anatomy.gather import assert_every_value_once, by_role, numbered, place_arrays, tensor

LATENT = {"q_a", "q_a_norm", "q_b", "kv_a", "kv_a_norm", "kv_b", "o"}
SHARED = {"shared_expert.gate", "shared_expert.up", "shared_expert.down"}
ROUTED = {"router", "expert.gate", "expert.up", "expert.down"}


def test_vaetki() -> None:
    """VAETKI's `post_attention_layernorm` stands behind the attention; the norm before the MLP has its own name."""
    shapes = prefixed("model.", decoders.vaetki())
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    assert [(each.name, each.family) for each in anatomy.components] == [("model", "vaetki")]
    four_norms = {"attn_norm", "post_attn_norm", "mlp_norm", "post_mlp_norm"}
    found = {layer: {part.role for part in anatomy.parts if part.layer == layer} for layer in (None, 0, 1)}
    assert found == {
        None: {"embed", "final_norm"},
        0: LATENT | four_norms | {"gate", "up", "down"},
        1: LATENT | four_norms | ROUTED | SHARED,
    }
    by_tensor = {part.tensor: part for part in anatomy.parts}
    assert by_tensor["model.layers.0.post_attention_layernorm.weight"].role == "post_attn_norm"
    assert by_tensor["model.layers.0.pre_mlp_layernorm.weight"].role == "mlp_norm"
    axes = {part.role: part.axis for part in anatomy.parts}
    assert axes["q_b"] == axes["kv_b"] == axes["q_a_norm"] == axes["kv_a_norm"] == Axis.LATENT
    assert axes["q_a"] == axes["kv_a"] == Axis.RESIDUAL


def test_motif() -> None:
    """Motif's short names are latent attention, a gate and lambdas of its own, and stacked experts."""
    shapes = decoders.motif()
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    assert [(each.name, each.family) for each in anatomy.components] == [("text_decoder", "motif")]
    assert {part.role for part in anatomy.parts if part.layer is None} == {"embed", "final_norm", "head"}
    block = {part.role for part in anatomy.parts if part.layer == 0}
    assert block == LATENT | ROUTED | SHARED | {"q_b_gate", "lambda", "attn_norm", "mlp_norm"}
    assert [part.expert for part in anatomy.parts if part.role == "expert.down"] == list(range(EXPERTS))


def test_equal_names_of_unlike_norms() -> None:
    """`post_attention_layernorm` is the norm before the MLP in llama, behind the attention where others follow it."""
    plain = place_arrays(numbered(decoders.llama((0,))))
    extra = {"layers.0.pre_feedforward_layernorm.weight": (HIDDEN,)}
    extra |= {"layers.0.post_feedforward_layernorm.weight": (HIDDEN,)}
    after = place_arrays(numbered({**decoders.llama((0,)), **extra}))
    name = "layers.0.post_attention_layernorm.weight"
    assert by_role(plain)["mlp_norm"].tensor == name
    assert by_role(after)["post_attn_norm"].tensor == name
    assert by_role(after)["mlp_norm"].tensor == "layers.0.pre_feedforward_layernorm.weight"
    post_norm_only = {key: shape for key, shape in decoders.llama((0,)).items() if "input_layernorm" not in key}
    exaone = place_arrays(numbered({**post_norm_only, "layers.0.post_feedforward_layernorm.weight": (HIDDEN,)}))
    assert by_role(exaone)["post_attn_norm"].tensor == name


DEEPSEEK_MTP = {
    "model.layers.2.enorm.weight": (HIDDEN,),
    "model.layers.2.hnorm.weight": (HIDDEN,),
    "model.layers.2.eh_proj.weight": (HIDDEN, 2 * HIDDEN),
    "model.layers.2.shared_head.norm.weight": (HIDDEN,),
    "model.layers.2.shared_head.head.weight": (VOCABULARY, HIDDEN),
    "model.layers.2.embed_tokens.weight": (VOCABULARY, HIDDEN),
}


def test_further_prediction_in_a_layer_of_its_own() -> None:
    """DeepSeek's extra layer is known by its names: all its roles say so, and two halves are rows of one width."""
    shapes = {**prefixed("model.", decoders.llama((0, 1, 2))), **DEEPSEEK_MTP}
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    ahead = {part.role: part for part in anatomy.parts if part.layer == 2}
    assert ahead.keys() == {
        f"mtp.{role}"
        for role in (
            *("q", "k", "v", "o", "gate", "up", "down", "attn_norm", "mlp_norm"),
            *("enorm", "hnorm", "eh_proj", "final_norm", "head", "embed"),
        )
    }
    assert ahead["mtp.eh_proj"].view.rows == (HIDDEN, 2)
    assert ahead["mtp.eh_proj"].view.columns == HIDDEN
    assert not [part for part in anatomy.parts if part.layer != 2 and part.role.startswith("mtp.")]


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({"num_hidden_layers": 3}, {3}),
        ({"text_config": {"num_hidden_layers": 2, "num_nextn_predict_layers": 2}}, {2, 3}),
        ({"num_hidden_layers": 4}, set()),
        ({"num_hidden_layers": 2}, set()),
        ({"num_hidden_layers": 1, "num_nextn_predict_layers": 3}, set()),
        ({"num_hidden_layers": "3", "num_nextn_predict_layers": True}, set()),
    ],
)
def test_further_prediction_by_the_config(config: dict[str, object], layers: set[int]) -> None:
    """The config is believed about as many layers as it announces, so that it cannot hide a copy's layers."""
    tensors = [tensor(name, *shape) for name, shape in prefixed("model.", decoders.llama(range(4))).items()]
    parts = place(tensors, config).parts
    assert {part.layer for part in parts if part.role.startswith("mtp.")} == layers


def test_further_prediction_apart() -> None:
    """K-EXAONE's `mtp.` belongs to the decoder, all of it under roles of its own."""
    apart = {name: shape for name, shape in decoders.llama((0,)).items() if name != "embed_tokens.weight"}
    extra = {"mtp.fc.weight": (HIDDEN, 2 * HIDDEN), "mtp.pre_fc_norm_embedding.weight": (HIDDEN,)}
    extra |= {"mtp.pre_fc_norm_hidden.weight": (HIDDEN,)}
    shapes = {**prefixed("model.", decoders.llama()), **prefixed("mtp.", apart), **extra}
    anatomy = place_arrays(numbered(shapes), {"num_hidden_layers": 2})
    assert_every_value_once(shapes, anatomy)
    assert [each.name for each in anatomy.components] == ["model"]
    ahead = {part.role for part in anatomy.parts if part.tensor.startswith("mtp.")}
    block = {"q", "k", "v", "o", "gate", "up", "down", "attn_norm", "mlp_norm"}
    assert ahead == {f"mtp.{role}" for role in block | {"final_norm", "eh_proj", "enorm", "hnorm"}}


def test_further_prediction_without_its_decoder() -> None:
    """A file that holds nothing but the further prediction is a decoder like others."""
    anatomy = place_arrays(numbered(prefixed("mtp.", decoders.llama())))
    assert [(each.name, each.kind) for each in anatomy.components] == [("mtp", Kind.TEXT_DECODER)]
    assert not [part for part in anatomy.parts if part.role.startswith("mtp.")]
    tower = prefixed("visual.", decoders.qwen_vision())
    beside = place_arrays(numbered({**tower, **prefixed("mtp.", decoders.llama())}))
    assert {each.name for each in beside.components} == {"mtp", "visual", "visual.merger"}


def test_names_of_experts_do_not_matter() -> None:
    """Mixtral's w1, w3 and w2 are gate, up and down."""
    block = {**decoders.attention(), **decoders.norms(), **decoders.experts()}
    qwen = prefixed("model.layers.0.", block)
    changes = [("mlp.", "block_sparse_moe."), ("gate_proj", "w1"), ("up_proj", "w3"), ("down_proj", "w2")]
    mixtral = renamed(qwen, *changes)
    assert mixtral.keys().isdisjoint(name for name in qwen if "experts" in name)
    ours, theirs = (place_arrays(numbered(shapes)).parts for shapes in (qwen, mixtral))
    assert [(part.layer, part.role, part.expert, part.view) for part in ours] == [
        (part.layer, part.role, part.expert, part.view) for part in theirs
    ]


def test_whisper_has_two_sets_of_names() -> None:
    """OpenAI's names of Whisper's encoder and decoder have the roles and views of those on the Hub."""
    changes = [("layers.", "blocks."), ("self_attn_layer_norm", "attn_ln"), ("final_layer_norm", "mlp_ln")]
    changes += [
        ("self_attn.q_proj", "attn.query"),
        ("self_attn.k_proj", "attn.key"),
        ("fc1", "mlp.0"),
        ("fc2", "mlp.2"),
    ]
    changes += [("self_attn.v_proj", "attn.value"), ("self_attn.out_proj", "attn.out"), ("layer_norm", "ln_post")]
    hub = prefixed("encoder.", decoders.whisper())
    original = renamed(hub, *changes, ("embed_positions.weight", "positional_embedding"))
    ours, theirs = (place_arrays(numbered(shapes)).parts for shapes in (hub, original))
    assert [(part.layer, part.role, part.axis, part.view) for part in ours] == [
        (part.layer, part.role, part.axis, part.view) for part in theirs
    ]
    decoder = renamed(original, ("encoder.", "decoder."), ("ln_post", "ln"))
    decoder = {name: shape for name, shape in decoder.items() if "conv" not in name}
    cross = {
        "decoder.blocks.0.cross_attn.query.weight": (HIDDEN, HIDDEN),
        "decoder.blocks.0.cross_attn_ln.bias": (HIDDEN,),
    }
    anatomy = place_arrays(numbered({**original, **decoder, **cross}))
    assert [(each.name, each.kind, each.fixed_positions) for each in anatomy.components] == [
        ("encoder", Kind.AUDIO_ENCODER, True),
        ("decoder", Kind.TEXT_DECODER, False),
    ]
    positions = [part for part in anatomy.parts if part.role == "position"]
    assert [part.axis for part in positions] == [Axis.NONE, Axis.RESIDUAL]
    assert not [part for part in anatomy.parts if part.role.startswith("generic:")]


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


@pytest.mark.parametrize(
    ("dtype", "beside", "axis", "reason"),
    [
        ("F8_E4M3", "weight_scale_inv", Axis.RESIDUAL, ""),
        ("U8", "weight.absmax", Axis.NONE, "packed"),
        ("I8", "SCB", Axis.NONE, "packed"),
        ("I8", "nothing", Axis.NONE, "integer"),
        ("F4", "nothing", Axis.NONE, "packed"),
        ("C64", "nothing", Axis.NONE, "computed"),
        ("BF16", "weight_scale", Axis.RESIDUAL, ""),
    ],
)
def test_stored_types(dtype: str, beside: str, axis: Axis, reason: str) -> None:
    """8-bit floats are weights, whole numbers are not, and those with a scale beside them are packed weights."""
    tensors = [tensor(f"model.{name}", *shape) for name, shape in decoders.llama((0,)).items()]
    stored = tensor("model.layers.1.self_attn.q_proj.weight", QUERY, HIDDEN, dtype=dtype)
    scale = tensor(f"model.layers.1.self_attn.q_proj.{beside}", 6)
    part = next(part for part in place([*tensors, stored, scale], {}).parts if part.tensor == stored.name)
    assert (part.role, part.axis, part.reason) == ("q", axis, reason)


QUERY = decoders.QUERY


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


def test_every_table_is_sound() -> None:
    """Every family can be complete by its own rules, and names the kinds and roles that exist."""
    for family in families().values():
        labels = frozenset(rule.key for rule in family.rules) | {
            role for rule in family.rules for role in rule.entry.roles
        }
        assert family.is_complete(labels), family.name
        assert not family.is_complete(frozenset()), family.name
        for dialect in family.dialects:
            words_used = {word.removesuffix(".bias") for word in (*dialect.has, *dialect.lacks)}
            assert words_used <= labels, dialect.name
    assert {family.kind for family in families().values()} <= set(Kind)


def test_tables_refuse_unknown_keys() -> None:
    """A misspelt key in a data file is an error, not a silent default."""
    table = Table("a table", {"role": "q", "transposd": True})
    assert table.take("role", str) == "q"
    with pytest.raises(ValueError, match="a table has unknown keys: transposd"):
        table.close()
    with pytest.raises(ValueError, match="lacks 'kind'"):
        table.take("kind", str)
    with pytest.raises(ValueError, match="a bool is needed"):
        Table("a table", {"rope": "yes"}).take("rope", bool)
    with pytest.raises(ValueError, match="a list of strings is needed"):
        Table("a table", {"requires": [1]}).take_strings("requires")


def test_tables_refuse_what_does_not_exist() -> None:
    """A table cannot give a name to a role that has no axis, nor a role columns along nothing without a reason."""
    assert _read_entry("a family", {"role": "q+k+v", "split": "grouped"}).roles == ("q", "k", "v")
    with pytest.raises(ValueError, match="a family: there is no role 'quarry'"):
        _read_entry("a family", "quarry")
    with pytest.raises(ValueError, match="columns along nothing need a reason"):
        _read_role("a role", {"form": "vector", "columns": "none"})


def test_the_data_files_are_read_once() -> None:
    """Tables are parsed once for a process, not once for a checkpoint."""
    assert families() is families()
    assert roles() is roles()
    assert words() is words()
