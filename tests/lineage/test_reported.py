"""What the report says of components and tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from independence_audit.evidence.measurement import ComponentEvidence, TensorEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import decide
from independence_audit.lineage.measure import Measured, Numbers
from independence_audit.lineage.rank import Ranking
from independence_audit.lineage.reported import component_evidence, relation_shares, tensor_evidence
from tests.lineage.hand_made import LEVEL, compared_of, component_of, fingerprint_of, measured_of, noise, sample_of


def subject_of(*measured: Measured, more: tuple[Sample, ...] = ()) -> Fingerprint:
    """The fingerprint that the measured samples belong to, and samples that met nothing."""
    return fingerprint_of(*(one.subject for one in measured), *more)


def told(
    *compared: Comparison, more: tuple[Sample, ...] = (), ancestors: Mapping[str, Sequence[str]] | None = None
) -> tuple[ComponentEvidence, list[TensorEvidence]]:
    """The evidence of one component against references, the nearest first."""
    verdicts = tuple(decide(one, LEVEL) for one in compared)
    ranking = Ranking(component_of(parameters=99), verdicts)
    measured = compared[0].measured if compared else ()
    tensors = tensor_evidence(subject_of(*measured, more=more), ranking)
    return component_evidence(ranking, tensors, ancestors or {}), tensors


def keys_of(component: ComponentEvidence) -> list[str]:
    """The facts that explain a component."""
    return [message.key for message in component.explanation]


def test_tested_tensor_carries_its_figures() -> None:
    """Every number of the measurement and of the test."""
    one = measured_of(30.0, equal=0.25)
    _, (tensor,) = told(compared_of(one, reference="qwen"))
    assert one.test is not None
    assert (tensor.relation, tensor.reference, tensor.reference_tensor) == (
        Relation.RELATED,
        "qwen",
        one.reference.name,
    )
    assert (tensor.z, tensor.r, tensor.p_value) == (one.test.z, one.test.r, one.test.p_value)
    assert (tensor.effective_rows, tensor.jump) == (one.test.effective_rows, one.test.jump)
    assert tensor.detection_bound is not None
    assert (tensor.identical_fraction, tensor.compared_values) == (0.25, 16_384)
    assert (tensor.cosine, tensor.pearson, tensor.reason, tensor.rounding) == (0.5, 0.5, None, None)
    assert (tensor.shape, tensor.parameters, tensor.axis) == ((64, 4096), 64 * 4096, "residual")


REASONS: dict[str, tuple[Measured, Relation, str | None]] = {
    "constant": (measured_of(None, reason="constant"), Relation.UNINFORMATIVE, "constant"),
    "ramp": (measured_of(3.0, caveat="ramp"), Relation.UNINFORMATIVE, "ramp"),
    "other shape": (
        measured_of(None, equal=None, reason="shape_differs", incomparable=True),
        Relation.NOT_TESTED,
        "shape_differs",
    ),
    "narrow": (measured_of(1.0, columns=32), Relation.INCONCLUSIVE, "low_power"),
    "stranger": (measured_of(1.0), Relation.UNRELATED, None),
    "rounded": (measured_of(60.0, rounding="bf16"), Relation.ROUNDED, None),
}


@pytest.mark.parametrize("case", REASONS)
def test_reasons(case: str) -> None:
    """A relation that is no answer comes with its reason; an answer needs none."""
    one, relation, reason = REASONS[case]
    _, (tensor,) = told(compared_of(one))
    assert (tensor.relation, tensor.reason) == (relation, reason)
    assert tensor.rounding == one.rounding


def test_figures_of_a_doubtful_test_are_not_printed() -> None:
    """Under a null that does not hold z means nothing; equality is still told."""
    _, (tensor,) = told(compared_of(measured_of(30.0, caveat="ramp", equal=0.1)))
    assert (tensor.z, tensor.r, tensor.p_value, tensor.identical_fraction) == (None, None, None, 0.1)


def test_tensors_that_met_nothing() -> None:
    """In file order among the others, not tested, with the reason; never silence."""
    one = measured_of(1.0)
    extra = sample_of(noise(4, 8), role="extra", name="extra")
    _, tensors = told(compared_of(one), more=(extra,))
    assert [(tensor.name, tensor.relation, tensor.reason) for tensor in tensors] == [
        ("0.q", Relation.UNRELATED, None),
        ("extra", Relation.NOT_TESTED, "no_counterpart"),
    ]


def test_component_that_met_no_reference() -> None:
    """No reference of its kind: every number is absent."""
    component, (tensor,) = told(more=(sample_of(noise(4, 8)),))
    assert (component.relation, component.reason) == (Relation.NOT_TESTED, "no_reference_of_kind")
    assert (tensor.relation, tensor.reason) == (Relation.NOT_TESTED, "no_reference_of_kind")
    assert (component.p_value, component.r, component.joint_z, component.detection_bound) == (None,) * 4
    assert (component.runners_up, component.relations) == ((), {Relation.NOT_TESTED: 1.0})


def test_only_tensors_of_the_component() -> None:
    """Another component's tensors stand under it."""
    one = measured_of(1.0)
    fingerprint = fingerprint_of(one.subject, sample_of(noise(4, 8), component="tower"))
    ranking = Ranking(component_of(), (decide(compared_of(one), LEVEL),))
    assert [tensor.component for tensor in tensor_evidence(fingerprint, ranking)] == ["model"]


