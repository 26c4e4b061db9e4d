"""Families whose code is not public, names that differ for one thing, and the tables themselves."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Axis, Kind
from independence_audit.anatomy.families import _read_entry, families
from tests.anatomy import decoders
from tests.anatomy.decoders import EXPERTS, HIDDEN, prefixed, renamed
from tests.anatomy.gather import assert_every_value_once, by_role, numbered, place_arrays

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


def test_tables_refuse_what_does_not_exist() -> None:
    """A table cannot give a name to a role that has no axis."""
    assert _read_entry("a family", {"role": "q+k+v", "split": "grouped"}).roles == ("q", "k", "v")
    with pytest.raises(ValueError, match="a family: there is no role 'quarry'"):
        _read_entry("a family", "quarry")


def test_the_data_files_are_read_once() -> None:
    """Tables are parsed once for a process, not once for a checkpoint."""
    assert families() is families()
