"""Tables and vectors alone, and weights behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.decide import Verdict, decide
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.rank import level_of, rank
from independence_audit.lineage.reported import component_evidence, tensor_evidence
from independence_audit.statistics.rows import RowAgreement
from tests.lineage.hand_made import LEVEL, compared_of, fingerprint_of, measured_of, sample_of

WIDTH, LAYERS = 256, 6
ROLES = {
    "q": Axis.RESIDUAL,
    "v": Axis.RESIDUAL,
    "o": Axis.ATTENTION,
    "gate": Axis.RESIDUAL,
    "up": Axis.RESIDUAL,
    "down": Axis.MLP,
}
Place = tuple[int | None, str]
Values = dict[Place, NDArray[np.float64]]


def weights(seed: int) -> Values:
    """A decoder of six layers, its tables and its gains."""
    random = np.random.default_rng(seed)
    values: Values = {(layer, role): random.normal(size=(16, WIDTH)) for layer in range(LAYERS) for role in ROLES}
    values |= {(None, role): random.normal(size=(16, WIDTH)) for role in ("embed", "head")}
    return values | {(layer, "mlp_norm"): random.normal(size=(1, WIDTH)) for layer in range(LAYERS)}


def mixed(own: Values, other: Values, r: float, places: Mapping[Place, object] | set[Place]) -> Values:
    """A model's own values, in some places with correlation r to another's."""
    return own | {place: r * other[place] + np.sqrt(1 - r * r) * own[place] for place in places}


def model(values: Values, name: str = "model") -> Fingerprint:
    """A fingerprint of all values."""
    samples = [
        sample_of(
            (0.02 * matrix).astype(np.float32),
            layer=layer,
            role=role,
            axis=ROLES.get(role, Axis.RESIDUAL),
            name=f"{layer}.{role}",
        )
        for (layer, role), matrix in values.items()
    ]
    return fingerprint_of(*samples, name=name)


def verdict_of(subject: Values, reference: Values) -> Verdict:
    """What the one component comes to."""
    compared = compare_fingerprints(model(subject), model(reference, "reference"))
    return decide(compared[0], level_of(compared, 1e-6))


BASE, OWN = weights(1), weights(2)
TABLES: set[Place] = {(None, "embed"), (None, "head")}
GAINS: set[Place] = {(layer, "mlp_norm") for layer in range(LAYERS)}


@pytest.mark.parametrize("r", [0.8, 0.9, 1.0])
@pytest.mark.parametrize("places", [TABLES, GAINS, TABLES | GAINS, {(None, "embed")}], ids=["t", "g", "both", "one"])
def test_tables_and_gains_alone(places: set[Place], r: float) -> None:
    """However like they are: they name the reference, and show no shared weight."""
    verdict = verdict_of(mixed(OWN, BASE, r, places), BASE)
    assert verdict.relation is Relation.TOKEN_TABLES
    assert verdict.reason is None
    shared = {measured.subject.name for measured, one in zip(verdict.compared.measured, verdict.tensors, strict=True)
              if one in (Relation.TOKEN_TABLES, Relation.IDENTICAL)}  # fmt: skip
    assert shared <= {f"{layer}.{role}" for layer, role in places}
    assert shared


@pytest.mark.parametrize("role", ["gate", "down", "v", "o", "q"])
@pytest.mark.parametrize("tables", [False, True], ids=["own tables", "with tables"])
def test_one_role_of_stolen_weights_is_a_finding(role: str, *, tables: bool) -> None:
    """Layers stolen beside tables of one's own, and beside stolen ones."""
    places: set[Place] = {(layer, role) for layer in range(LAYERS)} | (TABLES if tables else set())
    assert verdict_of(mixed(OWN, BASE, 0.9, places), BASE).relation is Relation.RELATED


@pytest.mark.parametrize("r", [0.08, 0.2])
def test_a_faint_copy_is_still_a_finding(r: float) -> None:
    """What no tensor shows alone, with or without its tables."""
    layers = {place for place in BASE if place[0] is not None}
    assert verdict_of(mixed(OWN, BASE, r, layers), BASE).relation is Relation.RELATED
    assert verdict_of(mixed(OWN, BASE, r, set(BASE)), BASE).relation is Relation.RELATED


