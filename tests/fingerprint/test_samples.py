"""What a sample tells of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample

VALUES = np.arange(12, dtype=np.float32).reshape(3, 4)
SAMPLE = Sample(
    component="model",
    layer=2,
    role="gate",
    axis=Axis.RESIDUAL,
    name="experts.*.gate",
    members=5,
    shape=(10, 4),
    dtype="F32",
    rows=np.array([7, 8, 7]),
    experts=np.array([0, 0, 3]),
    start=0,
    stop=4,
    window=(0, 4),
    raw=VALUES[:, :, None].view(np.uint8),
)


def test_values_are_decoded() -> None:
    """Raw bytes become the numbers they stand for."""
    assert np.array_equal(SAMPLE.values(), VALUES)
    assert SAMPLE.values().dtype == np.float32


def test_values_of_a_slice_are_decoded() -> None:
    """Bytes need not be contiguous."""
    assert SAMPLE.raw is not None
    assert np.array_equal(replace(SAMPLE, raw=SAMPLE.raw[::2, 1:]).values(), VALUES[::2, 1:])


def test_wide_types_keep_their_precision() -> None:
    """Doubles are not narrowed: equality must mean equality."""
    doubles = VALUES.astype(np.float64) + 1e-12
    sample = replace(SAMPLE, dtype="F64", raw=doubles[:, :, None].view(np.uint8))
    assert np.array_equal(sample.values(), doubles)


def test_no_values() -> None:
    """Where values cannot be had there are no rows of them."""
    assert replace(SAMPLE, raw=None).values().shape == (0, 4)


def test_identity_tells_rows_and_experts_apart() -> None:
    """Equal rows of different experts differ, equal rows of equal experts do not."""
    assert len(set(SAMPLE.identity)) == 3
    other = replace(SAMPLE, rows=np.array([7]), experts=np.array([3]))
    assert other.identity[0] == SAMPLE.identity[2]


def test_digest_is_that_of_the_values() -> None:
    """Equal bytes have equal digests, wherever they lie; one changed byte does not."""
    assert SAMPLE.raw is not None
    changed = SAMPLE.raw.copy()
    changed[2, 3, 0] ^= 1
    assert SAMPLE.digest == replace(SAMPLE, role="up", raw=SAMPLE.raw.copy()).digest
    assert SAMPLE.digest != replace(SAMPLE, raw=changed).digest
    assert replace(SAMPLE, raw=SAMPLE.raw[:, ::-1]).digest == replace(SAMPLE, raw=SAMPLE.raw[:, ::-1].copy()).digest


def test_key_and_parameters() -> None:
    """Samples are matched by layer and role; parameters count all members."""
    assert SAMPLE.layer_role == (2, "gate")
    assert SAMPLE.parameters == 200
