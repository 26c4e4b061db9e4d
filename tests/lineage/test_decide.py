"""From numbers to relations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import (
    ENOUGH_POWER,
    EXACT_VALUES,
    Level,
    Verdict,
    decide,
    tensor_relation,
)
from independence_audit.lineage.measure import Measured
from independence_audit.statistics.aligned import AlignedTest, two_sided
from independence_audit.statistics.decision import bonferroni, critical_z, simes
from tests.lineage.hand_made import LEVEL, compared_of, joint_of, measured_of

CRITICAL = critical_z(LEVEL.alpha, LEVEL.tests)
"""5.33: between a weak finding and the 8 at which one tensor suffices."""


def verdict_of(*measured: Measured, weakest: float | None = None, choices: int = 0, level: Level = LEVEL) -> Verdict:
    """The verdict on what was measured."""
    return decide(compared_of(*measured, weakest=weakest, choices=choices), level)


def strangers() -> list[Measured]:
    """Three roles in two layers, nothing in them."""
    return [measured_of(0.3, role=role, layer=layer) for layer in (0, 1) for role in ("q", "k", "up")]


class TestComponents:
    """When a component is found to share weights."""

    def test_strangers_are_unrelated(self) -> None:
        """Tested with power, nothing found."""
        verdict = verdict_of(*strangers(), weakest=0.5)
        assert (verdict.relation, verdict.reason) == (Relation.UNRELATED, None)
        assert set(verdict.tensors) == {Relation.UNRELATED}

    @pytest.mark.parametrize(("z", "relation"), [(7.9, Relation.INCONCLUSIVE), (8.1, Relation.RELATED)])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_single_tensor_carries_from_eight_on(self, z: float, relation: Relation, sign: int) -> None:
        """One tensor below |z| = 8 is no finding, however small its p-value."""
        verdict = verdict_of(measured_of(sign * z, role="v"), *strangers())
        assert verdict.relation is relation
        assert verdict.reason == ("single_finding" if relation is Relation.INCONCLUSIVE else None)

    def test_two_roles_carry_together(self) -> None:
        """Two significant roles are a finding at any z."""
        pair = [measured_of(CRITICAL + 0.5, role=role) for role in ("v", "o")]
        assert verdict_of(*pair, *strangers()).relation is Relation.RELATED

    def test_one_role_in_two_layers_does_not(self) -> None:
        """The same role twice may be wrong for the same reason."""
        pair = [measured_of(CRITICAL + 0.5, role="v", layer=layer) for layer in (0, 1)]
        verdict = verdict_of(*pair, *strangers())
        assert (verdict.relation, verdict.reason) == (Relation.INCONCLUSIVE, "single_finding")

    def test_second_role_must_be_significant_itself(self) -> None:
        """A strong and an ordinary role are one finding, not two."""
        pair = [measured_of(7.0, role="v"), measured_of(CRITICAL - 0.1, role="o")]
        assert verdict_of(*pair, *strangers()).relation is Relation.INCONCLUSIVE

    @pytest.mark.parametrize("sign", [1, -1])
    def test_joint_test_carries_without_any_tensor(self, sign: int) -> None:
        """What no tensor shows alone, all show together, with any one role left out."""
        assert verdict_of(*strangers(), weakest=sign * 7.0).relation is Relation.RELATED

    def test_joint_test_with_all_roles_does_not_carry(self) -> None:
        """A joint result that falls with one role left out is no finding."""
        compared = replace(compared_of(*strangers(), weakest=0.5), joint=joint_of(20.0))
        assert decide(compared, LEVEL).relation is Relation.UNRELATED

    def test_weak_joint_test_does_not_carry(self) -> None:
        """Below the corrected level nothing is found."""
        assert verdict_of(*strangers(), weakest=CRITICAL - 0.2).relation is Relation.UNRELATED

    def test_p_value_is_simes_corrected_for_comparisons(self) -> None:
        """Over the joint and the tensor tests, times the component pairs of the audit."""
        verdict = verdict_of(measured_of(4.0), measured_of(-3.0, role="k"), weakest=2.0)
        expected = 2 * simes([two_sided(z) for z in (4.0, 3.0, 2.0)])
        assert verdict.p_value == pytest.approx(expected)

    def test_choices_are_corrected_for(self) -> None:
        """A match by value was chosen among many pairs: its p-value counts as many times."""
        plain, chosen = verdict_of(measured_of(6.0)), verdict_of(measured_of(6.0), choices=1000)
        assert plain.p_value is not None
        assert chosen.p_value == pytest.approx(1001 * plain.p_value)

    def test_more_comparisons_need_more(self) -> None:
        """The level is family-wise: the same numbers may carry a small audit and not a large one."""
        pair = [measured_of(5.6, role=role) for role in ("v", "o")]
        assert verdict_of(*pair).relation is Relation.RELATED
        assert verdict_of(*pair, level=Level(1e-6, 10_000, 5_000)).relation is not Relation.RELATED

    def test_nothing_tested_has_no_p_value(self) -> None:
        """None, never 1 or 0."""
        verdict = verdict_of(measured_of(None, reason="constant"))
        assert (verdict.p_value, verdict.r, verdict.detection_bound) == (None, None, None)

    def test_r_is_the_median_over_matrices(self) -> None:
        """Vectors are printed, not counted."""
        matrices = [measured_of(z, role=str(z)) for z in (1.0, 2.0, 9.0)]
        verdict = verdict_of(*matrices, measured_of(50.0, role="norm", rows=1))
        assert matrices[1].test is not None
        assert verdict.r == matrices[1].test.r


class TestEvidenceThatDoesNotCount:
    """What is printed and carries nothing."""

    @pytest.mark.parametrize(
        ("facts", "relation"),
        [
            ({"caveat": "ramp"}, Relation.UNRELATED),
            ({"caveat": "fixed_positions"}, Relation.INCONCLUSIVE),  # the reference has none: the subject brought it up
            ({"repeated": True}, Relation.UNRELATED),
        ],
    )
    def test_doubtful_and_repeated_tests_carry_nothing(self, facts: dict[str, Any], relation: Relation) -> None:
        """No finding rests on them, alone or in company."""
        doubtful = [measured_of(30.0, role=role, **facts) for role in ("v", "o")]
        verdict = verdict_of(*doubtful, *strangers())
        assert verdict.relation is relation
        assert verdict.p_value == verdict_of(*strangers()).p_value

    @pytest.mark.parametrize("facts", [{"caveat": "ramp"}, {"repeated": True}])
    def test_they_do_not_make_a_single_finding_two(self, facts: dict[str, Any]) -> None:
        """One weak tensor and a doubtful one are one weak tensor."""
        verdict = verdict_of(measured_of(6.0, role="v"), measured_of(30.0, role="o", **facts), *strangers())
        assert (verdict.relation, verdict.reason) == (Relation.INCONCLUSIVE, "single_finding")

    def test_doubtful_tensor_of_a_found_component_is_related(self) -> None:
        """Where others carry the finding, its own numbers are read with them."""
        verdict = verdict_of(measured_of(30.0, caveat="ramp"), measured_of(30.0, role="k"))
        assert verdict.tensors == (Relation.RELATED, Relation.RELATED)

    def test_doubtful_tensor_is_uninformative_by_itself(self) -> None:
        """Not unrelated either: its null is unknown."""
        verdict = verdict_of(measured_of(0.1, caveat="ramp"), measured_of(0.2, role="k"))
        assert verdict.tensors == (Relation.UNINFORMATIVE, Relation.UNRELATED)

    def test_doubtful_equality_counts(self) -> None:
        """Sorted or not, weights do not become equal by chance."""
        verdict = verdict_of(measured_of(60.0, equal=1.0, caveat="ramp"))
        assert verdict.relation is Relation.IDENTICAL


class TestExactEquality:
    """Equality of weights beyond chance is found without a test."""

    def test_equal_tensor_is_a_finding(self) -> None:
        """Enough equal values, whatever the test says."""
        verdict = verdict_of(measured_of(1.0, equal=1.0))
        assert (verdict.relation, verdict.tensors) == (Relation.IDENTICAL, (Relation.IDENTICAL,))

    def test_rounded_tensor_is_a_finding(self) -> None:
        """A cast copy is still a copy."""
        verdict = verdict_of(measured_of(1.0, rounding="bf16"))
        assert (verdict.relation, verdict.tensors) == (Relation.ROUNDED, (Relation.ROUNDED,))

    @pytest.mark.parametrize(("values", "found"), [(EXACT_VALUES - 1, False), (EXACT_VALUES, True)])
    @pytest.mark.parametrize("rounding", [None, "fp16"])
    def test_few_equal_values_are_no_finding(self, values: int, found: bool, rounding: str | None) -> None:  # noqa: FBT001  a case's parameter
        """Below 1024 values equality needs the tests."""
        equal = 1.0 if rounding is None else 0.9
        verdict = verdict_of(measured_of(1.0, equal=equal, values=values, rounding=rounding), *strangers())
        assert (verdict.relation in FOUND) is found

    def test_nearly_equal_is_not_equal(self) -> None:
        """All but one of a million values is no identity."""
        verdict = verdict_of(measured_of(90.0, equal=1.0 - 1e-6, values=10**6))
        assert verdict.tensors == (Relation.RELATED,)

    @pytest.mark.parametrize("reason", ["constant", "ramp", "rope_rows", "few_values"])
    def test_equality_without_meaning_is_no_finding(self, reason: str) -> None:
        """Constants and computed buffers are equal in any two models."""
        silent = measured_of(None, equal=1.0, reason=reason)
        verdict = verdict_of(silent, *strangers())
        assert verdict.relation is Relation.UNRELATED
        assert verdict.tensors[0] is Relation.UNINFORMATIVE


class TestTensors:
    """One tensor's relation."""

    @pytest.mark.parametrize("found", [Relation.RELATED, Relation.TOKEN_TABLES, None])
    def test_significant_tensor_follows_its_component(self, found: Relation | None) -> None:
        """As the component is, else inconclusive: never unrelated."""
        assert tensor_relation(measured_of(7.0), 0.03, LEVEL, found=found) is (found or Relation.INCONCLUSIVE)

    @pytest.mark.parametrize(
        ("bound", "relation"),
        [
            (ENOUGH_POWER, Relation.UNRELATED),
            (ENOUGH_POWER + 0.01, Relation.INCONCLUSIVE),
            (None, Relation.INCONCLUSIVE),
        ],
    )
    @pytest.mark.parametrize("found", [Relation.RELATED, None])
    def test_nothing_found_needs_power(self, bound: float | None, relation: Relation, found: Relation | None) -> None:
        """Without power silence says nothing."""
        assert tensor_relation(measured_of(1.0), bound, LEVEL, found=found) is relation

    def test_untested_tensors(self) -> None:
        """Not compared is not tested; compared without meaning is uninformative."""
        other = measured_of(None, equal=None, reason="shape_differs", incomparable=True)
        assert tensor_relation(other, None, LEVEL, found=Relation.RELATED) is Relation.NOT_TESTED
        assert (
            tensor_relation(measured_of(None, reason="ramp"), None, LEVEL, found=Relation.RELATED)
            is Relation.UNINFORMATIVE
        )

    def test_narrow_tensor_has_no_bound(self) -> None:
        """No copy of 32 columns is found at this level: its silence is inconclusive."""
        verdict = verdict_of(measured_of(0.5, columns=32))
        assert verdict.bounds == (None,)
        assert verdict.tensors == (Relation.INCONCLUSIVE,)


