"""Measuring one pair of samples: what is equal, what differs by how much, and the aligned test."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, is_generic
from independence_audit.fingerprint import Sample
from independence_audit.lineage.outcomes import Undone
from independence_audit.lineage.width_replication import Replication
from independence_audit.statistics.aligned import AlignedTest, aligned_test_of_scores
from independence_audit.statistics.order_probe import is_ordered
from independence_audit.statistics.permutation import Product
from independence_audit.statistics.quantised import quantisation
from independence_audit.statistics.rounding import Values, rounding
from independence_audit.statistics.scores import normal_scores
from independence_audit.statistics.structure import follows_diagonals, without_structure

FEW_VALUES = 64
"""Fewer equal values than these are no evidence: small constants and computed buffers agree between unrelated
models."""

SHAPE_DIFFERS = "shape_differs"
"""Why two samples were not compared, as a message key: their matrices have other widths."""

MOSTLY_ZERO = 0.75
FEW_NUMBERS = 32
"""A bank of filters for each of C channels is zero in all but 1/C of its values, and holds one kernel's numbers."""

BALANCED = 0.125
"""Share of either number from which a matrix of two numbers holds signs, and no constant with exceptions."""

_ORDINARY = 1e-100, 1e100
"""Sizes whose squares, and sums of them, are ordinary numbers."""

CONSTANT = 1e-12
"""What centring leaves of a constant, relative to it, by rounding."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How two tensors' values compare; from the sample or, in full mode, from every value."""

    compared_values: int
    non_finite: int
    identical_fraction: float | None
    max_abs_diff: float | None
    cosine: float | None
    pearson: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One sample of the subject against one of a reference."""

    subject: Sample
    reference: Sample
    numbers: Numbers
    rounding: str | None
    test: AlignedTest | None
    reason: str
    """Why the pair is no evidence, as a message key; empty where it was tested."""
    incomparable: bool = False
    """True where values could not be compared at all."""
    caveat: str = ""
    """Why no finding may rest on the test, as a message key: the axis is exchangeable only in part. Equality still
    counts, since these are weights and no computed buffer."""
    repeated: bool = False
    """True where the same values were measured before (a tied head): the evidence counts once."""
    undone: Undone | None = None
    """What was undone before the pair was measured: it does not stand in its place."""
    rearranged: bool = False
    """True where rows or experts of the reference's sample were put into another order."""
    piece_of: Sample | None = None
    """The sample of the tensor inside of which the subject's values were found, in another shape or type."""

    @property
    def is_matrix(self) -> bool:
        """Whether the pair has more than one row: layers are judged by their matrices."""
        return self.subject.shape[0] > 1

    @property
    def differs_elsewhere(self) -> bool:
        """Whether digests over every value say that the tensors differ, whatever the sample shows.

        Digests are over values as they are stored; of two types they can only be held against each other rounded.
        """
        mine, theirs = self.subject.whole, self.reference.whole
        if mine is None or theirs is None:
            return False
        same_type = self.subject.dtype == self.reference.dtype
        return mine.content != theirs.content if same_type else mine.content_bf16 != theirs.content_bf16

    @property
    def evidence(self) -> AlignedTest | None:
        """The test, where a finding may rest on it."""
        return None if self.caveat or self.repeated else self.test


Places = slice | NDArray[np.int64]

NOTHING = Numbers(0, 0, None, None, None, None)


def measure(
    subject: Sample, reference: Sample, replication: Replication | None = None
) -> tuple[Measured, Product | None]:
    """Compare two samples taken with the same sampler.

    Args:
        subject: The one.
        reference: The other.
        replication: How the width repeats itself on both sides; of its copies one is tested.

    Returns:
        What was measured, and the cross-product of normal scores for the joint test; None where nothing was tested.
    """
    for sample in (subject, reference):
        if sample.raw is None:
            return _not_compared(subject, reference, sample.reason), None
    if (subject.shape[1], subject.start, subject.stop) != (reference.shape[1], reference.start, reference.stop):
        return _not_compared(subject, reference, SHAPE_DIFFERS), None
    mine, theirs = common_rows(subject, reference)
    first, second = subject.values()[mine], reference.values()[theirs]
    if first.size == 0:
        return _not_compared(subject, reference, "no_overlap"), None
    numbers = _of_all_values(subject, reference, compare_values(first, second))
    if replication:
        kept = replication.keep(subject.start, subject.stop)
        pair = first[:, kept], second[:, kept]
        plain = normal_scores(pair[0]), normal_scores(pair[1])
    else:
        pair, plain = (first, second), (subject.scores[mine], reference.scores[theirs])
    freed = without_structure(pair, plain, reference.rows[theirs], reference.start)
    ordered = is_ordered(freed.along_support(), in_heads=Axis.ATTENTION in (subject.axis, reference.axis))
    ordered = ordered or follows_diagonals(freed.second, reference.rows[theirs], reference.start)
    if replication and is_generic(
        reference.role
    ):  # one copy of a computed table's columns is too few to show its order
        ordered = ordered or is_ordered(reference.scores[theirs])
    reason = _no_evidence(subject, reference, first, second, numbers, ordered=ordered)
    tested = None if reason else freed.test()
    caveat = "ramp" if ordered else ""
    if tested is None and not reason:
        tested, caveat = aligned_test_of_scores(*plain), "shared_structure"
    if tested is None:
        return Measured(subject, reference, numbers, None, None, reason or "constant"), None
    test, product = tested
    exact = None if numbers.identical_fraction == 1.0 else _rounding(subject, reference, first, second)
    return Measured(subject, reference, numbers, exact, test, "", caveat=caveat), product


