"""What is read of an adapter and its base is what ``peft`` would merge them to.

Held once to ``merge_and_unload`` of peft 0.21.2 on small Llama and GPT-2 models (LoRA, rsLoRA, DoRA, tables,
``modules_to_save``, rank and alpha patterns, ``fan_in_fan_out``): no value differs by more than 1.2e-7.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from independence_audit.checkpoint import Checkpoint, open_named
from independence_audit.checkpoint.merged.joined_source import IN_BASE
from independence_audit.checkpoint.merged.merge import merged
from independence_audit.checkpoint.merged.peft_settings import peft_settings
from independence_audit.checkpoint.submission.adapters import CONFIG
from independence_audit.errors import AuditError, MalformedError, ReadError, UnsupportedError
from tests.checkpoint.packed.quantisers import nf4, weights

from .adapters_of_models import ALPHA, PREFIX, Tensors, factors, product, write_adapter

Q, DOWN, TABLE = "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.down_proj", "model.embed_tokens"
RANK = 4


def base_of() -> Tensors:
    """A base with two matrices, a table and a gain."""
    draw = torch.Generator().manual_seed(1)
    return {
        f"{Q}.weight": torch.randn(24, 40, generator=draw),
        f"{DOWN}.weight": torch.randn(40, 56, generator=draw),
        f"{TABLE}.weight": torch.randn(30, 40, generator=draw),
        "model.norm.weight": torch.ones(40),
    }


BASE = base_of()
BOTH = factors(Q, 24, 40, RANK) | factors(DOWN, 40, 56, RANK, seed=2)


def merge(folder: Path, adapter: Tensors, base: Tensors = BASE, **more: Any) -> Checkpoint:
    """The checkpoint that an adapter and a base make."""
    (folder / "base").mkdir(exist_ok=True)
    save_file(base, folder / "base" / "model.safetensors")
    (folder / "base" / "config.json").write_text('{"model_type": "llama"}')
    write_adapter(folder / "adapter", adapter, RANK, **more)
    told = peft_settings((folder / "adapter" / CONFIG).read_bytes())
    return merged(open_named(str(folder / "adapter")), open_named(str(folder / "base")), told)


def values(checkpoint: Checkpoint, name: str) -> torch.Tensor:
    """All values of a tensor, in its shape."""
    tensor = checkpoint.tensors[name]
    content = bytearray(tensor.end - tensor.start)
    checkpoint.source.read(tensor.file, tensor.start, memoryview(content))
    assert tensor.dtype == "F32"
    return torch.frombuffer(content, dtype=torch.float32).reshape(tensor.shape)


def test_lora_is_merged(tmp_path: Path) -> None:
    """W + alpha / r B A; what is not changed is the base's; the adapter's factors are no tensors of the model."""
    checkpoint = merge(tmp_path, BOTH)
    assert set(checkpoint.tensors) == set(BASE)
    assert checkpoint.name == "adapter"
    assert checkpoint.config == {"model_type": "llama"}
    assert set(checkpoint.files) == {f"{IN_BASE}model.safetensors", "adapter_model.safetensors"}
    for module in (Q, DOWN):
        expected = BASE[f"{module}.weight"] + ALPHA / RANK * product(BOTH, module)
        torch.testing.assert_close(values(checkpoint, f"{module}.weight"), expected)
    torch.testing.assert_close(values(checkpoint, f"{TABLE}.weight"), BASE[f"{TABLE}.weight"], rtol=0, atol=0)
    (notice,) = checkpoint.notices
    assert notice.key == "adapter_merged"
    assert notice.data["kind"] == "LoRA"
    assert (notice.data["rank"], notice.data["alpha"], notice.data["scaling"]) == ("4", "6", "1.5")
    assert (notice.data["targets"], notice.data["tensors"]) == ("down_proj, q_proj", 2)
    checkpoint.source.close()


def test_rslora_scales_by_the_root(tmp_path: Path) -> None:
    """W + alpha / sqrt(r) B A."""
    checkpoint = merge(tmp_path, BOTH, use_rslora=True)
    expected = BASE[f"{Q}.weight"] + ALPHA / RANK**0.5 * product(BOTH, Q)
    torch.testing.assert_close(values(checkpoint, f"{Q}.weight"), expected)
    assert checkpoint.notices[0].data["kind"] == "rsLoRA"
    checkpoint.source.close()


@pytest.mark.parametrize("ending", ["lora_magnitude_vector", "lora_magnitude_vector.default.weight"])
def test_dora_has_a_magnitude_for_every_output(ending: str, tmp_path: Path) -> None:
    """M (W + s B A) / ||W + s B A||, as ``DoraLinearLayer`` merges it: norms of rows, over the inputs."""
    magnitude = torch.rand(24, generator=torch.Generator().manual_seed(3)) + 0.5
    adapter = factors(Q, 24, 40, RANK) | {f"{PREFIX}{Q}.{ending}": magnitude}
    checkpoint = merge(tmp_path, adapter, use_dora=True)
    direction = BASE[f"{Q}.weight"] + ALPHA / RANK * product(adapter, Q)
    expected = magnitude.view(-1, 1) * direction / torch.linalg.norm(direction, dim=1, keepdim=True)
    torch.testing.assert_close(values(checkpoint, f"{Q}.weight"), expected)
    assert checkpoint.notices[0].data["kind"] == "DoRA"
    checkpoint.source.close()


def test_tables_are_changed_by_the_turned_product(tmp_path: Path) -> None:
    """A [r, tokens] and B [width, r]: (B A) turned is added to [tokens, width]."""
    inner, outer = torch.randn(RANK, 30), torch.randn(40, RANK)
    adapter = {f"{PREFIX}{TABLE}.lora_embedding_A": inner, f"{PREFIX}{TABLE}.lora_embedding_B": outer}
    checkpoint = merge(tmp_path, adapter)
    expected = BASE[f"{TABLE}.weight"] + ALPHA / RANK * (outer @ inner).T
    torch.testing.assert_close(values(checkpoint, f"{TABLE}.weight"), expected)
    checkpoint.source.close()


def test_matrices_stored_turned(tmp_path: Path) -> None:
    """GPT-2 stores [in, out]; ``fan_in_fan_out`` says so."""
    adapter = factors(DOWN, 56, 40, RANK)
    checkpoint = merge(tmp_path, adapter, fan_in_fan_out=True)
    expected = BASE[f"{DOWN}.weight"] + ALPHA / RANK * product(adapter, DOWN).T
    torch.testing.assert_close(values(checkpoint, f"{DOWN}.weight"), expected)
    checkpoint.source.close()


def test_kernels_are_changed_as_their_inputs_are(tmp_path: Path) -> None:
    """A [r, in, 3, 3] and B [out, r, 1, 1]: the convolution of one by the other, as ``peft`` merges it."""
    name = "model.conv"
    inner, outer = torch.randn(RANK, 5, 3, 3), torch.randn(6, RANK, 1, 1)
    adapter = {f"{PREFIX}{name}.lora_A.weight": inner, f"{PREFIX}{name}.lora_B.weight": outer}
    kernel = torch.randn(6, 5, 3, 3)
    checkpoint = merge(tmp_path, adapter, BASE | {f"{name}.weight": kernel})
    change = torch.nn.functional.conv2d(inner.transpose(0, 1), outer).transpose(0, 1)
    torch.testing.assert_close(values(checkpoint, f"{name}.weight"), kernel + ALPHA / RANK * change)
    checkpoint.source.close()


def test_modules_have_ranks_and_alphas_of_their_own(tmp_path: Path) -> None:
    """``rank_pattern`` and ``alpha_pattern`` by the end of a module's name."""
    adapter = factors(Q, 24, 40, RANK) | factors(DOWN, 40, 56, 2)
    checkpoint = merge(tmp_path, adapter, rank_pattern={"down_proj": 2}, alpha_pattern={"mlp.down_proj": 10})
    expected = BASE[f"{DOWN}.weight"] + 10 / 2 * product(adapter, DOWN)
    torch.testing.assert_close(values(checkpoint, f"{DOWN}.weight"), expected)
    expected = BASE[f"{Q}.weight"] + ALPHA / RANK * product(adapter, Q)
    torch.testing.assert_close(values(checkpoint, f"{Q}.weight"), expected)
    checkpoint.source.close()