def tensor_of(relation: Relation, parameters: int, **facts: Any) -> TensorEvidence:
    """A tensor's evidence in brief."""
    known: dict[str, Any] = {"name": "w", "members": 1, "component": "model", "layer": 0, "role": "q"}
    known |= {"axis": "residual", "shape": (1, parameters), "parameters": parameters, "relation": relation}
    return TensorEvidence(**known | facts)


def test_shares_are_of_the_parameters() -> None:
    """The strongest first, together 1, none of them 0."""
    shares = relation_shares(
        [
            tensor_of(Relation.UNRELATED, 10),
            tensor_of(Relation.IDENTICAL, 50),
            tensor_of(Relation.UNRELATED, 20),
            tensor_of(Relation.UNINFORMATIVE, 0),
            tensor_of(Relation.RELATED, 20),
        ]
    )
    assert shares == {Relation.IDENTICAL: 0.5, Relation.RELATED: 0.2, Relation.UNRELATED: 0.3}
    assert list(shares) == [Relation.IDENTICAL, Relation.RELATED, Relation.UNRELATED]


@pytest.mark.parametrize("tensors", [[], [tensor_of(Relation.UNINFORMATIVE, 0)]])
def test_shares_of_nothing(tensors: list[TensorEvidence]) -> None:
    """Empty components have no shares."""
    assert relation_shares(tensors) == {}


def test_found_component_names_its_reference() -> None:
    """The nearest is the reference, the others are runners-up."""
    component, _ = told(
        compared_of(measured_of(60.0, equal=1.0), weakest=20.0, reference="origin"),
        compared_of(measured_of(0.5), reference="stranger"),
    )
    assert (component.relation, component.reference, component.reference_component) == (
        Relation.IDENTICAL,
        "origin",
        "theirs",
    )
    assert (component.joint_z, component.layer_map) == (20.0, {"0": 0})
    assert [runner.reference for runner in component.runners_up] == ["stranger"]
    assert keys_of(component) == ["fact.identical"]


def test_unrelated_component_names_none() -> None:
    """Nobody is named the origin; all references are listed with their bounds."""
    component, _ = told(*(compared_of(measured_of(0.5), reference=name) for name in ("a", "b")))
    assert (component.relation, component.reference, component.reference_component) == (Relation.UNRELATED, None, None)
    assert component.layer_map == {}
    assert [runner.reference for runner in component.runners_up] == ["a", "b"]
    assert all(runner.detection_bound is not None for runner in component.runners_up)
    (message,) = component.explanation
    assert (message.key, message.data["references"]) == ("fact.unrelated", 2)