def _of_all_values(subject: Sample, reference: Sample, numbers: Numbers) -> Numbers:
    """The sample's numbers; of all values where these are equal and digests of everything say so of the rest."""
    mine, theirs = subject.whole, reference.whole
    if mine is None or theirs is None or numbers.identical_fraction != 1.0 or mine.content != theirs.content:
        return numbers
    return replace(numbers, compared_values=mine.values, non_finite=mine.non_finite)


def compare_values(first: Values, second: Values) -> Numbers:
    """Equality, largest difference, cosine and Pearson correlation; values that are not finite are left out."""
    one, other = _finite(first, second)
    count = one.size
    left_out = int(first.size - count)
    if count == 0:
        return Numbers(0, left_out, None, None, None, None)
    x, y = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    return Numbers(
        compared_values=count,
        non_finite=left_out,
        identical_fraction=float(np.count_nonzero(x == y)) / count,
        max_abs_diff=float(np.abs(x - y).max()),
        cosine=cosine(x, y),
        pearson=_pearson(x, y),
    )


def _finite(first: Values, second: Values) -> tuple[Values, Values]:
    """Two arrays without the values that are not finite in both; as they are where all are."""
    finite = np.isfinite(first) & np.isfinite(second)
    return (first, second) if finite.all() else (first[finite], second[finite])


def cosine(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Cosine of two vectors; None where one is zero."""
    largest = float(np.abs(first).max(initial=0.0)), float(np.abs(second).max(initial=0.0))
    if 0.0 in largest:
        return None
    x, y = first, second
    if not all(_ORDINARY[0] < size < _ORDINARY[1] for size in largest):
        x, y = first / largest[0], second / largest[1]  # squares would leave the range of floats
    return max(-1.0, min(1.0, float(x @ y) / math.sqrt(float(x @ x) * float(y @ y))))


def _pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Pearson correlation of two vectors; None where one is constant up to rounding."""
    x, y = first - first.mean(), second - second.mean()
    for values, centred in ((first, x), (second, y)):
        if float(np.abs(centred).max()) <= CONSTANT * float(np.abs(values).max()):
            return None
    return cosine(x, y)


def _not_compared(subject: Sample, reference: Sample, reason: str) -> Measured:
    return Measured(subject, reference, NOTHING, None, None, reason, incomparable=True)


def common_rows(subject: Sample, reference: Sample) -> tuple[Places, Places]:
    """Where the rows that both samples hold lie in each, in one order."""
    if subject.rows.shape == reference.rows.shape and np.array_equal(subject.identity, reference.identity):
        return slice(None), slice(None)
    _, mine, theirs = np.intersect1d(subject.identity, reference.identity, assume_unique=True, return_indices=True)
    return mine, theirs


def _no_evidence(  # noqa: PLR0911, PLR0913  one reason after the other, and everything that is known of the pair
    subject: Sample, reference: Sample, first: Values, second: Values, numbers: Numbers, *, ordered: bool
) -> str:
    """Why a pair says nothing whatever its values, as a message key; empty where it may speak."""
    if Axis.NONE in (subject.axis, reference.axis):
        return subject.reason or reference.reason or "no_exchangeable_axis"
    if numbers.compared_values == 0:
        return "all_non_finite"
    if numbers.compared_values < FEW_VALUES:
        return "few_values"
    if _are_constant(subject, reference, first, second):
        return "constant"
    if _is_filter_bank(second):
        return "computed"
    if ordered and is_generic(reference.role):
        return "ramp"  # nobody knows whether it was trained or computed
    return ""


def _are_constant(subject: Sample, reference: Sample, first: Values, second: Values) -> bool:
    """Whether a pair says nothing because values are constant, but for exceptions (masks, untouched gains).

    A matrix of two numbers may be the signs of weights whose sizes were thrown away: it is held against weights that
    have more. Two such matrices are weights of binary networks where either number is frequent; masks have no role.
    """
    few = _is_nearly_constant(first), _is_nearly_constant(second)
    if subject.shape[0] == 1:
        return any(few)
    if not few[1]:
        return False  # a constant subject has no scores, and is said to be constant for that
    return is_generic(reference.role) or not _is_balanced(second) or (few[0] and not _is_balanced(first))


def _is_balanced(values: Values) -> bool:
    """Whether each of two numbers is frequent."""
    finite = values[np.isfinite(values)]
    upper = float((finite == finite.max(initial=-np.inf)).mean()) if finite.size else 0.0
    return BALANCED <= upper <= 1.0 - BALANCED


def _is_nearly_constant(values: Values) -> bool:
    """Whether values hold two different numbers at most: a constant with exceptions (masks, untouched gains)."""
    finite = values[np.isfinite(values)]
    lowest, highest = finite.min(initial=np.inf), finite.max(initial=-np.inf)
    return not ((finite > lowest) & (finite < highest)).any()


def _is_filter_bank(values: Values) -> bool:
    """Whether values are mostly zero and the others few different numbers: fixed filters for each channel by itself.

    Bilinear upsampling and blur kernels are the same in every network that has them. Pruned weights have as many zeros,
    but no two other values alike.
    """
    others = values[np.isfinite(values) & (values != 0.0)]
    return others.size <= (1 - MOSTLY_ZERO) * values.size and len(np.unique(others)) <= FEW_NUMBERS


def _rounding(subject: Sample, reference: Sample, first: Values, second: Values) -> str | None:
    """The type or the quantiser whose rounding explains every difference; None where none does."""
    one, other = _finite(first, second)
    cast = rounding(one.ravel(), other.ravel())
    if cast or subject.shape[0] == 1:
        return cast  # no format packs vectors
    return quantisation(first, second, subject.start, packing=subject.packing) or quantisation(
        second, first, reference.start, packing=reference.packing
    )
