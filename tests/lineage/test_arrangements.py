"""Rows in another order: exchanged kernels and gates are found, strangers' are not."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.arrangements import arrangements, best_arrangement
from independence_audit.lineage.outcomes import Undone
from tests.lineage.hand_made import noise, sample_of
from tests.lineage.test_moved import evidence

LEAST, MARGIN = 5.0, 1.2


def kernel(values: NDArray[np.float32], role: str = "generic:conv", layer: int | None = None) -> Sample:
    """A kernel [outputs, side, side, inputs] as its matrix."""
    return sample_of(np.ascontiguousarray(values.reshape(-1, values.shape[-1])), role=role, layer=layer)


@pytest.mark.parametrize("side", [2, 3, 5])
def test_exchanged_sides(side: int) -> None:
    """Height and width of square kernels: equal again once exchanged."""
    first = noise(12, side, side, 64, seed=side)
    arranged, undone, tried = best_arrangement(kernel(first.transpose(0, 2, 1, 3)), kernel(first), LEAST, MARGIN)
    assert undone == Undone.KERNEL_SIDES
    assert tried >= 2
    order = np.argsort(arranged.rows)
    assert np.array_equal(arranged.values()[order], first.transpose(0, 2, 1, 3).reshape(-1, 64))


def test_a_matrix_behind_a_flattened_map() -> None:
    """The rows [side, side, channels] of a matrix behind the last convolution."""
    first = noise(3, 3, 16, 64, seed=4)
    _, undone, _ = best_arrangement(kernel(first.transpose(1, 0, 2, 3)), kernel(first), LEAST, MARGIN)
    assert undone == Undone.KERNEL_SIDES


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3, 2), (1, 0, 2, 3), (0, 3, 1, 2)])
def test_gates_of_an_lstm(order: tuple[int, ...]) -> None:
    """Any order of the four gates is found, for matrices of units and for biases of gates."""
    for first in (noise(4, 32, 64, seed=5), noise(4, 1, 128, seed=6)):
        turned = np.ascontiguousarray(first[list(order)].reshape(-1, first.shape[-1]))
        mine, theirs = (
            sample_of(each, role="generic:lstm.weight_hh", layer=None) for each in (turned, first.reshape(turned.shape))
        )
        arranged, undone, tried = best_arrangement(mine, theirs, LEAST, MARGIN)
        assert (undone, tried) == (Undone.GATES, len(list(permutations(range(4)))) - 1)
        assert np.array_equal(arranged.values()[np.argsort(arranged.rows)], turned)


def test_what_stands_right_stays() -> None:
    """The same order on both sides, trained on or not, is left as it is."""
    first = noise(12, 3, 3, 64, seed=1)
    for mine in (first, first + 0.01 * noise(*first.shape, seed=2), first + noise(*first.shape, seed=3)):
        arranged, undone, _ = best_arrangement(kernel(mine), kernel(first), LEAST, MARGIN)
        assert not undone
        assert np.array_equal(arranged.rows, kernel(first).rows)


def test_strangers_have_no_order() -> None:
    """Two hundred pairs: no order of a stranger's rows is chosen."""
    for seed in range(200):
        mine, theirs = (
            sample_of(noise(32, 64, seed=part + seed), role="generic:lstm.weight_ih", layer=None) for part in (1, 5000)
        )
        assert not best_arrangement(mine, theirs, LEAST, MARGIN)[1]


def test_other_tensors_are_left_alone() -> None:
    """A known matrix of a transformer has no sides and no gates; pools and other shapes neither."""
    assert not list(arrangements(sample_of(noise(36, 64)), sample_of(noise(36, 64))))
    assert not list(arrangements(kernel(noise(4, 3, 3, 8)), kernel(noise(5, 3, 3, 8))))
    nothing = sample_of(noise(9, 64), role="generic:conv", raw=None)
    assert best_arrangement(nothing, nothing, LEAST, MARGIN)[1:] == (None, 0)


def test_unnamed_kernels_are_found_too() -> None:
    """Where no name tells the counterpart, orders of all kernels of a shape are tried."""
    values = [noise(12, 3, 3, 64, seed=30 + n) for n in range(3)]
    subject = [kernel(each.transpose(0, 2, 1, 3), f"generic:a{n}") for n, each in enumerate(values)]
    reference = [kernel(each, f"generic:b{n}") for n, each in enumerate(reversed(values))]
    found = evidence(subject, reference)
    assert found.relation == Relation.TRANSFORMED
    assert found.changes[0].data["count"] == 3
    assert (
        evidence(subject, [kernel(noise(12, 3, 3, 64, seed=90 + n), f"generic:b{n}") for n in range(3)]).relation
        not in FOUND
    )
