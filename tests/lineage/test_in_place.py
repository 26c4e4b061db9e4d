"""One component against one reference: tests and the joint test over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Kind
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.statistics.aligned import aligned_test
from independence_audit.statistics.joint import JointResult, JointTest
from tests.lineage.hand_made import compared_of, component_of, fingerprint_of, measured_of, noise, sample_of

ROLES = ("q", "k", "up")


def model(seed: int, **facts: Any) -> list[Sample]:
    """Two layers of three roles."""
    return [
        sample_of(noise(8, 96, seed=100 * seed + 10 * layer + number), layer=layer, role=role, **facts)
        for layer in range(2)
        for number, role in enumerate(ROLES)
    ]


def compared(subject: list[Sample], reference: list[Sample]) -> Comparison:
    """The only comparison of two decoders."""
    (found,) = compare_fingerprints(fingerprint_of(*subject), fingerprint_of(*reference, name="known"))
    return found


def joint_of(pairs: list[tuple[str, NDArray[Any], NDArray[Any]]], columns: int) -> tuple[JointResult, JointResult]:
    """The joint test over pairs of matrices by role, and the weakest with a role left out."""
    joint = JointTest(columns)
    for role, first, second in pairs:
        found = aligned_test(first, second)
        assert found is not None
        joint.add(role, *found)
    whole, weakest = joint.result(), joint.weakest()
    assert whole is not None
    assert weakest is not None
    return whole, weakest


def test_every_pair_is_measured_and_joins() -> None:
    """The joint test is that of all pairs along the residual width, by role over all layers."""
    subject, reference = model(1), model(2)
    found = compared(subject, reference)
    pairs = [(one.role, one.values(), other.values()) for one, other in zip(subject, reference, strict=True)]
    assert (found.joint, found.weakest) == joint_of(pairs, 96)
    assert found.reference == "known"
    assert [(one.subject, one.reference) for one in found.measured] == list(zip(subject, reference, strict=True))
    assert found.tests == 7


def test_other_axes_do_not_join() -> None:
    """Only tensors that share the residual width can be permuted together."""
    subject, reference = model(1), model(2)
    units = [sample_of(noise(8, 96, seed=seed), role="down", axis=Axis.MLP) for seed in (7, 8)]
    plain, more = compared(subject, reference), compared([*subject, units[0]], [*reference, units[1]])
    assert more.joint == plain.joint
    assert more.tests == plain.tests + 1


def test_other_widths_do_not_join() -> None:
    """Of two widths the one that is worth more rows is tested."""
    subject, reference = model(1), model(2)
    wide = [[sample_of(noise(2, 400, seed=seed + i), role=f"wide{i}") for i in range(2)] for seed in (20, 30)]
    plain, more = compared(subject, reference), compared([*subject, *wide[0]], [*reference, *wide[1]])
    assert plain.joint is not None
    assert (plain.joint.columns, more.joint) == (96, plain.joint)


def test_vectors_join_with_the_columns_of_their_window() -> None:
    """A gain is sampled whole, the matrices of its width in a window: it joins with the same columns."""
    window = {"shape": (50, 300), "start": 120, "stop": 220, "window": (120, 220)}
    matrices = [sample_of(noise(8, 100, seed=seed), role="q", **window) for seed in (1, 2)]
    gains = [sample_of(1 + noise(300, seed=seed), role="attn_norm", window=(120, 220)) for seed in (3, 4)]
    found = compared([matrices[0], gains[0]], [matrices[1], gains[1]])
    pairs = [("q", matrices[0].values(), matrices[1].values())]
    pairs.append(("attn_norm", gains[0].values()[:, 120:220], gains[1].values()[:, 120:220]))
    assert (found.joint, found.weakest) == joint_of(pairs, 100)
    whole = aligned_test(gains[0].values(), gains[1].values())
    assert whole is not None
    assert found.measured[1].test == whole[0]


def test_vector_that_is_constant_in_its_window_does_not_join() -> None:
    """A gain may vary outside of the window only: it is tested, and adds nothing to the joint test."""
    values = np.where(np.arange(300) < 120, 1 + noise(300), np.float32(1.0))
    window = {"shape": (50, 300), "start": 120, "stop": 220, "window": (120, 220)}
    matrices = [[sample_of(noise(8, 100, seed=seed + i), role=f"q{i}", **window) for i in range(2)] for seed in (1, 9)]
    gain = sample_of(values, role="attn_norm", window=(120, 220))
    with_gain = compared([*matrices[0], gain], [*matrices[1], gain])
    assert with_gain.joint == compared(matrices[0], matrices[1]).joint
    assert with_gain.measured[2].test is not None


def test_tied_head_counts_once() -> None:
    """The same values under two roles are one piece of evidence."""
    tied = [
        [sample_of(noise(8, 96, seed=seed), role=role, layer=None) for role in ("embedding", "head")] for seed in (1, 2)
    ]
    found = compared(tied[0], tied[1])
    assert [one.repeated for one in found.measured] == [False, True]
    assert (found.tests, found.weakest) == (1, None)
    untied = compared([tied[0][0], replace(tied[0][1], raw=sample_of(noise(8, 96, seed=3)).raw)], tied[1])
    assert [one.repeated for one in untied.measured] == [False, False]


def ordered_or_not(*, fixed: bool) -> tuple[Fingerprint, Fingerprint]:
    """Two encoders, the reference perhaps with sinusoids in its residual stream."""
    encoders = []
    for seed in (1, 2):
        samples = [*model(seed), sample_of(noise(8, 96, seed=seed + 7), role="down", axis=Axis.MLP)]
        part = component_of(kind=Kind.AUDIO_ENCODER, parameters=5376, fixed_positions=fixed and seed == 2)
        encoders.append(fingerprint_of(*samples, components=[part]))
    return encoders[0], encoders[1]


def test_fixed_positions_are_a_doubt_along_the_residual_width() -> None:
    """Sinusoids give strangers a common basis there, and only there."""
    (found,) = compare_fingerprints(*ordered_or_not(fixed=True))
    assert [one.caveat for one in found.measured] == ["fixed_positions"] * 6 + [""]
    assert (found.joint, found.weakest, found.tests) == (None, None, 1)
    assert all(one.test is not None for one in found.measured)
    (free,) = compare_fingerprints(*ordered_or_not(fixed=False))
    assert {one.caveat for one in free.measured} == {""}


def test_ordered_reference_does_not_join() -> None:
    """A pair with a doubtful order keeps its figures and stays out of the joint test."""
    subject, reference = model(1), model(2)
    ramp = sample_of(np.sort(noise(8, 96), axis=1), role="sorted")
    more = compared([*subject, ramp], [*reference, ramp])
    assert more.joint == compared(subject, reference).joint
    assert more.measured[-1].caveat == "ramp"


@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_joint_test_of_copies_and_strangers(shared: float) -> None:
    """Weakly related tensors are found together, strangers are not."""
    reference = model(2)
    subject = [
        sample_of(one.values() + shared * other.values(), layer=one.layer, role=one.role)
        for one, other in zip(model(1), reference, strict=True)
    ]
    weakest = compared(subject, reference).weakest
    assert weakest is not None
    assert (abs(weakest.z) > 5.0) == (shared > 0.0)


def test_every_component_meets_every_one_of_its_kind() -> None:
    """Each meeting is a comparison of its own."""
    towers = [component_of(name, Kind.VISION_ENCODER, 768) for name in ("a", "b")]
    samples = [sample_of(noise(8, 96, seed=number), component=each.name) for number, each in enumerate(towers)]
    found = compare_fingerprints(
        fingerprint_of(*samples, components=towers), fingerprint_of(*samples, name="known", components=towers)
    )
    equal = {
        (one.pair.subject.name, one.pair.reference.name): one.measured[0].numbers.identical_fraction for one in found
    }
    assert equal == {("a", "a"): 1.0, ("a", "b"): 0.0, ("b", "a"): 0.0, ("b", "b"): 1.0}


def test_choices_count_as_tests() -> None:
    """Whoever tries many pairs corrects for many."""
    found = compared_of(measured_of(1.0), measured_of(2.0, role="k"), measured_of(None, reason="constant"), choices=30)
    assert found.tests == 32
    assert compared_of(measured_of(1.0), weakest=1.0).tests == 2


def test_better_numbers_take_the_place_of_the_sampled_ones() -> None:
    """Full mode exchanges the measurements and keeps the rest."""
    found, exact = compared_of(measured_of(3.0), weakest=2.0), measured_of(3.0, equal=1.0)
    better = found.with_measured((exact,))
    assert better.measured == (exact,)
    assert (better.pair, better.weakest, better.reference) == (found.pair, found.weakest, found.reference)