@pytest.mark.parametrize("lean", [0.2, 0.4])
@pytest.mark.parametrize("tables", [False, True], ids=["own tables", "with tables"])
def test_a_common_lean_is_no_shared_weight(lean: float, *, tables: bool) -> None:
    """Rows that all lean one way, as those of students of one teacher do: no unit has a counterpart."""
    random = np.random.default_rng(9)
    common = {role: random.normal(size=(1, WIDTH)) for role, axis in ROLES.items() if axis is Axis.RESIDUAL}
    leaning = [
        values | {place: matrix + lean * common[place[1]] for place, matrix in values.items() if place[1] in common}
        for values in (OWN, BASE)
    ]
    subject = mixed(leaning[0], leaning[1], 0.9, TABLES) if tables else leaning[0]
    verdict = verdict_of(subject, leaning[1])
    if tables:
        assert (verdict.relation, verdict.reason) == (Relation.TOKEN_TABLES, None)
    else:
        assert verdict.relation is Relation.UNRELATED or verdict.reason == "shared_basis"


@pytest.mark.parametrize("weights_too", [False, True], ids=["routers", "experts too"])
def test_routers_that_were_learned_alike_are_no_copy(*, weights_too: bool) -> None:
    """A student of all hidden states sends them to its experts as its teacher does; with weights behind it is one."""
    random = np.random.default_rng(9)
    routers: set[Place] = {(layer, "router") for layer in range(LAYERS)}
    own, other = (values | {place: random.normal(size=(4, WIDTH)) for place in routers} for values in (OWN, BASE))
    taken = TABLES | routers | ({(layer, "up") for layer in range(LAYERS)} if weights_too else set())
    relation = verdict_of(mixed(own, other, 0.75, taken), other).relation
    assert relation is (Relation.RELATED if weights_too else Relation.TOKEN_TABLES)


@pytest.mark.parametrize(
    ("rows", "facts", "relation"),
    [
        (RowAgreement(0.5, 60.0), {}, Relation.INCONCLUSIVE),  # a basis: no row is like its counterpart
        (RowAgreement(9.0, 60.0), {}, Relation.RELATED),
        (RowAgreement(0.5, 5.0), {}, Relation.RELATED),  # too few rows to have shown a copy
        (RowAgreement(0.5, 60.0), {"axis": Axis.MLP}, Relation.RELATED),  # along the model's own units
        (RowAgreement(0.5, 60.0), {"columns": 64}, Relation.RELATED),  # r above 0.5: no lean
        (None, {}, Relation.RELATED),
    ],
)
def test_rows_tell_a_basis_from_a_copy(rows: RowAgreement | None, facts: dict[str, Any], relation: Relation) -> None:
    """What stands out along the residual stream is a finding only where units agree as well."""
    found = [measured_of(9.0, role=role, columns=facts.get("columns", 4096), rows=4) for role in ("gate", "up")]
    if "axis" in facts:
        found = [replace(one, reference=replace(one.reference, axis=facts["axis"])) for one in found]
    compared = replace(compared_of(*found, *(measured_of(0.2, role=role) for role in ("v", "o"))), rows=rows)
    assert decide(compared, LEVEL).relation is relation


@pytest.mark.parametrize(("r", "relation"), [(0.9, Relation.TOKEN_TABLES), (1.0, Relation.IDENTICAL)])
def test_a_model_of_nothing_but_tables(r: float, relation: Relation) -> None:
    """Equal, it is the other's model; alike it may have become."""
    own, base = ({place: values[place] for place in TABLES} for values in (OWN, BASE))
    assert verdict_of(mixed(own, base, r, TABLES), base).relation is relation


@pytest.mark.parametrize(("r", "key"), [(0.9, "fact.token_tables"), (1.0, "fact.token_tables_equal")])
def test_the_fact_says_what_is_alike(r: float, key: str) -> None:
    """The reference, and equal values by their count."""
    subject = model(mixed(OWN, BASE, r, TABLES), "subject")
    compared = compare_fingerprints(subject, model(BASE, "reference"))
    (ranking,) = rank(Comparisons(subject, 1e-6, tuple(compared)))
    evidence = component_evidence(ranking, tensor_evidence(subject, ranking), {})
    fact = evidence.explanation[0]
    assert (evidence.relation, evidence.reference, fact.key) == (Relation.TOKEN_TABLES, "reference", key)
    assert fact.data["tensors"] == 2
    assert fact.data.get("values") == (2 * 16 * WIDTH if r == 1.0 else None)
    assert not evidence.layer_map
    assert not evidence.changes
