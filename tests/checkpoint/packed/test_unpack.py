"""Packed weights come as the tensors they stand for, whatever run of their values is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from independence_audit.checkpoint import Checkpoint, open_named
from independence_audit.errors import ReadError

from .quantisers import CONFIGS, SCHEMES, Floats, Tensors, gptq, mxfp4, nf4, scheme, weights

NAME = "model.layers.0.self_attn.q_proj.weight"


def opened(folder: Path, tensors: Tensors, config: str = "{}") -> Checkpoint:
    """A checkpoint of these tensors in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(config)
    return open_named(str(folder))


def read(checkpoint: Checkpoint, name: str, start: int, stop: int) -> Floats:
    """The values ``start`` to ``stop`` of a tensor that is worked out."""
    tensor = checkpoint.tensors[name]
    into = np.empty(stop - start, dtype=np.float32)
    checkpoint.source.read(tensor.file, tensor.start + 4 * start, into.view(np.uint8).data)
    return into


@pytest.mark.parametrize("which", SCHEMES)
def test_values_are_those_that_are_meant(which: str, tmp_path: Path) -> None:
    """A packed weight is one float32 tensor with the quantiser's values, and nothing else is left of it."""
    tensors, meant = scheme(which, NAME, weights())
    checkpoint = opened(tmp_path, tensors | {"model.norm.weight": torch.ones(256)}, CONFIGS.get(which, "{}"))
    assert set(checkpoint.tensors) == {NAME, "model.norm.weight"}
    tensor = checkpoint.tensors[NAME]
    assert (tensor.dtype, tensor.shape) == ("F32", meant.shape)
    np.testing.assert_array_equal(read(checkpoint, NAME, 0, meant.size), meant.ravel())
    assert [notice.key for notice in checkpoint.notices] == ["unpacked"]
    checkpoint.source.close()


@pytest.mark.parametrize("which", SCHEMES)
def test_any_run_of_values_can_be_read(which: str, tmp_path: Path) -> None:
    """Runs that begin and end anywhere, within words, blocks and rows, hold the same values."""
    tensors, meant = scheme(which, NAME, weights(40, 192))
    checkpoint = opened(tmp_path, tensors, CONFIGS.get(which, "{}"))
    flat = meant.ravel()

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.integers(0, flat.size - 1), st.integers(1, 900))
    def holds(start: int, length: int) -> None:
        stop = min(flat.size, start + length)
        np.testing.assert_array_equal(read(checkpoint, NAME, start, stop), flat[start:stop])

    holds()
    checkpoint.source.close()


def test_stacked_experts_in_mxfp4(tmp_path: Path) -> None:
    """gpt-oss stores experts as blocks and scales; the values are those of the transformers library."""
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    stem = "model.layers.0.mlp.experts.gate_up_proj"
    tensors, meant = mxfp4(stem, weights(4 * 24, 96).reshape(4, 24, 96))
    checkpoint = opened(tmp_path, tensors)
    assert checkpoint.tensors[stem].shape == (4, 24, 96)
    found = read(checkpoint, stem, 0, meant.size).reshape(meant.shape)
    np.testing.assert_array_equal(found, meant)
    theirs = convert_moe_packed_tensors(tensors[f"{stem}_blocks"], tensors[f"{stem}_scales"], dtype=torch.float32)
    np.testing.assert_array_equal(found.transpose(0, 2, 1), theirs.numpy())
    checkpoint.source.close()


def test_gptq_of_the_second_format(tmp_path: Path) -> None:
    """The second format stores zero points as they are; the config tells."""
    tensors, meant = gptq(NAME, weights())
    shifted = tensors[NAME.replace("weight", "qzeros")] + 0x11111111
    config = '{"quantization_config": {"quant_method": "gptq", "checkpoint_format": "gptq_v2"}}'
    checkpoint = opened(tmp_path, tensors | {NAME.replace("weight", "qzeros"): shifted.to(torch.int32)}, config)
    np.testing.assert_array_equal(read(checkpoint, NAME, 0, meant.size), meant.ravel())
    checkpoint.source.close()


@pytest.mark.parametrize("lost", [".absmax", ".quant_map", ".quant_state.bitsandbytes__nf4"])
def test_what_contradicts_itself_stays_as_it_is(lost: str, tmp_path: Path) -> None:
    """A packed weight without one of its parts is not made up: its tensors stay, and are no evidence."""
    tensors, _ = nf4(NAME, weights(), nested=False)
    del tensors[NAME + lost]
    checkpoint = opened(tmp_path, tensors | {"model.norm.weight": torch.ones(256)})
    assert set(checkpoint.tensors) == {*tensors, "model.norm.weight"}
    assert checkpoint.tensors[NAME].dtype == "U8"
    checkpoint.source.close()


def test_two_packings_of_one_name_stay_as_they_are(tmp_path: Path) -> None:
    """A weight that is stored plainly as well as packed is not replaced: nobody could tell which one is used."""
    tensors, _ = gptq(NAME, weights())
    checkpoint = opened(tmp_path, tensors | {NAME: torch.zeros(48, 256)})
    assert "packed_malformed" in [notice.key for notice in checkpoint.notices]
    assert len(checkpoint.tensors) == 5
    checkpoint.source.close()


def test_ranges_behind_the_last_tensor_are_refused(tmp_path: Path) -> None:
    """There is nothing behind the unpacked weights."""
    tensors, meant = nf4(NAME, weights())
    checkpoint = opened(tmp_path, tensors)
    with pytest.raises(ReadError, match="no bytes"):
        read(checkpoint, NAME, meant.size, meant.size + 1)
    checkpoint.source.close()
