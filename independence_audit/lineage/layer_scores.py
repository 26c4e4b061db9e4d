"""The layer score matrix: every pair of layers of two components, role by role, and the layer map behind it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.fingerprint import Sample
from independence_audit.statistics.scores import Floats

MOST_ROWS = 256
"""Rows of a narrow matrix that are compared: the Gram matrix of more would be larger than the sample."""

_ROUNDING = 1e-24
"""Square sum of a cross-product, relative to its factors', that is nothing but rounding errors."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RoleScores:
    """One role in every layer of one component against every layer of another; NaN where a layer lacks it."""

    r: Floats
    """Correlation of the normal scores, [layers, layers]."""
    z: Floats
    """T = tr(XᵀY) over its deviation under a random permutation of the columns, sqrt(<XXᵀ, YYᵀ>/(n-1))."""


@dataclass(frozen=True, slots=True)
class LayerScores:
    """Every layer of one component against every layer of another."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    roles: Mapping[str, RoleScores]

    @property
    def tests(self) -> int:
        """How many cells were looked at: every role's, and the joint test that a cell can be given."""
        matrices = sum(int(np.isfinite(matrices.z).sum()) for matrices in self.roles.values())
        return matrices + len(self.first) * len(self.second)

    @property
    def strength(self) -> Floats:
        """Mean r over the roles that both layers have, [layers, layers]; -1 where they have none in common."""
        return _over_roles([matrices.r for matrices in self.roles.values()], (len(self.first), len(self.second)))

    @property
    def evidence(self) -> Floats:
        """Square root of the sum of the roles' squared z, of those above zero: no weighting makes more of them."""
        total = np.zeros((len(self.first), len(self.second)))
        for matrices in self.roles.values():
            total += np.clip(np.nan_to_num(matrices.z), 0.0, None) ** 2
        return np.sqrt(total)


def score_matrices(ours: Iterable[Sample], theirs: Iterable[Sample]) -> LayerScores:
    """Compare every layer of one component with every layer of another, in one matrix product for each role."""
    mine, other = [one for one in ours if _is_informative(one)], [one for one in theirs if _is_informative(one)]
    first, second = _layers(mine), _layers(other)
    shelves = _by_role(other)
    found: dict[str, list[RoleScores]] = defaultdict(list)
    for place, group in _by_role(mine).items():
        matching = shelves.get(place, {})
        found[place[0]] += [
            _role_scores(samples, against, first, second) for samples in group.values() for against in matching.values()
        ]
    roles = {role: _merged(matrices) for role, matrices in found.items() if matrices}
    return LayerScores(first, second, roles)


def _is_informative(sample: Sample) -> bool:
    return sample.layer is not None and sample.raw is not None and sample.axis is not Axis.NONE and sample.shape[0] > 1


def _layers(samples: Iterable[Sample]) -> tuple[int, ...]:
    return tuple(sorted({sample.layer for sample in samples if sample.layer is not None}))


Place = tuple[str, int, int, int]


