"""Names of the model, held against the format's own library, and how the converter changed values."""

from __future__ import annotations

import gguf
import pytest

from independence_audit.checkpoint.gguf.gguf_header import GgufTensor
from independence_audit.checkpoint.gguf.gguf_names import Meant, architecture, meant
from independence_audit.checkpoint.gguf.gguf_types import BlockType
from independence_audit.core.toml import shipped_table

TABLE = shipped_table("independence_audit.checkpoint.gguf", "gguf_names.toml")
DECODERS = sorted(name for name in TABLE["decoder"]["architectures"] if name[0] != "*")
ENCODERS = sorted(TABLE["encoder"]["architectures"])
ARCHITECTURES = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
F32 = BlockType("F32", 1, 4)


def stored_name(called: str, model_name: str) -> str | None:
    """What the library calls a tensor of a model."""
    table = gguf.get_tensor_name_map(ARCHITECTURES[called], 8)
    return table.get_name(model_name, try_suffixes=(".weight", ".bias"))


def tensor(name: str, shape: tuple[int, ...] = (12, 4), kind: BlockType = F32) -> GgufTensor:
    """A tensor as a header describes it."""
    return GgufTensor(name, shape, kind, 0, 0)


@pytest.mark.parametrize("called", [*DECODERS, *ENCODERS])
def test_names_are_the_library_s(called: str) -> None:
    """What a tensor of the model is called here is what the library's converter stores under its name."""
    known = architecture(called)
    assert known is not None
    tensors = gguf.MODEL_TENSORS[ARCHITECTURES[called]]
    checked = 0
    for each in tensors:
        name = gguf.TENSOR_NAMES[each].format(bid=3)
        own = known.name(f"{name}.weight")
        if own == f"{name}.weight" or name.startswith("rope_"):
            continue  # the converter computes the latter
        assert stored_name(called, own) == f"{name}.weight", own
        checked += 1
    assert checked >= 9


def test_towers_are_the_library_s() -> None:
    """The same for a vision tower's file."""
    known = architecture("clip")
    assert known is not None
    checked = 0
    for stem in [*TABLE["tower"]["top"], *(f"v.blk.3.{name}" for name in TABLE["tower"]["block"])]:
        if stem == "mm.0":
            continue  # of earlier converters
        own = known.name(f"{stem}.weight")
        assert own.endswith(".weight")
        assert stored_name("clip", own) == f"{stem}.weight", own
        checked += 1
    assert checked >= 14


@pytest.mark.parametrize(
    "stored", ["cls.weight", "blk.3.unheard_of.weight", "blk.3.attn_q.scale", "blk.x.attn_q.weight", "a", ""]
)
def test_other_names_stay(stored: str) -> None:
    """What no table knows is called as it is stored."""
    known = architecture("llama")
    assert known is not None
    assert known.name(stored) == stored
    assert architecture("unheard_of") is None


def test_llama_s_rows_stand_in_pairs() -> None:
    """Queries by heads, keys by their own; values, outputs and models whose halves rotate stay."""
    numbers = {"llama.attention.head_count": 6, "llama.attention.head_count_kv": 2}
    names = ["blk.0.attn_q.weight", "blk.0.attn_k.bias", "blk.0.attn_v.weight", "blk.0.attn_output.weight"]
    tensors = [tensor(name) for name in names]
    found = meant({"general.architecture": "llama", **numbers}, tensors)
    assert [found[name].heads for name in names] == [6, 2, 0, 0]
    found = meant({"general.architecture": "qwen2", "qwen2.attention.head_count": 6}, tensors)
    assert [found[name].heads for name in names] == [0, 0, 0, 0]


@pytest.mark.parametrize("heads", [0, -1, 5, 12, True, "6", [], [0, 0]])
def test_heads_that_fit_no_rows(heads: object) -> None:
    """A number that does not divide the rows moves none of them."""
    told = {"general.architecture": "llama", "llama.attention.head_count": heads}
    assert meant(told, [tensor("blk.1.attn_q.weight")])["blk.1.attn_q.weight"].heads == 0  # type: ignore[arg-type]


def test_heads_of_every_layer() -> None:
    """Models whose layers have numbers of their own say them one by one."""
    told = {"general.architecture": "llama", "llama.attention.head_count": [2, 6]}
    assert meant(told, [tensor("blk.1.attn_q.weight")])["blk.1.attn_q.weight"].heads == 6  # type: ignore[arg-type]


def test_gemma_s_gains() -> None:
    """1 was added to every norm's gain of Gemma, and to nothing else."""
    names = ["output_norm.weight", "blk.0.attn_norm.weight", "blk.0.post_ffw_norm.weight", "blk.0.attn_q.weight"]
    found = meant({"general.architecture": "gemma2"}, [tensor(name) for name in names])
    assert [found[name].added for name in names] == [1.0, 1.0, 1.0, 0.0]
    assert found["blk.0.post_ffw_norm.weight"].name == "model.layers.0.post_feedforward_layernorm.weight"


def test_whole_names() -> None:
    """A name whose ending is part of it: the correction of a router's scores, factors that the converter computes."""
    known = architecture("deepseek2")
    assert known is not None
    assert known.name("blk.3.exp_probs_b.bias") == "model.layers.3.mlp.gate.e_score_correction_bias"
    assert known.name("rope_freqs.weight") == "model.rotary_emb.factors"


def test_decoders_of_any_architecture() -> None:
    """One that is not in the table has the names of decoders, if it has what each of them has."""
    names = ["token_embd.weight", "blk.0.attn_norm.weight", "blk.0.ffn_up.weight", "blk.0.unheard_of.weight"]
    for more, up in ((["blk.0.ffn_gate.weight"], "up_proj"), ([], "fc1")):
        tensors = [tensor(name) for name in [*names, *more]]
        found = meant({"general.architecture": "unheard_of"}, tensors)
        assert found["blk.0.ffn_up.weight"] == Meant(f"model.layers.0.mlp.{up}.weight")
        assert found["blk.0.unheard_of.weight"] == Meant("blk.0.unheard_of.weight")
    found = meant({"general.architecture": "unheard_of"}, [tensor(name) for name in names[1:]])
    assert found == {name: Meant(name) for name in names[1:]}


def test_names_that_meet_stay() -> None:
    """Two tensors of one name would hide one: all stay as they are called, and an unknown architecture's do."""
    names = ["output_norm.weight", "model.norm.weight"]
    for called in ("llama", "unheard_of"):
        found = meant({"general.architecture": called}, [tensor(name) for name in names])
        assert found == {name: Meant(name) for name in names}