class TestOpenComponents:
    """Why nothing found is not yet unrelated."""

    def test_low_power(self) -> None:
        """No test of the component could have found a copy."""
        verdict = verdict_of(measured_of(0.5, columns=32))
        assert (verdict.relation, verdict.reason, verdict.detection_bound) == (Relation.INCONCLUSIVE, "low_power", None)

    def test_joint_test_lends_power(self) -> None:
        """The bound is the smallest of all tests', the joint one's included."""
        narrow = measured_of(0.5, columns=32)
        verdict = verdict_of(narrow, weakest=0.5)
        assert verdict.relation is Relation.UNRELATED
        assert verdict.detection_bound is not None
        assert verdict.detection_bound < 0.1

    def test_little_compared(self) -> None:
        """Where a whole layer and more met nothing, the rest does not speak for it."""
        told = measured_of(0.5)
        left = measured_of(None, role="k", equal=None, reason="shape_differs", incomparable=True)
        verdict = verdict_of(told, left)
        assert (verdict.relation, verdict.reason) == (Relation.INCONCLUSIVE, "shape_differs")

    @pytest.mark.parametrize(
        ("reasons", "told"),
        [
            ((), "no_counterpart"),
            (("shape_differs",), "shape_differs"),
            (("no_overlap", "shape_differs"), "shape_differs"),
            (("undecodable", "no_overlap"), "no_overlap"),
        ],
    )
    def test_nothing_comparable(self, reasons: tuple[str, ...], told: str) -> None:
        """Not tested, with the reason that tells most."""
        measured = [measured_of(None, equal=None, reason=reason, incomparable=True) for reason in reasons]
        verdict = verdict_of(*measured)
        assert (verdict.relation, verdict.reason) == (Relation.NOT_TESTED, told)


