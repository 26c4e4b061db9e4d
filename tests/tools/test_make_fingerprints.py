"""What counts as the same fingerprint made again."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

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


def test_other_headers_are_another_fingerprint() -> None:
    """Metadata says what the bytes are."""
    assert not same(save(VALUES), save(VALUES, {"name": "another"}))