def test_layer_map_is_that_of_the_pairs() -> None:
    """Subject layer to reference layer; what stands outside the layers has none."""
    moved = measured_of(60.0, layer=3, equal=1.0)
    moved = replace(moved, reference=replace(moved.reference, layer=7))
    component, _ = told(compared_of(moved, measured_of(60.0, role="embedding", layer=None, equal=1.0)))
    assert component.layer_map == {"3": 7}


@pytest.mark.parametrize(
    ("measured", "keys"),
    [
        ([measured_of(60.0, rounding="bf16")], ["fact.rounded"]),
        ([measured_of(60.0)], ["fact.related"]),
        (
            [measured_of(60.0), measured_of(60.0, role="embedding", layer=None, equal=1.0)],
            ["fact.related", "fact.mixed"],
        ),
        ([measured_of(6.5)], ["fact.inconclusive"]),
        ([measured_of(None, equal=None, reason="no_overlap", incomparable=True)], ["fact.not_tested"]),
    ],
)
def test_facts(measured: list[Measured], keys: list[str]) -> None:
    """What carries a relation is told in its own words."""
    component, _ = told(compared_of(*measured))
    assert keys_of(component) == keys


def test_identical_fact_tells_the_share_of_equal_values() -> None:
    """Over the compared values that can say anything; constants do not count."""
    component, _ = told(
        compared_of(
            measured_of(60.0, layer=0, equal=1.0, values=3000),
            measured_of(30.0, layer=1, equal=0.0, values=1000),
            measured_of(None, layer=2, equal=1.0, values=9000, reason="constant"),
        )
    )
    (message,) = component.explanation
    assert (message.key, message.data["fraction"], message.data["values"]) == ("fact.identical", 0.75, 3000)


def gain(cosine: float) -> Measured:
    """A norm gain of a stranger."""
    numbers = Numbers(4096, 0, 0.0, 0.1, cosine, 0.02)
    return measured_of(0.5, role="attn_norm", rows=1, numbers=numbers)


def test_norm_trap_is_explained_where_nothing_was_found() -> None:
    """Gains near one in both models: the report says why their cosine is no evidence."""
    component, _ = told(compared_of(measured_of(0.5), gain(0.999)))
    assert keys_of(component) == ["fact.unrelated", "fact.norm_trap"]
    assert component.explanation[1].data == {"component": "model", "cosine": 0.999, "r": 0.02, "tensors": 1}


def test_norm_trap_is_silent_elsewhere() -> None:
    """Low cosines need no explanation, and findings none of this kind."""
    assert "fact.norm_trap" not in keys_of(told(compared_of(measured_of(0.5), gain(0.5)))[0])
    assert "fact.norm_trap" not in keys_of(told(compared_of(measured_of(60.0), gain(0.999)))[0])


@pytest.mark.parametrize(
    ("ancestors", "shared"),
    [({"tuned": ["base"]}, True), ({"base": ["tuned"]}, True), ({}, False), ({"base": ["stranger"]}, False)],
)
def test_references_of_one_line_are_one_finding(ancestors: dict[str, list[str]], shared: bool) -> None:  # noqa: FBT001  a case's parameter
    """A second reference that shares weights because one descends from the other is said to be no second origin."""
    component, _ = told(
        compared_of(measured_of(60.0, equal=1.0), reference="base"),
        compared_of(measured_of(50.0), reference="tuned"),
        compared_of(measured_of(0.5), reference="stranger"),
        ancestors=ancestors,
    )
    others = [message.data["other"] for message in component.explanation if message.key == "fact.shared_ancestry"]
    assert others == (["tuned"] if shared else [])


def test_searches_are_told_as_not_made() -> None:
    """What was not searched for is never silence."""
    component, _ = told(compared_of(measured_of(0.5)))
    assert set(component.searches) == {"moved", "disguised", "elsewhere"}
