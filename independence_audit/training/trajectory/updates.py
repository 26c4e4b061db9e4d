"""What one checkpoint changed since the one before, tensor by tensor.

Linear sketches: a tensor's values as a few sums with random signs, which keep lengths, angles and combinations.

The count sketch of Charikar, Chen and Farach-Colton (2002): every value is added to one of a few buckets with a random
sign. It is linear, so an exact combination of checkpoints is one of their sketches, and squared lengths are kept with a
relative error of sqrt(2 / buckets) a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Rows, rows_of
from independence_audit.statistics.laws import NOTHING, Dependence, Floats, row_dependence
from independence_audit.training.trajectory.checkpoint_state import Place, Plane, State, Values, common, rounding_of
from independence_audit.training.trajectory.ends import Between, Ends

OUTER = (Rows.TOKENS, Rows.POSITIONS, Rows.WORLD)
"""Rows that change each on their own, so that they say little of a link."""
MEASURABLE = 4.0
"""Times the rounding error from which a change is more than rounding: its square is then 6% of the change's at most."""

CENTRED = 0.1
"""Part of a tensor's squares that is spread about its mean; below it single precision would not do for the spread."""

SINGLE = 1e-5
"""What single precision leaves of a combination, relative to the weights, with room."""


@dataclass(frozen=True, slots=True)
class TensorStep:
    """One tensor at one checkpoint, beside the first checkpoint and the one before."""

    place: Place
    parameters: int
    values: int
    is_matrix: bool
    digest: bytes
    rounding: float
    """Standard deviation of a stored value's rounding, relative to the value."""
    weight: float
    """Length of the sampled values, and of the change below."""
    sketch: Floats | None
    """Of matrices only."""
    first_r: float | None
    previous_r: float | None
    change: float | None
    """None for the first checkpoint, and where the tensors cannot be compared."""
    identical: float | None
    cosine: tuple[float, float] | None
    """Product of this change with the one before, and of their lengths."""
    dependence: Dependence
    """Of the rows of what no multiple of the checkpoint before gives; nothing where that is no more than rounding."""
    apart: Dependence
    """Of what no combination of the first and the last checkpoint explains, where that is more than rounding."""
    between: Between | None
    """Of matrices only."""

    @property
    def is_inner(self) -> bool:
        """Whether the tensor is a matrix between hidden units."""
        return self.is_matrix and rows_of(self.place[2].rpartition(".")[2]) not in OUTER


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the scan holds at a time: constant, however many checkpoints there are."""

    first: State
    plane: Plane
    """Of the first and the last checkpoint."""
    ends: Ends
    """Likewise."""
    previous: State | None
    before_previous: State | None


def tensor_steps(state: State, earlier: Earlier) -> Iterator[TensorStep]:
    """Measure every tensor of a checkpoint against those that are held."""
    for place, sample in state.samples.items():
        values, rounding = state.values[place], rounding_of(sample)
        weight, is_matrix = _length(values), min(values.shape) > 1
        pair = common(earlier.previous, state, place) if earlier.previous else None
        change = None if pair is None else pair[1] - pair[0]
        length = None if change is None else _length(change)
        yield TensorStep(
            place=place,
            parameters=sample.parameters,
            values=values.size,
            is_matrix=is_matrix,
            digest=sample.digest,
            rounding=rounding,
            weight=weight,
            sketch=sketch(values) if is_matrix else None,
            first_r=_r(common(earlier.first, state, place)),
            previous_r=_r(pair),
            change=length,
            identical=None if pair is None or not pair[0].size else _identical(*pair),
            cosine=_cosine(change, earlier, place),
            dependence=_dependence(pair, rounding * weight) if is_matrix else NOTHING,
            apart=_apart(values, earlier, place, rounding, weight) if is_matrix and earlier.previous else NOTHING,
            between=earlier.ends.between(place, values) if earlier.previous else None,
        )


def _length(values: Values) -> float:
    flat = values.ravel()
    return math.sqrt(float(np.dot(flat, flat)))


def _identical(x: Values, y: Values) -> float:
    """Share of equal values."""
    return int(np.count_nonzero(x == y)) / x.size


def _r(pair: tuple[Values, Values] | None) -> float | None:
    """Pearson correlation of all values of a matrix; None for vectors and constants."""
    if pair is None or min(pair[0].shape) < 2:  # noqa: PLR2004  gains of unrelated models correlate; they say nothing here
        return None
    x, y = (each.ravel() for each in pair)
    means = [float(np.add.reduce(each)) / each.size for each in (x, y)]
    squares = float(np.dot(x, x)), float(np.dot(y, y))
    spreads = [square - x.size * mean * mean for square, mean in zip(squares, means, strict=True)]
    product = float(np.dot(x, y)) - x.size * means[0] * means[1]
    if min(spread - CENTRED * square for spread, square in zip(spreads, squares, strict=True)) < 0.0:
        x, y = (each - each.mean(dtype=np.float64) for each in (x, y))
        spreads, product = [float(np.dot(x, x)), float(np.dot(y, y))], float(np.dot(x, y))
    lengths = math.sqrt(spreads[0] * spreads[1])
    return product / lengths if lengths > 0.0 else None


def _cosine(change: Values | None, earlier: Earlier, place: Place) -> tuple[float, float] | None:
    if change is None or earlier.previous is None or earlier.before_previous is None:
        return None
    pair = common(earlier.before_previous, earlier.previous, place)
    if pair is None or pair[0].shape != change.shape:
        return None
    before = (pair[1] - pair[0]).ravel()
    return float(np.dot(before, change.ravel())), _length(before) * _length(change)


def _dependence(pair: tuple[Values, Values] | None, rounding: float) -> Dependence:
    """Dependence of the rows of what was added, where that is large beside the rounding of both ends, which is noise.

    Decay shrinks a draw, and what is lost of it would look like noise that was added: no multiple counts.
    """
    if pair is None:
        return NOTHING
    before, now = pair
    square = float(np.vdot(before, before))
    added = now - np.float32(np.vdot(before, now) / square) * before if square > 0.0 else now
    if _length(added) <= MEASURABLE * math.sqrt(2.0) * rounding:
        return NOTHING
    return row_dependence(added)


def _apart(values: Values, earlier: Earlier, place: Place, rounding: float, weight: float) -> Dependence:
    """Dependence of the rows of what no combination of the first and the last checkpoint gives."""
    rest = earlier.plane.beyond(place, values)
    if rest is None or _length(rest) <= max(SINGLE, MEASURABLE * math.sqrt(2.0) * rounding) * weight:
        return NOTHING
    return row_dependence(rest)


def pooled(dependences: Iterable[Dependence]) -> Dependence:
    """Several dependences as one."""
    return sum(dependences, NOTHING)


NOISE = 1.25
"""Dependence of the rows of what was added below which it is noise. Honest runs: 2.1 to 60, noise 1.00."""


def may_add_noise(steps: Sequence[TensorStep]) -> bool:
    """Whether what a component adds, to the checkpoint before or to a combination of the ends, may be noise."""
    added = [pooled(step.dependence for step in steps), pooled(step.apart for step in steps)]
    return any(each.pairs and each.ratio <= 2.0 * NOISE for each in added)


def median_r(steps: Sequence[TensorStep], which: str) -> float | None:
    """Median correlation of the inner matrices, or of all where there is no inner one."""
    inner = [step for step in steps if step.is_inner] or [step for step in steps if step.is_matrix]
    known = [r for step in inner if (r := getattr(step, which)) is not None]
    return median(known) if known else None


LINKED = 0.1
"""Correlation with the checkpoint before from which two are links of one chain. Unrelated models give 0 within 0.02;
the 135 links of the honest runs 0.85 to 1, and real networks still 0.77 to 0.81 between their draw and their last
weights."""
ENOUGH = 2048
"""Values of matrices from which a component's links can be told."""


def is_broken(steps: Sequence[TensorStep]) -> bool:
    """Whether a component shares nothing with the checkpoint before."""
    r = median_r(steps, "previous_r")
    return r is not None and abs(r) < LINKED and sum(step.values for step in steps if step.is_matrix) >= ENOUGH


BUCKETS = 64
"""Sums a tensor: 512 bytes, of which a trajectory keeps one for every tensor and checkpoint."""


def sketch(values: NDArray[np.floating]) -> Floats:
    """The sketch [BUCKETS] of a tensor's values; equal shapes are summed alike."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    bucket, sign = _plan(flat.size)
    return np.asarray(np.bincount(bucket, weights=flat * sign, minlength=BUCKETS), dtype=np.float64)


@lru_cache(maxsize=16)
def _plan(size: int) -> tuple[NDArray[np.int64], Floats]:
    """Bucket and sign of every value: Philox words, stable across versions of numpy."""
    words = np.random.Philox(key=np.array([size, 0x5E7C4], dtype=np.uint64)).random_raw(size)
    return (words % np.uint64(BUCKETS)).astype(np.int64), np.where(words >> np.uint64(63), -1.0, 1.0)
