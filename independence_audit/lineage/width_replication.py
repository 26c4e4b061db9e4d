"""Widths that repeat themselves: models grown by copying every channel (hypercloning), found in one model alone.

Between two such models the channels cannot be exchanged one by one, but only with their copies, so that a test on all
of them would count each unit several times: z between unrelated models would scatter by up to sqrt(copies). So one copy
is tested.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from independence_audit.anatomy import Axis
from independence_audit.fingerprint import Sample
from independence_audit.statistics.scores import Floats

MOST_COPIES = 8
"""Copies of a channel that are looked for: growth is by two or four in what has been published."""

ALIKE = 0.3
"""Correlation of a channel with its copies from which a width counts as repeating; below it z is off by 5% at most.
Measured on the examples and real networks, 2,118 looks: 0.15 at most; sinusoids added to a narrow stream give 0.18."""

SURE_Z = 6.0
"""z of that correlation; 5.6 at most in the same looks, on widths of 128."""

_NEVER = (Axis.NONE, Axis.ATTENTION)
"""Query heads that share a value head have like columns in the output projection (r = 0.3) in any model."""

LIMIT = 3.0
"""Standard deviations of its row beyond which a value is limited, so that no outlier carries the correlation."""

MOST_SAMPLES = 24
"""Samples of a width that are looked at."""

Width = tuple[Axis, int]
"""What columns run along, and how many there are."""


@dataclass(frozen=True, slots=True)
class Replication:
    """How a width repeats itself."""

    width: int
    copies: int
    adjacent: bool
    """Whether a channel's copies stand side by side; else whole blocks follow each other."""
    r: float
    """Correlation of the channels with their copies."""

    @property
    def period(self) -> int:
        """Number of different channels."""
        return self.width // self.copies

    def keep(self, start: int, stop: int) -> slice:
        """One copy of every channel among the columns from start to stop, as a slice of these."""
        if self.adjacent:
            return slice(-start % self.copies, None, self.copies)
        return slice(0, min(self.period, stop - start))


def find_replications(samples: Iterable[Sample]) -> dict[Width, Replication]:
    """The widths of one component whose channels repeat, by what they run along."""
    widths: dict[Width, list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.raw is not None and sample.axis not in _NEVER and sample.shape[1] > 1 and sample.raw.size:
            widths[sample.axis, sample.shape[1]].append(sample)
    found = {width: _replication(width[1], _spread(held)) for width, held in widths.items()}
    return {width: replication for width, replication in found.items() if replication}


def shared_replications(
    first: Mapping[Width, Replication], second: Mapping[Width, Replication]
) -> dict[int, Replication]:
    """For every width that repeats itself in both models the tile by which the test is made.

    The permutation law holds where one side's channels may be exchanged freely. That side is the one which keeps more
    of them; where one side does not repeat itself, all its channels may be exchanged, and nothing has to be left out.
    """
    both = [
        max(first[width], second[width], key=lambda replication: replication.period)
        for width in first
        if width in second
    ]
    return {replication.width: replication for replication in both}


def _spread(samples: list[Sample]) -> list[Sample]:
    """Some of the samples, from all over the model."""
    return samples[:: math.ceil(len(samples) / MOST_SAMPLES)]


def _replication(width: int, samples: list[Sample]) -> Replication | None:
    """The most copies that all samples together show."""
    rows = [(sample.start, _limited(sample)) for sample in samples]
    for copies in range(min(MOST_COPIES, width // 2), 1, -1):
        if width % copies:
            continue
        for adjacent in (False, True):
            r = _repetition(rows, width, copies, adjacent=adjacent)
            if r is not None:
                return Replication(width, copies, adjacent, r)
    return None


def _limited(sample: Sample) -> Floats:
    """Values in standard deviations of their row, outliers limited; ranks would cost a hundred times as much here.

    Zeros stay zeros, and the others are held against each other: a mask in blocks is no repetition.
    """
    values = np.nan_to_num(sample.values().astype(np.float64), posinf=0.0, neginf=0.0)
    there = values != 0.0
    counts = np.maximum(there.sum(axis=1, keepdims=True), 1)
    values -= values.sum(axis=1, keepdims=True) / counts
    values *= there
    deviation = np.sqrt(np.square(values).sum(axis=1, keepdims=True) / counts)
    scaled = np.divide(values, deviation, out=np.zeros_like(values), where=deviation > 0.0)
    return np.asarray(np.clip(scaled, -LIMIT, LIMIT))


def _repetition(rows: Sequence[tuple[int, Floats]], width: int, copies: int, *, adjacent: bool) -> float | None:
    """Smallest correlation of the first copy with another; None where there is none to speak of."""
    pairs: list[list[tuple[Floats, Floats]]] = [[] for _ in range(copies - 1)]
    for start, values in rows:
        blocks = _blocks(start, values, width, copies, adjacent=adjacent)
        for pair, other in zip(pairs, blocks[1:], strict=False):
            pair.append((blocks[0], other))
    results = [_correlation(pair) for pair in pairs if pair]
    if not results or any(r < ALIKE or z < SURE_Z for r, z in results):
        return None
    return min(r for r, _ in results)


def _blocks(start: int, values: Floats, width: int, copies: int, *, adjacent: bool) -> list[Floats]:
    """The copies that a window of columns holds whole, centred: [rows, channels] each."""
    if adjacent:
        skipped = -start % copies
        whole = (values.shape[1] - skipped) // copies
        blocks = [values[:, skipped + place : skipped + whole * copies : copies] for place in range(copies)]
    else:
        period = width // copies
        blocks = [values[:, place : place + period] for place in range(0, values.shape[1] - period + 1, period)]
    return [block - block.mean(axis=1, keepdims=True) for block in blocks if block.shape[1]]


def _likeness(x: Floats, y: Floats) -> float:
    """‖xᵀ y‖² of [rows, channels] each, through the smaller of the two products."""
    tall = x.shape[0] > x.shape[1]
    return float(np.square(x.T @ y).sum() if tall else ((x @ x.T) * (y @ y.T)).sum())


def _correlation(pairs: list[tuple[Floats, Floats]]) -> tuple[float, float]:
    """r over all pairs, and its z were the columns of each exchanged at random."""
    trace = sum(float((x * y).sum()) for x, y in pairs)
    size = math.sqrt(sum(float((x**2).sum()) for x, _ in pairs) * sum(float((y**2).sum()) for _, y in pairs))
    spread = sum(_likeness(x, y) / max(1, x.shape[1] - 1) for x, y in pairs)
    if size == 0.0 or spread <= 0.0:
        return 0.0, 0.0
    return trace / size, trace / math.sqrt(spread)