def test_whole_tensors_stand_in_place_of_the_base_s(tmp_path: Path) -> None:
    """``modules_to_save``, a table with more tokens, a head that the base has not, and one that is changed as well."""
    saved = {
        f"{PREFIX}model.norm.weight": torch.full((40,), 2.0),
        f"{PREFIX}{TABLE}.weight": torch.randn(33, 40),
        f"{PREFIX}score.modules_to_save.weight": torch.randn(3, 40),
        f"{PREFIX}{Q}.base_layer.weight": torch.randn(24, 40),
    }
    checkpoint = merge(tmp_path, factors(Q, 24, 40, RANK) | saved)
    assert set(checkpoint.tensors) == {*BASE, "score.weight"}
    for name in ("model.norm.weight", f"{TABLE}.weight"):
        torch.testing.assert_close(values(checkpoint, name), saved[PREFIX + name], rtol=0, atol=0)
    expected = saved[f"{PREFIX}{Q}.base_layer.weight"] + ALPHA / RANK * product(factors(Q, 24, 40, RANK), Q)
    torch.testing.assert_close(values(checkpoint, f"{Q}.weight"), expected)
    assert [notice.key for notice in checkpoint.notices] == ["adapter_merged", "adapter_saved"]
    checkpoint.source.close()


def test_a_packed_base_is_unpacked_first(tmp_path: Path) -> None:
    """QLoRA: the change is added to the values that the codes stand for."""
    tensors, meant = nf4(f"{Q}.weight", weights(48, 256))
    adapter = factors(Q, 48, 256, RANK)
    checkpoint = merge(tmp_path, adapter, tensors)
    expected = torch.from_numpy(meant) + ALPHA / RANK * product(adapter, Q)
    torch.testing.assert_close(values(checkpoint, f"{Q}.weight"), expected)
    assert not checkpoint.tensors[f"{Q}.weight"].packing
    checkpoint.source.close()


