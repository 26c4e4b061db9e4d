"""Samples and fingerprints by hand, for tests of what training leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from independence_audit.anatomy import Axis, Component, Kind
from independence_audit.fingerprint.samples import Fingerprint, Sample
from tests.fingerprint.small_checkpoints import bf16

SAMPLER = "by hand"


def sample_of(values: np.ndarray, role: str, layer: int | None = 0, **facts: Any) -> Sample:
    """A sample that holds all of a tensor's values, as float32 unless told otherwise."""
    matrix = np.atleast_2d(values)
    dtype = facts.pop("dtype", "F32")
    stored = bf16(matrix) if dtype == "BF16" else matrix.astype({"F32": np.float32, "F16": np.float16}[dtype])
    rows, columns = matrix.shape
    known: dict[str, Any] = {
        "component": "model",
        "axis": Axis.RESIDUAL,
        "name": f"layers.{layer}.{role}",
        "members": 1,
        "reason": "",
    }
    return Sample(
        layer=layer,
        role=role,
        shape=(rows, columns),
        dtype=dtype,
        rows=np.arange(rows),
        experts=np.zeros(rows, dtype=np.int64),
        start=0,
        stop=columns,
        window=(0, columns),
        raw=np.ascontiguousarray(stored)[:, :, None].view(np.uint8).reshape(rows, columns, -1),
        **(known | facts),
    )


def fingerprint_of(samples: Sequence[Sample], name: str = "by hand") -> Fingerprint:
    """A fingerprint of some samples, with a component for each name among them."""
    names = dict.fromkeys(sample.component for sample in samples)
    sizes = {each: sum(sample.parameters for sample in samples if sample.component == each) for each in names}
    components = tuple(Component(each, Kind.TEXT_DECODER, "handmade", sizes[each]) for each in names)
    return Fingerprint(name, SAMPLER, components, tuple(samples), (), sum(sizes.values()), 1)


def drawn(seed: int, rows: int = 128, columns: int = 128, scale: float = 0.02) -> np.ndarray:
    """A matrix as initialisation draws it."""
    return np.random.default_rng(seed).normal(0.0, scale, (rows, columns))


def trained(seed: int, rows: int = 128, columns: int = 128, scale: float = 0.02) -> np.ndarray:
    """A drawn matrix to which training added a few strong directions."""
    random = np.random.default_rng(seed + 1_000_000)
    update = random.normal(size=(rows, 4)) @ random.normal(size=(4, columns))
    return drawn(seed, rows, columns, scale) + 0.4 * scale * update