class TestLayers:
    """What a layer comes to, and the whole-layer rule."""

    def test_matrices_decide(self) -> None:
        """A layer whose matrices are equal is identical, whatever became of its gains."""
        verdict = verdict_of(measured_of(60.0, equal=1.0), measured_of(9.0, role="norm", rows=1, equal=0.2))
        assert [layer.relation for layer in verdict.layers] == [Relation.IDENTICAL]

    def test_weakest_matrix_decides(self) -> None:
        """A relation covers a layer where every matrix has it."""
        verdict = verdict_of(measured_of(60.0, equal=1.0), measured_of(60.0, role="k", equal=0.5))
        assert [layer.relation for layer in verdict.layers] == [Relation.RELATED]
        assert verdict.relation is Relation.RELATED

    def test_one_whole_layer_makes_the_component(self) -> None:
        """Everything else was trained on: the copied layer is what the component is called by."""
        measured = [measured_of(60.0, layer=0, equal=1.0)] + [measured_of(30.0, layer=layer) for layer in (1, 2, 3)]
        verdict = verdict_of(*measured)
        assert [layer.relation for layer in verdict.layers] == [Relation.IDENTICAL] + [Relation.RELATED] * 3
        assert verdict.relation is Relation.IDENTICAL

    def test_scattered_tensors_are_related(self) -> None:
        """Equal tensors, none of them filling a layer: shared weights, but no identical component."""
        measured = [
            measured_of(60.0 if role == "q" else 0.2, role=role, layer=layer, equal=1.0 if role == "q" else 0.0)
            for layer in (0, 1)
            for role in ("q", "k")
        ]
        assert verdict_of(*measured).relation is Relation.RELATED

    def test_embeddings_alone_are_no_layer(self) -> None:
        """Where there are layers, what stands outside them does not name the component."""
        embedding = measured_of(60.0, role="embedding", layer=None, equal=1.0)
        verdict = verdict_of(embedding, *strangers())
        assert verdict.relation is Relation.RELATED
        assert [layer.layer for layer in verdict.layers] == [0, 1, None]

    def test_component_without_layers(self) -> None:
        """Where there are none, what there is counts as one."""
        pair = [measured_of(60.0, role=role, layer=None, equal=1.0) for role in ("fc1", "fc2")]
        assert verdict_of(*pair).relation is Relation.IDENTICAL

    def test_silent_tensors_do_not_decide(self) -> None:
        """Constants and tensors that were not compared say nothing about their layer."""
        silent = measured_of(None, role="k", reason="constant")
        verdict = verdict_of(measured_of(60.0, equal=1.0), silent)
        assert verdict.relation is Relation.IDENTICAL

    def test_layer_of_silent_tensors(self) -> None:
        """Nothing but constants: the layer says nothing."""
        verdict = verdict_of(measured_of(None, layer=0, reason="constant"), measured_of(0.2, layer=1))
        assert [layer.relation for layer in verdict.layers] == [Relation.UNINFORMATIVE, Relation.UNRELATED]

    def test_figures_of_a_layer(self) -> None:
        """Median r, and equality weighted by the values compared."""
        members = [
            measured_of(30.0, role="q", equal=1.0, values=3000),
            measured_of(60.0, role="k", equal=0.2, values=1000),
        ]
        (layer,) = verdict_of(*members).layers
        tests = [one.test for one in members]
        assert layer.r == pytest.approx(sum(test.r for test in tests if test) / 2)
        assert layer.identical_fraction == pytest.approx(0.8)
        assert layer.reference_layer == 0