def _by_role(samples: Iterable[Sample]) -> Mapping[Place, Mapping[bytes, list[Sample]]]:
    """Samples by role and columns, then by the rows they hold: those of one list can be stacked."""
    found: dict[Place, dict[bytes, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        place = sample.role, sample.shape[1], sample.start, sample.stop
        found[place][sample.identity.tobytes()].append(sample)
    return found


def _role_scores(
    mine: Sequence[Sample], other: Sequence[Sample], first: Sequence[int], second: Sequence[int]
) -> RoleScores:
    _, ours, theirs = np.intersect1d(mine[0].identity, other[0].identity, assume_unique=True, return_indices=True)
    r, z = (np.full((len(first), len(second)), np.nan) for _ in range(2))
    if len(ours):
        x, y = (stacked_scores(each, rows[:MOST_ROWS]) for each, rows in ((mine, ours), (other, theirs)))
        rows = [first.index(sample.layer or 0) for sample in mine]
        columns = [second.index(sample.layer or 0) for sample in other]
        r[np.ix_(rows, columns)], z[np.ix_(rows, columns)] = all_pairs(x, y)
    return RoleScores(r, z)


def stacked_scores(samples: Sequence[Sample], rows: Rows) -> Floats:
    """Normal scores of the same rows of several samples, [samples, rows, columns]."""
    return np.stack([sample.scores[rows] for sample in samples])


def all_pairs(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """r and the plain permutation z of every pair of score matrices, [a, r, n] and [b, r, n], as [a, b] each.

    The variance of the trace, ‖XᵀY‖²/(n-1), is <XXᵀ, YYᵀ>/(n-1): products of small Gram matrices.
    """
    columns = first.shape[2]
    x, y = first.reshape(len(first), -1), second.reshape(len(second), -1)
    trace = x @ y.T
    size = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)
    spread = _grams(first) @ _grams(second).T
    known = spread > _ROUNDING * size**2
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(known, trace / size, np.nan)
        z = np.where(known, trace * math.sqrt(max(1, columns - 1)) / np.sqrt(spread), np.nan)
    return r, z


def _grams(scores: Floats) -> Floats:
    return np.asarray(np.einsum("lin,ljn->lij", scores, scores, optimize=True).reshape(len(scores), -1))


def _merged(matrices: Sequence[RoleScores]) -> RoleScores:
    """One role's cells from groups of different rows; every cell is known to one of them at most."""
    r, z = matrices[0].r.copy(), matrices[0].z.copy()
    for one in matrices[1:]:
        known = np.isfinite(one.z)
        r[known], z[known] = one.r[known], one.z[known]
    return RoleScores(r, z)


def _over_roles(values: Sequence[Floats], shape: tuple[int, int]) -> Floats:
    total, count = np.zeros(shape), np.zeros(shape)
    for one in values:
        total += np.nan_to_num(one)
        count += np.isfinite(one)
    return np.where(count > 0, total / np.maximum(count, 1), -1.0)


MARGIN = 2.0
"""How many times as strong as any other layer the right one must be. Layers of one lineage share a residual basis, so
that wrong ones are not null between relatives."""

TWINS = 0.5
"""Mean r from which two layers of one model are copies of each other, as duplication leaves them."""


def choose_layers(matrices: LayerScores, twins: Floats | None, least: float) -> dict[int, int]:
    """For every layer of the subject the layer of the reference that is by far the strongest.

    Args:
        matrices: Subject layers against reference layers.
        twins: Mean r of the reference's layers among themselves, [layers, layers]: copies are no rivals of each other,
            and of several the one that continues the layer before is taken. None where they are not known.
        least: Evidence below which a cell can never be found.
    """
    strength, evidence = matrices.strength, matrices.evidence
    chosen: dict[int, int] = {}
    before = -1
    for row, layer in enumerate(matrices.first):
        best = int(strength[row].argmax())
        alike = np.arange(strength.shape[1]) == best
        if twins is not None:
            alike |= twins[best] >= TWINS
        rivals = strength[row][~alike]
        rival = float(rivals.max()) if len(rivals) else 0.0
        if evidence[row, best] < least or strength[row, best] < MARGIN * rival or strength[row, best] <= 0.0:
            continue
        before = _continuing(strength[row], best, alike, (before + 1, row))
        chosen[layer] = matrices.second[before]
    return chosen


def _continuing(strength: Floats, best: int, alike: Floats, wished: Sequence[int]) -> int:
    """Of layers that are copies of each other, and as strong, the one that continues the map."""
    for column in wished:
        if column < len(strength) and alike[column] and strength[column] >= strength[best] * (1 - 1e-9):
            return column
    return best


def map_kind(layer_map: Mapping[int, int], reference_layers: Sequence[int]) -> str:
    """What a map of subject layers to reference layers is, in a word.

    ``identity``, ``shifted`` (all by one number), ``pruned`` (in order, layers missing between or behind),
    ``interleaved`` (every layer followed by its copies), ``duplicated`` (layers used again later on) or ``reordered``.
    """
    pairs = sorted(layer_map.items())
    targets = [target for _, target in pairs]
    if all(layer == target for layer, target in pairs):
        missing = set(reference_layers) - set(targets)
        return "pruned" if missing and len(pairs) < len(reference_layers) else "identity"
    if len(set(targets)) < len(targets):
        return "interleaved" if targets == sorted(targets) else "duplicated"
    if len({target - layer for layer, target in pairs}) == 1 and len(pairs) >= len(reference_layers):
        return "shifted"
    if targets == sorted(targets):
        return "pruned" if len(set(reference_layers) - set(targets)) > 0 else "grown"
    return "reordered"


def layer_runs(layer_map: Mapping[int, int]) -> str:
    """A map in words: ``0-3 from 0-3, 4-6 from 6-8``."""
    pairs = sorted(layer_map.items())
    starts = [0] + [
        index
        for index, (one, other) in enumerate(pairwise(pairs), 1)
        if (other[0] - one[0], other[1] - one[1]) != (1, 1)
    ]
    runs = [pairs[start:stop] for start, stop in pairwise([*starts, len(pairs)])]
    return ", ".join(f"{_span(run[0][0], run[-1][0])} from {_span(run[0][1], run[-1][1])}" for run in runs)


def spans(layers: Sequence[int]) -> str:
    """Layer numbers in words: ``2, 5-7``."""
    ordered = sorted(layers)
    starts = [0] + [index for index, (one, other) in enumerate(pairwise(ordered), 1) if other != one + 1]
    runs = [ordered[start:stop] for start, stop in pairwise([*starts, len(ordered)])]
    return ", ".join(_span(run[0], run[-1]) for run in runs if run)


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
