"""Measuring one pair of samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.anatomy.component import GENERIC
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.measure import FEW_VALUES, Measured, compare_values, cosine, measure
from independence_audit.statistics.aligned import aligned_test
from tests.lineage.hand_made import noise, sample_of

WEIGHTS, OTHERS = noise(16, 200), noise(16, 200, seed=1)


def measured(first: NDArray[Any] | Sample, second: NDArray[Any] | Sample) -> Measured:
    """The measurement without the cross-product."""
    one, other = (each if isinstance(each, Sample) else sample_of(each) for each in (first, second))
    return measure(one, other)[0]


def test_strangers() -> None:
    """Every figure of a pair, and the cross-product for the joint test."""
    result, product = measure(sample_of(WEIGHTS), sample_of(OTHERS))
    expected = aligned_test(WEIGHTS, OTHERS)
    assert expected is not None
    assert product is not None
    assert result.test == result.evidence == expected[0]
    assert product.square_sum == expected[1].square_sum
    assert (result.reason, result.rounding, result.incomparable, result.caveat) == ("", None, False, "")
    assert result.numbers == compare_values(WEIGHTS, OTHERS)


def test_copy() -> None:
    """All values equal: nothing is left for rounding to explain."""
    result = measured(WEIGHTS, WEIGHTS.copy())
    assert (result.numbers.identical_fraction, result.numbers.max_abs_diff, result.rounding) == (1.0, 0.0, None)
    assert result.test is not None
    assert result.test.r == pytest.approx(1.0)


def test_cast_copy() -> None:
    """A copy in half precision is rounded, whatever types the two are stored in."""
    assert measured(WEIGHTS.astype(np.float16), WEIGHTS).rounding == "fp16"
    assert measured(WEIGHTS, WEIGHTS.astype(np.float16)).rounding == "fp16"


def test_cast_copy_with_holes() -> None:
    """Values that are not finite do not hide that the rest is rounded."""
    subject, reference = WEIGHTS.astype(np.float16), WEIGHTS.copy()
    subject[0, 3], reference[2, 5] = np.inf, np.nan
    result = measured(subject, reference)
    assert result.rounding == "fp16"
    assert (result.numbers.non_finite, result.numbers.compared_values) == (2, WEIGHTS.size - 2)


def no_axis(**facts: Any) -> Sample:
    """A sample along which nothing may be exchanged."""
    return sample_of(WEIGHTS, axis=Axis.NONE, **facts)


SILENT: dict[str, tuple[Sample, Sample, str]] = {
    "subject's part has a reason": (no_axis(reason="rope_rows"), sample_of(OTHERS), "rope_rows"),
    "reference's part has a reason": (sample_of(OTHERS), no_axis(reason="sinusoid"), "sinusoid"),
    "no axis and no reason": (no_axis(), no_axis(), "no_exchangeable_axis"),
    "nothing finite": (sample_of(np.full((16, 200), np.nan, np.float32)), sample_of(OTHERS), "all_non_finite"),
    "finite nowhere at once": (
        sample_of(np.where(np.arange(200) < 100, WEIGHTS, np.inf)),
        sample_of(np.where(np.arange(200) < 100, np.nan, OTHERS)),
        "all_non_finite",
    ),
    "few values": (sample_of(noise(FEW_VALUES - 1)), sample_of(noise(FEW_VALUES - 1)), "few_values"),
    "few finite values": (
        sample_of(np.where(np.arange(200) < 63, noise(200), np.nan).astype(np.float32)),
        sample_of(noise(200)),
        "few_values",
    ),
    "untouched gain": (sample_of(np.ones(200, np.float32)), sample_of(1 + noise(200)), "constant"),
    "reference's untouched gain": (sample_of(1 + noise(200)), sample_of(np.ones(200, np.float32)), "constant"),
    "masks": (
        sample_of((WEIGHTS > 0).astype(np.float32), role="generic:mask"),
        sample_of((OTHERS > 0).astype(np.float32), role="generic:mask"),
        "constant",
    ),
    "constant but for exceptions": (
        sample_of((WEIGHTS > 0.03).astype(np.float32)),
        sample_of((OTHERS > 0.03).astype(np.float32)),
        "constant",
    ),
    "rows that are constant each": (
        sample_of(np.repeat(noise(16, 1), 200, axis=1)),
        sample_of(OTHERS),
        "constant",
    ),
    "computed ramp of an unknown role": (
        sample_of(OTHERS, role=f"{GENERIC}freq"),
        sample_of(np.arange(3200, dtype=np.float32).reshape(16, 200), role=f"{GENERIC}freq"),
        "ramp",
    ),
}


@pytest.mark.parametrize("case", SILENT)
def test_pairs_that_say_nothing(case: str) -> None:
    """No test, no rounding, no product: the reason stands in their place; equality is still counted."""
    subject, reference, reason = SILENT[case]
    result, product = measure(subject, reference)
    assert (result.reason, result.test, result.rounding, product) == (reason, None, None, None)
    assert result.evidence is None
    assert not result.incomparable
    assert result.numbers.compared_values + result.numbers.non_finite == subject.parameters


def test_just_enough_values() -> None:
    """From 64 values on a tensor may speak."""
    assert measured(noise(FEW_VALUES), noise(FEW_VALUES, seed=1)).test is not None


INCOMPARABLE: dict[str, tuple[Sample, Sample, str]] = {
    "another width": (sample_of(WEIGHTS), sample_of(noise(16, 100)), "shape_differs"),
    "no row in common": (
        sample_of(WEIGHTS, rows=np.arange(16), shape=(32, 200)),
        sample_of(OTHERS, rows=np.arange(16, 32), shape=(32, 200)),
        "no_overlap",
    ),
    "no expert in common": (
        sample_of(WEIGHTS, experts=np.zeros(16, np.int64)),
        sample_of(OTHERS, experts=np.ones(16, np.int64)),
        "no_overlap",
    ),
    "subject not decoded": (sample_of(WEIGHTS, raw=None, reason="undecodable"), sample_of(OTHERS), "undecodable"),
    "reference not decoded": (sample_of(WEIGHTS), sample_of(OTHERS, raw=None, reason="undecodable"), "undecodable"),
    "no values at all": (sample_of(noise(0, 200)), sample_of(noise(0, 200)), "no_overlap"),
}


@pytest.mark.parametrize("case", INCOMPARABLE)
def test_pairs_that_cannot_be_compared(case: str) -> None:
    """No values meet: every number is absent, none is 0."""
    subject, reference, reason = INCOMPARABLE[case]
    result, product = measure(subject, reference)
    assert (result.reason, result.incomparable, result.test, product) == (reason, True, None, None)
    numbers = result.numbers
    assert (numbers.identical_fraction, numbers.max_abs_diff, numbers.cosine, numbers.pearson) == (None,) * 4


def test_vector_against_a_matrix_of_its_width() -> None:
    """A vector is sampled whole and a wide matrix in a window: their columns are not the same ones."""
    vector = sample_of(noise(3000))
    matrix = sample_of(noise(16, 1024), shape=(16, 3000), start=700, stop=1724, window=(700, 1724))
    for pair in ((vector, matrix), (matrix, vector)):
        assert measured(*pair).incomparable


def test_only_common_rows_are_compared() -> None:
    """Matrices of different heights share some sampled rows; these alone count, in one order."""
    subject = sample_of(WEIGHTS, rows=np.array([5, 9, 0, 3, *range(100, 112)]), shape=(200, 200))
    reference = sample_of(WEIGHTS[[3, 1, 0]], rows=np.array([3, 9, 5]), shape=(20, 200))
    result = measured(subject, reference)
    assert result.numbers.compared_values == 600
    assert result.numbers.identical_fraction == 1.0


def test_rows_of_other_experts_are_not_common() -> None:
    """Row 0 of expert 1 is not row 0 of expert 2."""
    experts = np.repeat(np.arange(4), 4)
    subject = sample_of(WEIGHTS, rows=np.tile(np.arange(4), 4), experts=experts, shape=(4, 200), members=4)
    fewer = sample_of(WEIGHTS[4:12], rows=np.tile(np.arange(4), 2), experts=experts[4:12], shape=(4, 200), members=2)
    result = measured(subject, fewer)
    assert (result.numbers.compared_values, result.numbers.identical_fraction) == (1600, 1.0)


def test_order_of_a_known_role_is_a_doubt() -> None:
    """Units sorted by importance are weights: the test is printed, equality counts, no finding rests on it."""
    ordered = np.sort(noise(16, 200), axis=1)
    result, product = measure(sample_of(ordered), sample_of(ordered))
    assert (result.reason, result.caveat) == ("", "ramp")
    assert result.test is not None
    assert result.evidence is None
    assert product is not None
    assert result.numbers.identical_fraction == 1.0


def test_only_the_reference_is_probed_for_order() -> None:
    """A subject cannot talk its way out by sorting its own units."""
    ordered, random = np.sort(noise(16, 200), axis=1), noise(16, 200, seed=1)
    assert measured(ordered, random).caveat == ""
    assert measured(random, ordered).caveat == "ramp"


def test_repeated_pair_is_no_evidence() -> None:
    """A tied head counts once; its figures stay."""
    result = replace(measured(WEIGHTS, WEIGHTS), repeated=True)
    assert result.test is not None
    assert result.evidence is None


def test_matrices_and_vectors() -> None:
    """A layer is judged by its matrices."""
    assert measured(WEIGHTS, OTHERS).is_matrix
    assert not measured(noise(200), noise(200, seed=1)).is_matrix


def test_numbers_of_a_pair() -> None:
    """Equality, largest difference, cosine and Pearson, against numpy."""
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])
    y = np.array([[1.0, 2.5, 3.0], [0.0, 5.0, -9.0]])
    numbers = compare_values(x, y)
    assert (numbers.compared_values, numbers.non_finite) == (6, 0)
    assert (numbers.identical_fraction, numbers.max_abs_diff) == (0.5, 4.0)
    assert numbers.cosine == pytest.approx(float((x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)))
    assert numbers.pearson == pytest.approx(np.corrcoef(x.ravel(), y.ravel())[0, 1])


def test_numbers_leave_out_what_is_not_finite() -> None:
    """NaN equals nothing, not even NaN; infinities are no difference."""
    x, y = np.array([1.0, np.nan, np.inf, 3.0, np.nan]), np.array([1.0, np.nan, np.inf, 4.0, 2.0])
    numbers = compare_values(x, y)
    assert (numbers.compared_values, numbers.non_finite) == (2, 3)
    assert (numbers.identical_fraction, numbers.max_abs_diff) == (0.5, 1.0)


def test_numbers_that_cannot_be_had() -> None:
    """Zeros have no direction and constants no correlation: None, never 0."""
    zeros, constant = compare_values(np.zeros(99), np.ones(99)), compare_values(np.full(99, 0.1), np.arange(99.0))
    assert (zeros.cosine, zeros.pearson) == (None, None)
    assert constant.pearson is None
    assert constant.cosine is not None


def test_the_trap_of_the_norm_gains() -> None:
    """Gains of strangers: raw cosine near one, correlation and test near nothing."""
    result = measured(1.0 + noise(2048), 1.0 + noise(2048, seed=1))
    assert result.numbers.cosine is not None
    assert result.numbers.cosine > 0.999
    assert result.test is not None
    assert abs(result.test.r) < 0.1
    assert abs(result.test.z) < 4.0


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
def test_cosine_knows_no_scale(scale: float) -> None:
    """The smallest and the largest weights have a direction as well."""
    values = WEIGHTS.ravel().astype(np.float64) * scale
    assert cosine(values, 3.0 * values) == pytest.approx(1.0)
    assert cosine(values, -values) == pytest.approx(-1.0)


def bilinear(channels: int) -> NDArray[np.float32]:
    """A bank of upsampling filters as [channels x taps, channels]: every channel by itself."""
    tap = np.array([0.25, 0.75, 0.75, 0.25])
    kernel = np.outer(tap, tap).ravel().astype(np.float32)
    return np.einsum("io,t->oti", np.eye(channels, dtype=np.float32), kernel).reshape(-1, channels)


def test_fixed_filters_say_nothing() -> None:
    """Networks that have nothing in common have them to the bit; pruned weights, as sparse, are weights."""
    found = measured(bilinear(64), bilinear(64))
    assert (found.reason, found.evidence) == ("computed", None)
    pruned = noise(64, 256) * (np.random.default_rng(6).random((64, 256)) < 0.1)
    assert measured(pruned, pruned).evidence is not None


def test_maps_that_began_as_the_identity_are_tested_beside_it() -> None:
    """Strangers share the diagonal of an identity, which is left out on both sides; a copy agrees in the rest."""
    first, second = (0.02 * noise(128, 128, seed=seed) + np.eye(128, dtype=np.float32) for seed in (1, 2))
    for other in (second, 0.02 * noise(128, 128, seed=3)):
        found = measured(first, other)
        assert found.caveat == ""
        assert found.evidence is not None
        assert abs(found.evidence.z) < 4.0
    assert measured(first, first).numbers.identical_fraction == 1.0
    copy = measured(first, first + 0.01 * noise(128, 128, seed=4))
    assert copy.evidence is not None
    assert copy.evidence.z > 8.0


def test_nothing_but_structure_is_in_doubt() -> None:
    """A diagonal map has no value beside its diagonal: equality counts, no test does."""
    scales = np.diag(1.0 + noise(128))
    found = measured(scales, scales)
    assert (found.caveat, found.evidence, found.numbers.identical_fraction) == ("shared_structure", None, 1.0)


@pytest.mark.parametrize("kept", [1.0, 0.5, 0.1], ids=["all signs", "of the larger half", "of a tenth"])
def test_signs_of_weights_are_weights(kept: float) -> None:
    """Sizes thrown away, and all but the largest set to zero: what is left is found in the weights it came from."""
    least = np.quantile(np.abs(WEIGHTS), 1.0 - kept)
    signs = (0.02 * np.sign(WEIGHTS) * (np.abs(WEIGHTS) >= least)).astype(np.float32)
    result, _ = measure(sample_of(signs), sample_of(WEIGHTS))
    assert result.reason == ""
    assert result.test is not None
    assert result.test.z > 8.0
    stranger, _ = measure(sample_of(signs), sample_of(OTHERS))
    assert stranger.test is not None
    assert abs(stranger.test.z) < 4.0


def test_binary_strangers_are_compared_and_silent() -> None:
    """Two networks of nothing but signs: each is evidence of itself only."""
    signs = [sample_of(np.sign(values).astype(np.float32)) for values in (WEIGHTS, OTHERS)]
    stranger, _ = measure(signs[0], signs[1])
    assert stranger.test is not None
    assert abs(stranger.test.z) < 4.0
    turned = np.where(np.random.default_rng(3).random(WEIGHTS.shape) < 0.1, -1.0, 1.0)
    copy, _ = measure(sample_of((np.sign(WEIGHTS) * turned).astype(np.float32)), signs[0])
    assert copy.test is not None
    assert copy.test.z > 8.0