@pytest.mark.parametrize("kind", ["lora", "dora", "table"])
def test_any_run_of_values_has_those_of_the_whole(kind: str, tmp_path: Path) -> None:
    """Within rows, over rows; to the last bit, so that two readings of one model are one."""
    name = f"{TABLE if kind == 'table' else Q}.weight"
    adapter = factors(Q, 24, 40, RANK)
    if kind == "dora":
        adapter[f"{PREFIX}{Q}.lora_magnitude_vector"] = torch.rand(24)
    if kind == "table":
        adapter = {
            f"{PREFIX}{TABLE}.lora_embedding_A": torch.randn(RANK, 30),
            f"{PREFIX}{TABLE}.lora_embedding_B": torch.randn(40, RANK),
        }
    checkpoint = merge(tmp_path, adapter, use_dora=kind == "dora")
    whole = values(checkpoint, name).flatten().numpy()
    tensor = checkpoint.tensors[name]

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.integers(0, whole.size - 1), st.integers(1, 130))
    def holds(start: int, length: int) -> None:
        stop = min(whole.size, start + length)
        content = bytearray(4 * (stop - start))
        checkpoint.source.read(tensor.file, tensor.start + 4 * start, memoryview(content))
        assert bytes(content) == whole[start:stop].tobytes()

    holds()
    with pytest.raises(ReadError):
        checkpoint.source.read(tensor.file, tensor.end, memoryview(bytearray(1 << 20)))
    checkpoint.source.close()


def test_names_may_begin_otherwise(tmp_path: Path) -> None:
    """A base that was saved without the class around it, or inside another."""
    for place, renamed in (("bare", lambda n: n.removeprefix("model.")), ("inside", lambda n: f"language_model.{n}")):
        (tmp_path / place).mkdir()
        base = {renamed(name): each for name, each in BASE.items()}
        checkpoint = merge(tmp_path / place, BOTH | {f"{PREFIX}model.norm.weight": torch.zeros(40)}, base)
        assert set(checkpoint.tensors) == set(base)
        expected = BASE[f"{Q}.weight"] + ALPHA / RANK * product(BOTH, Q)
        torch.testing.assert_close(values(checkpoint, renamed(f"{Q}.weight")), expected)
        assert not values(checkpoint, renamed("model.norm.weight")).any()
        checkpoint.source.close()


WITHOUT_B = {name: each for name, each in factors(Q, 24, 40, RANK).items() if "lora_A" in name}


@pytest.mark.parametrize(
    ("adapter", "more", "error", "said"),
    [
        (factors(Q, 24, 48, RANK), {}, MalformedError, r"by \[24, 4\] x \[4, 48\].* its shape \[24, 40\] in base"),
        (factors(Q, 30, 40, RANK), {}, MalformedError, "does not fit its shape"),
        (factors(f"{Q}x", 24, 40, RANK), {}, MalformedError, r"q_projx\.weight', which base does not have"),
        (factors(Q, 24, 40, 8), {}, MalformedError, "rank of .* is 8, and adapter_config.json says 4"),
        (factors(Q, 24, 40, 2049), {"r": 2049}, UnsupportedError, "is 2049, which is not merged"),
        (WITHOUT_B, {}, MalformedError, "lacks a factor"),
        (BOTH, {"use_dora": True}, MalformedError, "disagree on use_dora"),
        (BOTH | {f"{PREFIX}{Q}.lora_magnitude_vector": torch.ones(24)}, {}, MalformedError, "disagree on use_dora"),
        (BOTH | {f"{PREFIX}{Q}.lora_B.bias": torch.ones(24)}, {}, UnsupportedError, "is not merged here"),
        (BOTH | {f"{PREFIX}{Q}.hada_w1_a": torch.ones(24)}, {}, UnsupportedError, "is not merged here"),
        (
            BOTH | {f"{PREFIX}{TABLE}.token_adapter.trainable_tokens_delta": torch.ones(2, 40)},
            {},
            UnsupportedError,
            "not",
        ),
        (BOTH | {f"{PREFIX}{Q}.lora_A.two.weight": torch.ones(4, 40)}, {}, MalformedError, "twice"),
        (BOTH | {f"{PREFIX}model.norm.weight": torch.ones(41, 2)}, {}, MalformedError, "replaces 'model.norm.weight'"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    adapter: Tensors, more: dict[str, Any], error: type[AuditError], said: str, tmp_path: Path
) -> None:
    """With the way out; nothing is merged half."""
    with pytest.raises(error, match=said) as caught:
        merge(tmp_path, adapter, **more)
    assert caught.value.hint