SUSPICION = (
    Relation.NOT_TESTED,
    Relation.UNINFORMATIVE,
    Relation.UNRELATED,
    Relation.INCONCLUSIVE,
    Relation.TOKEN_TABLES,
    Relation.RELATED,
    Relation.ROUNDED,
    Relation.IDENTICAL,
)
"""Relations by how much they hold against the subject."""

ROLES = st.sampled_from(["q", "k", "up"])
POWERFUL = st.builds(
    measured_of,
    st.floats(-12.0, 12.0),
    role=ROLES,
    layer=st.sampled_from([None, 0, 1]),
    rows=st.sampled_from([1, 64]),
    equal=st.sampled_from([0.0, 0.5, 1.0]),
    values=st.sampled_from([100, 16_384]),
)
COMPARED = st.builds(
    lambda measured, weakest: compared_of(*measured, weakest=weakest),
    st.lists(POWERFUL, min_size=1, max_size=6),
    st.none() | st.floats(-12.0, 12.0),
)


def stronger(test: AlignedTest, factor: float) -> AlignedTest:
    """The same test with a larger z."""
    z = test.z * factor
    return replace(test, z=z, p_value=two_sided(z))


def check_monotone(before: Comparison, after: Comparison) -> None:
    """No verdict, of the component or of a tensor, weakens from one to the other."""
    weak, strong = decide(before, LEVEL), decide(after, LEVEL)
    assert SUSPICION.index(strong.relation) >= SUSPICION.index(weak.relation)
    for one, other in zip(weak.tensors, strong.tensors, strict=True):
        assert SUSPICION.index(other) >= SUSPICION.index(one)
    if weak.p_value is not None:
        assert strong.p_value is not None
        assert strong.p_value <= weak.p_value


