"""Adapters are told by their tensors' names and sizes, and by the base that they name."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint.submission.adapters import base_of, changes_only, is_adapter
from independence_audit.checkpoint.tensors import TensorInfo


def tensor(name: str, *shape: int) -> TensorInfo:
    """A tensor by its header."""
    return TensorInfo(name, "F32", shape, "adapter_model.safetensors", 0, 0)


STEM = "model.layers.0.self_attn.q_proj"
PEFT = f"base_model.model.{STEM}"
JUDGED = {f"{STEM}.weight": tensor(f"{STEM}.weight", 128, 256), "norm.weight": tensor("norm.weight", 128)}
LOW = [tensor(f"{PEFT}.lora_A.weight", 16, 256), tensor(f"{PEFT}.lora_B.weight", 128, 16)]
"""A change of rank 16 to the judged matrix."""


@pytest.mark.parametrize(
    "name",
    [
        f"{PEFT}.lora_A.weight",
        f"{PEFT}.lora_B.default.weight",
        f"{STEM}.lora_a",
        f"{PEFT}.lora_embedding_A",
        f"{PEFT}.lora_magnitude_vector",
        "lora_unet_down_blocks.lora_up.weight",
        "lora_te_text_model.hada_w1_a",
        "lora_te_text_model.lokr_w2",
        f"{PEFT}.oft_r.default",
        f"{PEFT}.vera_lambda_d",
        f"{PEFT}.ia3_l",
        "prompt_embeddings",
    ],
)
def test_names_of_changes(name: str) -> None:
    """As PEFT, diffusers and LyCORIS write them."""
    assert is_adapter([tensor(name, 8, 8)])


@pytest.mark.parametrize("name", [f"{PEFT}.my_lora_A.weight", f"{PEFT}.lora_Apple", "lora", "hada_w1", "oft_read", ""])
def test_names_that_are_no_changes(name: str) -> None:
    """The same letters in another word name no change."""
    assert not is_adapter([tensor(name, 8, 8)])


def test_most_values_tell() -> None:
    """A head beside the changes leaves it an adapter; a model beside a small change is a model."""
    assert is_adapter([*LOW, tensor("score.weight", 2, 256)])
    assert not is_adapter([*LOW, *JUDGED.values()])
    assert not is_adapter([LOW[0], tensor("score.weight", 16, 256)])
    assert not is_adapter([])


@pytest.mark.parametrize(
    ("config", "base"),
    [
        (b'{"base_model_name_or_path": "team/base", "r": 16}', "team/base"),
        (b'{"base_model_name_or_path": null}', ""),
        (b'{"base_model_name_or_path": ["team/base"]}', ""),
        (b"{}", ""),
        (b"", ""),
        (b"[1]", ""),
        (b"{", ""),
        (None, ""),
    ],
)
def test_the_base_that_is_named(config: bytes | None, base: str) -> None:
    """By a name and nothing else; a config that is missing or broken names none."""
    assert base_of(config) == base


def test_factors_of_low_rank_are_changes_only() -> None:
    """With the prefix of PEFT or without, under the default adapter's name too; no tensors change nothing."""
    assert changes_only(LOW, JUDGED)
    assert changes_only([tensor(f"{STEM}.lora_A.default.weight", 16, 256)], JUDGED)
    assert changes_only([], JUDGED)


@pytest.mark.parametrize(
    "other",
    [
        tensor(f"{PEFT}.lora_A.weight", 17, 256),
        tensor(f"{PEFT}.lora_B.weight", 128, 17),
        tensor(f"{PEFT}.lora_A.weight", 16, 128),
        tensor(f"{PEFT}.lora_B.weight", 256, 16),
        tensor(f"{PEFT}.lora_A.weight", 16, 256, 1),
        tensor("base_model.model.norm.lora_A.weight", 8, 128),
        tensor("base_model.model.other.lora_A.weight", 16, 256),
        tensor(f"{PEFT}.weight", 128, 256),
        tensor(f"{PEFT}.hada_w1_a", 128, 16),
    ],
)
def test_what_could_be_more_than_a_change(other: TensorInfo) -> None:
    """Beyond an eighth of the smaller side, of another shape, of a matrix that was not judged, or no factor."""
    assert not changes_only([*LOW, other], JUDGED)
