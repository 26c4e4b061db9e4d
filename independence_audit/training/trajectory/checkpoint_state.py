"""A checkpoint as the scan of a trajectory holds it: sampled values by place, decoded once.

What training added: a checkpoint's weights with what is left of the first checkpoint's draw taken out.

Weights that share an initial draw look like weights that share training. The update since the first checkpoint, with
what is left of that checkpoint taken out tensor by tensor, is orthogonal to the draw: what it shares with a reference
is training. A reference that is independent of both stays exchangeable, so the test keeps its level.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.core.number_types import DTYPES
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.training.untouched import is_weight

Place = tuple[str, int | None, str, str]
"""Component, layer, role and name: what stays the same from checkpoint to checkpoint."""
Values = NDArray[np.float32] | NDArray[np.float64]

SINGLE = 2.0**-24
"""Relative error of values that were worked with in single precision, however wide they are stored."""

LARGEST = 1e15
"""Beyond this no weight lies, and products of two would leave the range of single precision."""
LINE = 1e-4
"""Part of one tensor across another, relative to it, below which the two are one line."""


@dataclass(frozen=True, slots=True)
class State:
    """The trained tensors of one checkpoint."""

    samples: Mapping[Place, Sample]
    values: Mapping[Place, Values]
    """[rows, columns], finite, in single precision; what is no weight is zero."""

    def __iter__(self) -> Iterator[Place]:
        return iter(self.samples)


@dataclass(frozen=True, slots=True)
class Plane:
    """All combinations of two checkpoints, tensor by tensor, as two orthogonal directions of unit length."""

    directions: Mapping[Place, tuple[NDArray[np.float32], NDArray[np.float32]]]

    def beyond(self, place: Place, values: Values) -> NDArray[np.float32] | None:
        """What of a tensor's values no combination gives; None where the two do not span a plane of its shape."""
        found = self.directions.get(place)
        if found is None or found[0].size != values.size:
            return None
        rest = values.ravel().astype(np.float32)
        for direction in found:
            rest = rest - np.float32(np.dot(direction, rest)) * direction
        return rest.reshape(values.shape)


def plane_of(first: State, last: State) -> Plane:
    """The plane of the matrices of two checkpoints; those that are one line are left out."""
    directions = {}
    for place, values in first.values.items():
        other = last.values.get(place)
        if other is None or other.shape != values.shape or min(values.shape) < 2:  # noqa: PLR2004  a matrix
            continue
        x, y = values.ravel().astype(np.float64), other.ravel().astype(np.float64)
        length, whole = float(np.linalg.norm(x)), float(np.linalg.norm(y))
        if length == 0.0 or whole == 0.0:
            continue
        x /= length
        y -= float(x @ y) * x
        rest = float(np.linalg.norm(y))
        if rest > LINE * whole:
            directions[place] = x.astype(np.float32), (y / rest).astype(np.float32)
    return Plane(directions)


def state_of(fingerprint: Fingerprint) -> State:
    """Decode the trained tensors of a fingerprint; buffers and what could not be read are left out."""
    samples = {place_of(sample): sample for sample in fingerprint.samples if is_weight(sample)}
    return State(samples, {place: _finite(sample.values()) for place, sample in samples.items()})


def place_of(sample: Sample) -> Place:
    """Where a sample stands, in every checkpoint alike."""
    return sample.component, sample.layer, sample.role, sample.name


def common(first: State, second: State, place: Place) -> tuple[Values, Values] | None:
    """The same rows of a tensor in two checkpoints; None where the tensor is missing or its columns differ.

    A vocabulary that grew leaves the rows that both samples hold.
    """
    mine, other = first.samples.get(place), second.samples.get(place)
    if mine is None or other is None:
        return None
    if mine.shape == other.shape:
        return first.values[place], second.values[place]
    if (mine.shape[1], mine.start, mine.stop) != (other.shape[1], other.start, other.stop) or mine.shape[0] == 1:
        return None
    _, ours, theirs = np.intersect1d(mine.identity, other.identity, assume_unique=True, return_indices=True)
    return (first.values[place][ours], second.values[place][theirs]) if ours.size else None


def rounding_of(sample: Sample) -> float:
    """Standard deviation of a stored value's rounding, relative to the value."""
    return max(SINGLE, DTYPES[sample.dtype].rounding) / math.sqrt(3)


def _finite(values: Values) -> Values:
    """The values in single precision; what is not finite, or larger than any weight, as zero."""
    with np.errstate(over="ignore", under="ignore"):
        single = np.asarray(values, dtype=np.float32)
    wild = ~(np.abs(single) <= LARGEST)
    return np.where(wild, np.float32(0.0), single) if wild.any() else single


def added(first: State, fingerprint: Fingerprint) -> Fingerprint:
    """The checkpoint's weights with what is left of the first checkpoint taken out, tensor by tensor."""
    return replace(fingerprint, samples=tuple(_added(first, fingerprint.samples)))


def _added(first: State, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        before = first.samples.get(place_of(sample))
        if before is None or before.shape != sample.shape or sample.raw is None:
            continue
        x, y = first.values[place_of(sample)].astype(np.float64), sample.values().astype(np.float64)
        if not (np.abs(y) <= LARGEST).all():
            continue  # no weights
        centred = x - x.mean()
        square = float((centred**2).sum())
        share = float((centred * (y - y.mean())).sum()) / square if square > 0.0 else 0.0
        rest = np.ascontiguousarray(y - y.mean() - share * centred, dtype=np.float32)
        if square > 0.0 and float(np.abs(rest).max(initial=0.0)) <= 1e-6 * float(np.abs(y).max(initial=0.0)):
            continue  # nothing was added; what is left is rounding
        raw = rest[:, :, None].view(np.uint8).reshape(*rest.shape, 4)
        yield replace(sample, raw=raw, dtype="F32")