@given(COMPARED, st.data())
def test_stronger_tensors_never_weaken_the_relation(compared: Comparison, data: st.DataObject) -> None:
    """Where tensors have power, a larger |z| in any of them only ever adds to the finding."""
    place = data.draw(st.integers(0, len(compared.measured) - 1))
    one = compared.measured[place]
    assert one.test is not None
    changed = replace(one, test=stronger(one.test, data.draw(st.floats(1.0, 4.0))))
    measured = (*compared.measured[:place], changed, *compared.measured[place + 1 :])
    check_monotone(compared, compared.with_measured(measured))


@given(COMPARED, st.floats(1.0, 4.0))
def test_stronger_joint_test_never_weakens_the_relation(compared: Comparison, factor: float) -> None:
    """The same for the joint test."""
    if compared.weakest is not None:
        z = compared.weakest.z * factor
        check_monotone(compared, replace(compared, weakest=replace(compared.weakest, z=z, p_value=two_sided(z))))


@given(COMPARED, st.data())
def test_equality_never_weakens_the_relation(compared: Comparison, data: st.DataObject) -> None:
    """A tensor that turns out to be equal only ever adds to the finding."""
    place = data.draw(st.integers(0, len(compared.measured) - 1))
    one = compared.measured[place]
    changed = replace(one, numbers=replace(one.numbers, identical_fraction=1.0))
    measured = (*compared.measured[:place], changed, *compared.measured[place + 1 :])
    check_monotone(compared, compared.with_measured(measured))


def test_weak_tensor_that_turns_out_related_does_not_weaken_its_layer() -> None:
    """A narrow tensor beside an equal one: whether its test is significant or not, the layer is called alike."""
    equal = measured_of(60.0, equal=1.0)
    silent, related = (measured_of(z, role="k", columns=48) for z in (1.0, 6.9))
    check_monotone(compared_of(equal, silent), compared_of(equal, related))


@given(COMPARED)
def test_smaller_levels_never_find_more(compared: Comparison) -> None:
    """Who asks for less risk accuses less."""
    strict, lenient = (decide(compared, Level(alpha, 10, 2)).relation in FOUND for alpha in (1e-9, 1e-6))
    assert lenient or not strict


@given(COMPARED)
def test_p_value_of_a_finding_is_at_most_alpha(compared: Comparison) -> None:
    """Unless equality carries it, a finding has the p-value that the audit promised."""
    verdict = decide(compared, LEVEL)
    exact = any(
        one.numbers.identical_fraction == 1.0 and one.numbers.compared_values > 1000 for one in compared.measured
    )
    if verdict.relation in FOUND and not exact:
        assert verdict.p_value is not None
        assert verdict.p_value <= LEVEL.alpha
        tests = [one.test.p_value for one in compared.measured if one.test]
        assert bonferroni(min([*tests, compared.weakest.p_value if compared.weakest else 1.0]), 2) <= LEVEL.alpha
