"""Families are recognised by their names under every prefix, and layers that predict further tokens by their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Kind, place
from independence_audit.anatomy.recognise import Recognised, is_apart, mtp_layers, recognise
from tests.anatomy import decoders
from tests.anatomy.decoders import HIDDEN, VOCABULARY, prefixed
from tests.anatomy.gather import assert_every_value_once, numbered, place_arrays, tensor


def named(found: list[Recognised]) -> dict[str, tuple[str, int]]:
    """Family and number of tensors of every component, by its prefix."""
    return {".".join(each.prefix): (each.family.name, len(each.matches)) for each in found}


def test_every_prefix_has_its_own_component() -> None:
    """Two decoders and a tower in one file are three components, each with all of its tensors."""
    sizes = len(decoders.llama()), len(decoders.whisper())
    names = [name for prefix in ("a.", "b.c.") for name in prefixed(prefix, decoders.llama())]
    found = recognise([*names, *prefixed("b.tower.", decoders.whisper())])
    assert named(found) == {
        "a": ("llama", sizes[0]),
        "b.c": ("llama", sizes[0]),
        "b.tower": ("whisper_encoder", sizes[1]),
    }


def test_a_head_joins_the_decoder_below_its_prefix() -> None:
    """At the top or beside the decoder it is the decoder's, once; without a decoder it is nobody's."""
    names = [*prefixed("model.language.", decoders.llama()), "lm_head.weight", "model.lm_head.weight"]
    (found,) = recognise(names)
    assert found.prefix == ("model", "language")
    assert {match.tensor for match in found.matches} == set(names)
    assert recognise(["lm_head.weight", "model.norm.weight"]) == []


def test_numbers_and_readings_of_a_match() -> None:
    """Layer and expert are the numbers at their places in the name; a bias is a label of its own."""
    expert = "model.layers.11.mlp.experts.7.gate_proj.weight"
    names = ["model.layers.11.self_attn.q_proj.weight", "model.layers.11.self_attn.q_proj.bias", expert]
    (found,) = recognise(names)
    matches = {match.tensor: match for match in found.matches}
    assert (matches[expert].layer, matches[expert].expert) == (11, 7)
    assert matches[names[1]].labels == {"self_attn.q_proj", "q.bias"}
    assert found.labels == {"self_attn.q_proj", "q", "q.bias", "mlp.experts.{expert}.gate_proj", "expert.gate"}


WORDS = st.sampled_from(
    [
        *("model", "layers", "0", "1", "mlp", "self_attn", "visual", "blocks", "mtp", "encoder", "merger", "experts"),
        *("q_proj", "gate_proj", "qkv", "fc1", "attn", "weight", "bias", "norm", "embed_tokens", "lm_head", "proj", ""),
    ]
)


@given(st.sets(st.lists(WORDS, min_size=1, max_size=6).map(".".join), max_size=20))
def test_no_tensor_is_in_two_components(names: set[str]) -> None:
    """Beside complete components and among odds and ends, whatever reads a name in several ways."""
    known = [*prefixed("model.", decoders.llama((0,))), *prefixed("visual.", decoders.qwen_vision())]
    matched = [match.tensor for each in recognise([*known, *sorted(names - set(known))]) for match in each.matches]
    assert len(matched) == len(set(matched))
    assert set(known) <= set(matched) <= set(known) | names


def test_nobody_knows_these_names() -> None:
    """A name or two of a family do not make one."""
    assert recognise([]) == []
    assert recognise(["conv1.weight", "fc.bias", "model.layers.0.input_layernorm.weight"]) == []


def test_further_prediction_is_named_or_beyond_what_the_config_counts() -> None:
    """Named layers always are; those beyond the count are where there are as many as announced, or one."""
    plain, *_ = recognise(prefixed("model.", decoders.llama(range(4))))
    ahead, *_ = recognise([*prefixed("model.", decoders.llama(range(3))), *DEEPSEEK_MTP])
    assert mtp_layers(ahead.matches, []) == {2}
    assert mtp_layers(ahead.matches, [{"num_hidden_layers": 1}]) == {2}
    assert mtp_layers(plain.matches, []) == frozenset()
    assert mtp_layers(plain.matches, [{"head_dim": 8}, {"num_hidden_layers": 3}]) == {3}
    assert mtp_layers(plain.matches, [{"num_hidden_layers": 2}]) == frozenset()
    assert mtp_layers(plain.matches, [{"num_hidden_layers": 2, "num_nextn_predict_layers": 2}]) == {2, 3}


def test_only_a_prefix_that_ends_so_stands_apart() -> None:
    """A component below ``mtp`` is another one's further prediction; one with the word further in front is not."""
    flags = [
        is_apart(recognise(prefixed(prefix, decoders.llama()))[0]) for prefix in ("mtp.", "a.mtp.", "mtp.model.", "")
    ]
    assert flags == [True, True, False, False]


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
