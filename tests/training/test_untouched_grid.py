"""Grids: values on a coarser grid than their type are seen where others of the model use all of it, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.fingerprint.samples import Sample
from independence_audit.training.untouched import on_coarser_grids, used_bits
from tests.fingerprint.small_checkpoints import bf16
from tests.training.hand_made import sample_of, trained


def rounded_to_bf16(values: np.ndarray) -> np.ndarray:
    """Float32 values that bfloat16 can hold."""
    return (bf16(values).astype(np.uint32) << 16).view(np.float32)


@pytest.mark.parametrize(
    ("sample", "bits"),
    [
        (sample_of(trained(0), "q"), 23),
        (sample_of(rounded_to_bf16(trained(0)), "q"), 7),
        (sample_of(trained(0).astype(np.float16), "q"), 10),
        (sample_of(trained(0), "q", dtype="BF16"), 7),
        (sample_of(np.ones(128), "attn_norm"), None),
    ],
    ids=["fp32", "bf16 in fp32", "fp16 in fp32", "bf16", "constant"],
)
def test_bits_in_use(sample: Sample, bits: int | None) -> None:
    """How much of the mantissa the values need; constants say nothing."""
    assert used_bits(sample) == bits


def test_one_tower_on_a_grid_is_found() -> None:
    """A tower loaded in bfloat16 and never updated, beside a decoder trained in float32."""
    own = [sample_of(trained(layer), "q", layer, component="decoder") for layer in range(3)]
    loaded = [sample_of(rounded_to_bf16(trained(9 + layer)), "q", layer, component="tower") for layer in range(3)]
    found = on_coarser_grids([*own, *loaded])
    assert list(found) == ["tower"]
    [finding] = found["tower"]
    assert finding.message.data == {"type": "F32", "grid": "BF16", "tensors": 3, "of": 3}
    assert not finding.contradicts


def test_a_model_cast_as_a_whole_is_no_finding() -> None:
    """All tensors on one grid were cast together."""
    assert not on_coarser_grids([sample_of(rounded_to_bf16(trained(n)), "q", n) for n in range(4)])
