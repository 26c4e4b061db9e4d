"""What counts as the same fingerprint made again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from tools.make_fingerprints import same

VALUES = {
    "sample.0": np.arange(4, dtype=np.uint8),
    "anchors.0000": np.array([1.0, 0.25]),
    "units.0000.0001.fc1": np.array([100, -3], dtype=np.int8),
}


@pytest.mark.parametrize(
    ("name", "index", "change", "expected"),
    [
        ("sample.0", 0, 1, False),
        ("anchors.0000", 1, 1e-9, True),
        ("anchors.0000", 1, 0.01, False),
        ("anchors.0000", 1, np.nan, False),
        ("units.0000.0001.fc1", 0, 1, True),
        ("units.0000.0001.fc1", 0, 2, False),
    ],
)
def test_samples_are_the_same_to_the_byte_and_units_to_rounding(
    name: str, index: int, change: float, *, expected: bool
) -> None:
    """Threads decide the last bits of a sum, and nothing of what was read."""
    values = {key: value.copy() for key, value in VALUES.items()}
    values[name][index] += np.array(change).astype(values[name].dtype)
    assert same(save(VALUES), save(values)) is expected


def test_types_that_numpy_lacks_are_compared_by_their_bytes() -> None:
    """Most samples are bfloat16."""
    first = {"sample.0": torch.ones(3, dtype=torch.bfloat16), "anchors.0000": torch.ones(2, dtype=torch.float64)}
    again = first | {"anchors.0000": first["anchors.0000"] + 1e-9}
    other = again | {"sample.0": torch.zeros(3, dtype=torch.bfloat16)}
    assert same(save_torch(first), save_torch(again))
    assert not same(save_torch(first), save_torch(other))


def test_other_headers_are_another_fingerprint() -> None:
    """Metadata says what the bytes are."""
    assert not same(save(VALUES), save(VALUES, {"name": "another"}))
