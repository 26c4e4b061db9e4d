"""A screening at all tensors of two components together: enough to tell an unrelated model, at a hundredth of the cost.

Where an audit has many references, nearly all are unrelated models to the subject, and what tells them is cheap: the
subject's normal scores against the *signs* of the reference's values about their row's middle. Under an independent
start the columns are exchangeable for these as they are for scores, so that T = tr(XᵀS) has mean 0 and variance
‖XᵀS‖²/(n-1) exactly. Both factors are bounded, so that no outlier carries it or hides behind another; signs see 2/π of
the rows that scores see (they correlate with them by √(2/π)). Whoever shows anything here is measured in full: nothing
is found at a screening, and what is hidden from it would have to be nearer to nothing than the bound that is stated.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.checkpoint import decode
from independence_audit.fingerprint import Sample
from independence_audit.lineage.measure import NOTHING, SHAPE_DIFFERS, Measured
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.statistics.aligned import AlignedTest, two_sided

CURIOUS = 4.5
"""|z| of one tensor, or of all together, from which a component is measured in full. A copy at the bound that is stated
of a screening has a mean of z_level + 1.6, 6.5 and more, and stays below with 2%; of unrelated models with 200 tensors
one in seven hundred reaches it, and costs thirty times as much."""

SIGNS = 2.0 / math.pi
"""Squared correlation of a normal variable with its sign."""

LOOKED_AT = 33
"""Values of a row whose median stands for its middle: an offset or some outliers do not move it far."""

TOGETHER = 16
"""Tensors that are looked at together: with 16 rows of 1,024 columns a MB on each side, which stays in the cache."""

FEWEST = 4
"""Tensors of which a screening can tell: it does not see what stands in an order, as of fewer all may."""

MOST_SIDES = 64
"""Selections of so many of the subject's samples that are kept: references of one family meet the same."""

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Side:
    """Samples of one shape: [t, r, n] centred along rows, the Grams of their rows, and their squared norms."""

    values: Singles
    grams: Singles
    sizes: NDArray[np.float64]


class Screening:
    """Looks at the references of one subject; what is the subject's own is worked out once."""

    def __init__(self) -> None:
        self._sides: dict[tuple[int, ...], _Side] = {}

    def look(self, pair: ComponentPair) -> tuple[Measured, ...] | None:
        """What an unrelated model's tensors come to; None where something shows, or where a screening cannot tell."""
        if pair.candidates:
            return None
        measured: dict[int, Measured] = {}
        groups: dict[tuple[int, int, str], list[int]] = defaultdict(list)
        for number, (mine, theirs) in enumerate(pair.pairs):
            reason = _reason(mine, theirs)
            if reason:
                incomparable = Axis.NONE not in (mine.axis, theirs.axis) or mine.raw is None or theirs.raw is None
                measured[number] = Measured(mine, theirs, NOTHING, None, None, reason, incomparable=incomparable)
            elif not np.array_equal(mine.identity, theirs.identity):
                return None
            else:
                groups[len(mine.rows), mine.stop - mine.start, theirs.dtype].append(number)
        for numbers in _blocks(groups.values()):
            tests = self._tests([pair.pairs[number] for number in numbers])
            if tests is None:
                return None
            for number, test in zip(numbers, tests, strict=True):
                mine, theirs = pair.pairs[number]
                measured[number] = Measured(mine, theirs, NOTHING, None, test, "" if test else "constant")
        scores = [one.test.z for one in measured.values() if one.test]
        if len(scores) < FEWEST:
            return None
        if any(abs(z) >= CURIOUS for z in scores) or abs(sum(scores)) >= CURIOUS * math.sqrt(max(1, len(scores))):
            return None
        return tuple(measured[number] for number in range(len(pair.pairs)))

    def _tests(self, pairs: Sequence[tuple[Sample, Sample]]) -> list[AlignedTest | None] | None:
        """A test for each pair of samples of one shape, None where one is constant; None where not all is finite."""
        ours, theirs = self._scores([mine for mine, _ in pairs]), _signs([other for _, other in pairs])
        if theirs is None:
            return None
        columns = ours.values.shape[2]
        diagonals = np.einsum("tij,tij->tj", ours.values, theirs.values)
        traces = diagonals.sum(axis=1, dtype=np.float64)
        squares = np.einsum("tij,tij->t", ours.grams, theirs.grams, dtype=np.float64)
        flips = np.einsum("tj,tj->t", diagonals, diagonals, dtype=np.float64)
        sizes = np.sqrt(ours.sizes * theirs.sizes)
        return [
            _test(*figures, columns)
            for figures in zip(traces.tolist(), squares.tolist(), flips.tolist(), sizes.tolist(), strict=True)
        ]

    def _scores(self, samples: Sequence[Sample]) -> _Side:
        """The subject's normal scores; most references meet the same samples of it."""
        key = tuple(map(id, samples))
        if key not in self._sides:
            if len(self._sides) >= MOST_SIDES:
                self._sides.clear()
            self._sides[key] = _side(np.stack([sample.scores.astype(np.float32) for sample in samples]))
        return self._sides[key]


def _blocks(groups: Iterable[Sequence[int]]) -> Iterator[Sequence[int]]:
    for numbers in groups:
        for start in range(0, len(numbers), TOGETHER):
            yield numbers[start : start + TOGETHER]


def _reason(mine: Sample, theirs: Sample) -> str:
    """Why a pair says nothing or cannot be compared, as a message key; empty where it can be looked at."""
    for sample in (mine, theirs):
        if sample.raw is None:
            return sample.reason
    if (mine.shape[1], mine.start, mine.stop) != (theirs.shape[1], theirs.start, theirs.stop):
        return SHAPE_DIFFERS
    if Axis.NONE in (mine.axis, theirs.axis):
        return mine.reason or theirs.reason or "no_exchangeable_axis"
    return ""


def _signs(samples: Sequence[Sample]) -> _Side | None:
    """Signs of the reference's values about their row's middle; None where one is not finite."""
    raw = np.stack([sample.raw for sample in samples if sample.raw is not None])
    values = decode(raw.reshape(-1), samples[0].dtype).astype(np.float32, copy=False).reshape(*raw.shape[:2], -1)
    if not np.isfinite(values.sum(dtype=np.float64)):
        return None
    step = max(1, values.shape[2] // LOOKED_AT)
    middle = np.median(values[:, :, ::step], axis=2)[:, :, None]
    signs = (values > middle).astype(np.float32)
    signs -= values < middle
    signs -= signs.mean(axis=2, keepdims=True)
    return _side(signs)


def _side(values: Singles) -> _Side:
    grams = values @ values.transpose(0, 2, 1)
    return _Side(values, grams, np.trace(grams, axis1=1, axis2=2).astype(np.float64))


def _test(trace: float, square: float, flip: float, size: float, columns: int) -> AlignedTest | None:
    """The permutation test of one tensor, the smaller in size of the plain and the sign-flip statistic."""
    if square <= 0.0 or flip <= 0.0 or columns < 2:  # noqa: PLR2004  one column cannot be exchanged
        return None
    plain, sign_flip = trace / math.sqrt(square / (columns - 1)), trace / math.sqrt(flip)
    z = math.copysign(min(abs(plain), abs(sign_flip)), trace)
    return AlignedTest(
        z=z,
        p_value=two_sided(z),
        r=trace / size / math.sqrt(SIGNS),
        effective_rows=SIGNS * size**2 / square,
        jump=0.0,
        columns=columns,
    )
