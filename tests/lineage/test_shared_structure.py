"""Whole components whose tensors share a public structure: strangers are no copies, and copies are found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import Level, decide
from independence_audit.lineage.in_place import compare_fingerprints
from tests.lineage.hand_made import fingerprint_of, sample_of
from tests.statistics.test_structure import BASES, COLUMNS, ROWS, SHARED

LEVEL = Level(alpha=1e-6, tests=60, comparisons=2)
LAYERS, ROLES = 4, ("q", "gate", "up")
NORMS = ("attn_norm", "mlp_norm")

Gains = Callable[[np.ndarray], np.ndarray]

GAINS: dict[str, Gains] = {
    "every third channel": lambda noise: 1 + 0.05 * noise + 0.03 * (np.arange(COLUMNS) % 3 == 0),
    "every sixteenth channel": lambda noise: 1 + 0.05 * noise + 0.1 * (np.arange(COLUMNS) % 16 == 0),
    "a sawtooth of forty": lambda noise: 1 + 0.05 * noise + 0.03 * (np.arange(COLUMNS) % 40 - 20) / 12,
    "a gradient": lambda noise: 1 + 0.05 * noise + 0.03 * np.linspace(-1.7, 1.7, COLUMNS),
    "steps of heads": lambda noise: 1 + 0.05 * noise + 0.04 * (np.arange(COLUMNS) // 32 % 2),
    "sorted": lambda noise: np.sort(1 + 0.05 * noise),
}


def component(
    seed: int,
    *,
    matrix: Callable[[np.ndarray], np.ndarray] = lambda noise: noise,
    gain: Gains = lambda noise: 1 + 0.05 * noise,
    layers: int = LAYERS,
) -> dict[tuple[int, str], np.ndarray]:
    """Values by layer and role."""
    random = np.random.default_rng(seed)
    found = {}
    for layer in range(layers):
        for role in ROLES:
            found[layer, role] = matrix(random.normal(size=(ROWS, COLUMNS)))
        for role in NORMS:
            found[layer, role] = gain(random.normal(size=COLUMNS))
    return found


def fingerprint(values: dict[tuple[int, str], np.ndarray]) -> Fingerprint:
    """Of single-precision values."""
    return fingerprint_of(*(_sample(layer, role, each) for (layer, role), each in values.items()))


def _sample(layer: int, role: str, values: np.ndarray) -> Sample:
    return sample_of(values.astype(np.float32), layer=layer, role=role, name=f"layers.{layer}.{role}.weight")


def compared(first: dict[tuple[int, str], np.ndarray], second: dict[tuple[int, str], np.ndarray]) -> Comparison:
    """The only comparison of two components."""
    (found,) = compare_fingerprints(fingerprint(first), fingerprint(second))
    return found


def trained_on(values: dict[tuple[int, str], np.ndarray], seed: int) -> dict[tuple[int, str], np.ndarray]:
    """A copy with noise of 0.7 of each tensor's own deviation where it has values."""
    random = np.random.default_rng(seed)
    return {
        place: each + 0.7 * each[each != 0.0].std() * random.normal(size=each.shape) * (each != 0.0)
        for place, each in values.items()
    }


@pytest.mark.parametrize("kind", [*SHARED, *BASES])
def test_strangers_with_matrices_of_one_structure(kind: str) -> None:
    """Neither a tensor nor all of them together."""
    matrix = SHARED.get(kind) or (lambda noise: noise + 0.4 * BASES[kind])
    for seed in range(2):
        found = compared(component(2 * seed, matrix=matrix), component(2 * seed + 1, matrix=matrix))
        assert decide(found, LEVEL).relation not in {*FOUND, Relation.TOKEN_TABLES}
        assert all(abs(one.evidence.z) < 4.5 for one in found.measured if one.evidence)
        if found.joint is not None:
            assert abs(found.joint.z) < 4.5


@pytest.mark.parametrize("kind", SHARED)
def test_copies_with_matrices_of_one_structure(kind: str) -> None:
    """Found by what is left beside it."""
    own = component(20, matrix=SHARED[kind])
    assert decide(compared(trained_on(own, 21), own), LEVEL).relation in FOUND


@pytest.mark.parametrize("layers", [1, 24])
@pytest.mark.parametrize("kind", GAINS)
def test_strangers_with_gains_of_one_profile(kind: str, layers: int) -> None:
    """Too weak in a single layer or not: layers taken together show the order, and gains say nothing then."""
    found = compared(component(30, gain=GAINS[kind], layers=layers), component(31, gain=GAINS[kind], layers=layers))
    assert decide(found, LEVEL).relation not in {*FOUND, Relation.TOKEN_TABLES}
    assert found.weakest is None or abs(found.weakest.z) < 4.5
    assert found.joint is None or abs(found.joint.z) < 4.5


@pytest.mark.parametrize("kind", GAINS)
def test_copies_with_gains_of_one_profile(kind: str) -> None:
    """Found by their matrices."""
    own = component(40, gain=GAINS[kind])
    assert decide(compared(trained_on(own, 41), own), LEVEL).relation in FOUND
