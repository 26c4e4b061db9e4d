"""Samples, fingerprints and measurements by hand, each with one thing to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Component, Kind
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import Level
from independence_audit.lineage.measure import NOTHING, Measured, Numbers
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.statistics.aligned import AlignedTest, two_sided
from independence_audit.statistics.joint import JointResult

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "uint16": "BF16", "uint8": "F8_E4M3"}

LEVEL = Level(alpha=1e-6, tests=10, comparisons=2)


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normal values such as weights have, the same ones for a seed every time."""
    return (0.02 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def sample_of(values: NDArray[Any], **facts: Any) -> Sample:
    """A sample of all values of a matrix; of a vector where they have one dimension."""
    matrix = np.ascontiguousarray(np.atleast_2d(values))
    rows = facts.get("rows", np.arange(len(matrix)))
    known: dict[str, Any] = {
        "component": "model",
        "layer": 0,
        "role": "q",
        "axis": Axis.RESIDUAL,
        "name": f"layers.0.{facts.get('role', 'q')}.weight",
        "members": 1,
        "shape": matrix.shape,
        "dtype": DTYPES[str(matrix.dtype)],
        "rows": rows,
        "experts": np.zeros(len(rows), np.int64),
        "start": 0,
        "stop": matrix.shape[1],
        "window": (0, matrix.shape[1]),
        "raw": matrix[:, :, None].view(np.uint8),
    }
    return Sample(**known | facts)


def component_of(name: str = "model", kind: Kind = Kind.TEXT_DECODER, parameters: int = 1, **facts: Any) -> Component:
    """A component of a family that nobody knows."""
    return Component(name, kind, "handmade", parameters, **facts)


def fingerprint_of(*samples: Sample, name: str = "memory", components: Sequence[Component] = ()) -> Fingerprint:
    """A fingerprint of one decoder for each component name, unless its components are told."""
    names = dict.fromkeys(sample.component for sample in samples)
    sizes = {name: sum(sample.parameters for sample in samples if sample.component == name) for name in names}
    found = [component_of(each, parameters=size) for each, size in sizes.items()]
    return Fingerprint(name, "rows-1", tuple(components or found), samples, (), sum(sizes.values()), 0)


def aligned_of(z: float, columns: int = 4096, effective_rows: float = 16.0) -> AlignedTest:
    """An aligned test of a wide matrix that came to z."""
    r = z / math.sqrt((columns - 1) * effective_rows)
    return AlignedTest(z=z, p_value=two_sided(z), r=r, effective_rows=effective_rows, jump=0.1, columns=columns)


def measured_of(
    z: float | None = 0.0,
    *,
    role: str = "q",
    layer: int | None = 0,
    rows: int = 64,
    columns: int = 4096,
    equal: float | None = 0.0,
    values: int = 16_384,
    **facts: Any,
) -> Measured:
    """One measured pair: a test that came to z, or none; a share of equal values, or no values at all."""
    like = Sample(
        "model", layer, role, Axis.RESIDUAL, f"{layer}.{role}", 1, (rows, columns), "F32",
        np.arange(rows), np.zeros(rows, np.int64), 0, columns, (0, columns), None,
    )  # fmt: skip
    effective = 1.0 if rows == 1 else min(rows, 16.0)
    numbers = NOTHING if equal is None else Numbers(values, 0, equal, 0.0 if equal == 1.0 else 0.1, 0.5, 0.5)
    known: dict[str, Any] = {
        "subject": like,
        "reference": like,
        "numbers": numbers,
        "rounding": None,
        "test": None if z is None else aligned_of(z, columns, effective),
        "reason": "",
    }
    return Measured(**known | facts)


def joint_of(z: float, effective_rows: float = 50.0, columns: int = 1024) -> JointResult:
    """A joint result with the role left out that carried most."""
    return JointResult(z, two_sided(z), effective_rows, columns, "gate")


def compared_of(
    *measured: Measured,
    weakest: float | None = None,
    choices: int = 0,
    reference: str = "reference",
    component: str = "model",
    parameters: int | None = None,
) -> Comparison:
    """A component comparison; the component is made of what was measured, unless it is said to be larger."""
    size = sum(one.subject.parameters for one in measured) if parameters is None else parameters
    own, other = component_of(component, parameters=size), component_of("theirs")
    pair = ComponentPair(own, other, tuple((one.subject, one.reference) for one in measured), (), choices)
    joint = None if weakest is None else joint_of(weakest)
    return Comparison(reference, pair, measured, joint, joint, joint)
