"""Layers whose signs are not left to chance: strangers among them stay silent, copies of them are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from independence_audit.lineage.disguised import DESCRIBED_AGREEING, EMPIRICAL_Z
from independence_audit.statistics.descriptors import descriptor_test
from independence_audit.statistics.leaning import controlled_z, leans, without_lean
from independence_audit.statistics.matching import match
from independence_audit.statistics.units import are_tied, sign_z, unit_tests
from tests.statistics.layers import Floats, Layer, described, disguise, further, layer, responses

WIDTH, UNITS = 48, 256

PUBLIC = np.random.default_rng(99)
SIGNS = PUBLIC.choice([-1.0, 1.0], size=WIDTH)
DIRECTION = PUBLIC.normal(size=WIDTH) / WIDTH**0.5
MAP = PUBLIC.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
MASK = np.arange(UNITS)[:, None] * 4 // UNITS == np.arange(WIDTH) * 4 // WIDTH

Roles = tuple[Floats, Floats, Floats]


def _sizes(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray((lengths - lengths.mean()) / lengths.std())


INNOCENT: dict[str, Callable[[Floats, Floats, Floats], Roles]] = {
    "a lean as gpt-oss's": lambda g, u, d: (g, 0.96 * u + 0.28 * g, d + 0.11 * g),
    "a strong lean": lambda g, u, d: (g, 0.8 * u + 0.6 * g, 0.3 * (d + g) + 0.2 * u),
    "a lean that grows with size": lambda g, u, d: (g, u + 0.4 * _sizes(g) * g, d),
    "a lean that comes and goes with size": lambda g, u, d: (g, u + 0.4 * np.sin(2 * _sizes(g)) * g, d),
    "positive weights": lambda g, u, d: (abs(g), abs(u), abs(d)),
    "positive ups": lambda g, u, d: (g, abs(u), d),
    "signs that are public": lambda g, u, d: (abs(g) * SIGNS, abs(u) * SIGNS, abs(d) * SIGNS),
    "gates begun as ups": lambda g, u, d: (g, g + 0.3 * u, g + 0.3 * d),
    "gates that are ups": lambda g, u, d: (g, g, d),
    "a public mask": lambda g, u, d: (g * MASK, u * MASK, d * MASK),
    "positive weights on a public mask": lambda g, u, d: (abs(g) * MASK, abs(u) * MASK, abs(d) * MASK),
    "ups made of gates by a public map": lambda g, u, d: (g, 0.5 * u + g @ MAP, 0.5 * d + g @ MAP.T),
    "one direction in all": lambda g, u, d: (g, u + 2 * DIRECTION, d + 2 * DIRECTION),
}


def made(kind: str, seed: int) -> Layer:
    """A layer of its own draw."""
    one = layer(seed, WIDTH, UNITS)
    gate, up, down = INNOCENT[kind](one.gate, one.up, one.down)
    return replace(one, gate=gate, up=up, down=down)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("kind", INNOCENT)
def test_strangers_that_lean_alike_are_not_accused(kind: str, symmetric: bool) -> None:  # noqa: FBT001  a case's parameter
    """Whether or not the design has the symmetry, and by both tests."""
    for seed in range(3):
        one, other = made(kind, 300 + 2 * seed), made(kind, 301 + 2 * seed)
        described_pair = descriptor_test(described(one), described(other), symmetric=symmetric)
        assert described_pair.p_value is None or described_pair.p_value > 1e-3
        assert described_pair.z < 4.5
        assert described_pair.agreed < DESCRIBED_AGREEING / 2 * described_pair.units
        mine, theirs = responses(one), responses(other)
        if are_tied(mine) and are_tied(theirs):
            continue
        tests = unit_tests(mine, theirs, symmetric=symmetric)
        assert tests.up_sign_p is None or tests.up_sign_p > 1e-3
        assert (tests.up_sign_z or 0.0) < 4.5
        assert (tests.agreed or 0) < 0.1 * tests.units


def test_the_signs_alone_would_accuse() -> None:
    """What the test saw before it asked whether sides lean."""
    one, other = described(made("positive weights", 300)), described(made("positive weights", 301))
    odd = [side.odd / np.sqrt(np.square(side.odd).mean(axis=0)) for side in (one, other)]
    i, j = match(one.even @ other.even.T).one_to_one()
    assert sign_z((odd[0][i] * odd[1][j]).sum(axis=1)) > 7.0


@pytest.mark.parametrize(
    "kind", [kind for kind in INNOCENT if kind not in {"gates that are ups", "gates begun as ups", "a strong lean"}]
)
def test_disguised_copies_that_lean_are_found(kind: str) -> None:
    """Trained further and turned; the sign test is the empirical one where the layer leans."""
    one = made(kind, 400)
    copy = disguise(further(one, 0.05, 401), 402)
    for symmetric in (True, False):
        found = descriptor_test(described(one), described(copy), symmetric=symmetric)
        assert found.z > EMPIRICAL_Z
        assert symmetric or found.p_value is None
        assert found.agreed > DESCRIBED_AGREEING * found.units
        mine, theirs = responses(one), responses(copy)
        if not are_tied(mine):
            assert (unit_tests(mine, theirs, symmetric=symmetric).up_sign_z or 0.0) > EMPIRICAL_Z


def test_random_signs_do_not_lean() -> None:
    """Whatever the sizes; common signs and those that follow what is known do."""
    generator = np.random.default_rng(5)
    known = generator.normal(size=(400, 20))
    sizes = np.exp(known[:, :1]) * generator.normal(size=(400, 12))
    assert not sum(leans(sizes * generator.choice([-1.0, 1.0], size=(400, 1)), known) for _ in range(100))
    assert leans(abs(sizes), known)
    assert leans(sizes + 0.8 * known[:, 3:4] ** 2, known)
    assert leans(sizes + 2.0 * known[:, :12], known)


def test_what_is_explained_is_taken_off() -> None:
    """A constant, the known numbers and their squares; the rest stays."""
    generator = np.random.default_rng(6)
    known, rest = generator.normal(size=(400, 8)), generator.normal(size=(400, 3))
    freed = without_lean(3.0 + known[:, :3] - 2.0 * known[:, 3:6] ** 2 + rest, known)
    assert np.corrcoef(freed[:, 0], rest[:, 0])[0, 1] > 0.95
    np.testing.assert_allclose(freed.mean(axis=0), 0.0, atol=1e-9)


def test_the_controlled_statistic_is_standard_normal_between_strangers() -> None:
    """And at a copy it reaches the root of the number of units."""
    generator = np.random.default_rng(7)
    z = []
    for _ in range(200):
        closeness, likeness = generator.normal(size=(2, 64, 128))
        z.append(controlled_z(likeness + 3.0, closeness, match(closeness)))
    assert abs(np.mean(z)) < 0.4
    assert 0.7 < np.std(z) < 1.15
    assert np.max(z) < 3.5
    units = generator.normal(size=(128, 200))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    assert controlled_z(units @ units.T, units @ units.T, match(units @ units.T)) > 11.0
    assert controlled_z(np.zeros((4, 8)), np.zeros((4, 8)), match(np.zeros((4, 8)))) == 0.0
