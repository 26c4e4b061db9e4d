"""Experts in another order, and experts that come from a dense matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.arrangements import expert_score_matrix, in_every_expert, with_experts_of
from tests.lineage.deep_models import trained_on
from tests.lineage.hand_made import noise, sample_of
from tests.lineage.test_moved import evidence

ORDER = [3, 0, 5, 1, 4, 2]


def mixture(seed: int, order: Sequence[int] = range(6), layers: int = 2) -> list[Sample]:
    """Layers of attention, a router and experts of two roles, in an order."""
    samples = []
    for layer in range(layers):
        base = 1000 * seed + 100 * layer
        samples.append(sample_of(noise(16, 96, seed=base), layer=layer, role="q"))
        router = noise(6, 96, seed=base + 1)[list(order)]
        samples.append(sample_of(router, layer=layer, role="router"))
        for number, role in enumerate(("expert.up", "expert.down")):
            blocks = [noise(8, 96, seed=base + 10 * (number + 1) + expert) for expert in order]
            samples.append(pool(np.concatenate(blocks), role, layer, len(blocks)))
    return samples


def pool(values: np.ndarray, role: str, layer: int, members: int) -> Sample:
    """Experts of equally many rows."""
    rows = len(values) // members
    return sample_of(
        np.asarray(values, np.float32),
        layer=layer,
        role=role,
        name=f"layers.{layer}.experts.*.{role}",
        members=members,
        shape=(rows, values.shape[1]),
        rows=np.tile(np.arange(rows), members),
        experts=np.repeat(np.arange(members), rows),
    )


@pytest.mark.parametrize("share", [0.0, 0.5], ids=["equal", "trained on"])
def test_the_order_is_found(share: float) -> None:
    """Every expert is compared with the one it comes from, and the order is said."""
    subject = mixture(1, ORDER)
    found = evidence(trained_on(subject, share, 40_000) if share else subject, mixture(1))
    assert found.relation in FOUND
    if not share:
        assert found.relations[Relation.IDENTICAL] == pytest.approx(16 / (16 + 6 + 2 * 48))
        assert found.relations[Relation.TRANSFORMED] == pytest.approx((6 + 2 * 48) / (16 + 6 + 2 * 48))
    told = {change.key: change for change in found.changes}
    assert told["changed.experts"].data["layers"] == "0-1"
    assert told["changed.experts"].data["runs"] == "0 from 3, 1 from 0, 2 from 5, 3 from 1, 4 from 4, 5 from 2"


def test_strangers_experts_are_not_found() -> None:
    """Expert against expert is many tests, all counted."""
    for seed in range(2, 22):
        found = evidence(mixture(seed), mixture(100 + seed))
        assert found.relation not in FOUND
        assert not found.changes


def test_cells_are_of_experts() -> None:
    """The router's rows and the pools' experts, in their numbers."""
    cells = expert_score_matrix(mixture(1, ORDER, 1), mixture(1, layers=1))
    assert cells is not None
    assert set(cells.roles) == {"router", "expert.up", "expert.down"}
    assert cells.strength.argmax(axis=1).tolist() == ORDER
    assert cells.tests == 3 * 36 + 36


def test_samples_in_the_subjects_order() -> None:
    """Pools and routers are put in order; an expert that nothing comes from is left out, one may serve twice."""
    router, up = (next(one for one in mixture(1, layers=1) if one.role == role) for role in ("router", "expert.up"))
    assert with_experts_of(router, {0: 3, 1: 3}).values().tolist() == router.values()[[3, 3]].tolist()
    turned = with_experts_of(up, {2: 0})
    assert turned.experts.tolist() == [2] * 8
    assert np.array_equal(turned.values(), up.values()[:8])
    assert with_experts_of(up, {}).values().shape == (0, 96)


@pytest.mark.parametrize("noised", [0.0, 0.5, 1.5])
def test_upcycled_experts_are_found(noised: float) -> None:
    """Experts made of a dense matrix, with noise on top, or half of them drawn anew."""
    dense = [
        sample_of(noise(16, 96, seed=500 + 10 * layer + number), layer=layer, role=role)
        for layer in range(2)
        for number, role in enumerate(("q", "up", "down"))
    ]
    subject = []
    for sample in dense:
        if sample.role == "q":
            subject.append(sample)
            continue
        copies = [sample.values() + noised * noise(16, 96, seed=700 + expert) for expert in range(4)]
        if noised == 0.5:
            copies[2:] = [noise(16, 96, seed=900 + expert) for expert in range(2)]
        subject.append(pool(np.concatenate(copies), f"expert.{sample.role}", sample.layer or 0, 4))
    found = evidence(subject, dense)
    assert Relation.TRANSFORMED in found.relations
    told = {change.key: change.data["count"] for change in found.changes}
    assert told["changed.upcycled"] == 4


def test_strangers_dense_layers_are_no_origin() -> None:
    """Experts of a stranger beside a dense model: measured, and nothing found."""
    for seed in range(10):
        dense = [sample_of(noise(8, 96, seed=5000 + 10 * seed + n), role=role) for n, role in enumerate(("up", "down"))]
        found = evidence(mixture(seed), dense)
        assert found.relation not in FOUND


def test_one_expert_and_none() -> None:
    """A single expert has no order, and layers without experts have no cells."""
    assert expert_score_matrix([], []) is None
    assert (
        expert_score_matrix(
            [sample_of(noise(4, 96), role="router", raw=None)], [sample_of(noise(4, 96), role="router")]
        )
        is None
    )
    alone = [pool(noise(8, 96, seed=3), "expert.up", 0, 1)]
    assert evidence(alone, alone).relation == Relation.IDENTICAL
    every = in_every_expert(sample_of(noise(4, 96), role="up"), pool(noise(8, 96), "expert.up", 0, 2))
    assert every.experts.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
