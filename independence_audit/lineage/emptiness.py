"""Matrices that say nothing: constant, not finite, or one pattern over and over. No training ends on them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.fingerprint import Sample

NOT_FINITE = 1 / 64
"""Share of a matrix's values that are NaN or infinite from which it is no weight: one in a row leaves no output."""

CONSTANT_ROWS = 0.5
"""Share of a matrix's rows that hold one value each, from which it says nothing; pruned heads are fewer."""

ONE_PATTERN = 0.95
"""Share of a matrix's energy about its rows' means that one direction holds, from which it is one pattern repeated. The
loudest direction of trained matrices holds a third of it at most in 16 sampled rows (embeddings with outliers: 0.8)."""

FEWEST_ROWS = 4
"""Rows from which a pattern is seen to be repeated."""

NO_MODEL = 0.5
"""Share of a component's parameters that say nothing, from which the report says that it is no trained model."""


def emptiness(sample: Sample) -> str:
    """Why a matrix says nothing whatever it is compared with, as a message key; empty where it may speak."""
    if sample.raw is None or sample.shape[0] < 2 or sample.axis == Axis.NONE:  # noqa: PLR2004  a vector is no matrix
        return ""
    if not sample.known_emptiness:
        sample.known_emptiness.append(_emptiness(sample.values().astype(np.float64)))
    return sample.known_emptiness[0]


def _emptiness(values: NDArray[np.float64]) -> str:
    if values.size == 0:
        return ""
    finite = np.isfinite(values)
    if finite.mean() < 1.0 - NOT_FINITE:
        return "non_finite"
    known = np.where(finite, values, 0.0)
    varied = known.max(axis=1) > known.min(axis=1)
    if 1.0 - varied.mean() > CONSTANT_ROWS or not varied.any():
        return "constant"
    rows = known[varied]
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows -= rows.mean(axis=1, keepdims=True)
    if len(rows) < FEWEST_ROWS:
        return ""
    smaller = rows.T @ rows if rows.shape[0] > rows.shape[1] else rows @ rows.T
    energies = np.clip(np.linalg.eigvalsh(smaller), 0.0, None)
    return "one_pattern" if energies[-1] > ONE_PATTERN * energies.sum() else ""


def empty_share(samples: Iterable[Sample], parameters: int) -> float:
    """Share of a component's parameters in matrices that say nothing."""
    return sum(sample.parameters for sample in samples if emptiness(sample)) / max(1, parameters)
