"""A first look: strangers are told by it, whatever shows anything is measured in full, and nobody can hide from it."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.making import read_model
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import ENOUGH_POWER, Level, decide
from independence_audit.lineage.in_place import Comparer
from independence_audit.lineage.pairing import pair_components
from independence_audit.lineage.screening import Screening
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.statistics.decision import critical_z
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

ROOT = Path(__file__).resolve().parents[2]
LEVEL = Level(1e-6, 200, 20)


def model(seed: int, roles: str = "qkvo", width: int = 256) -> list[Sample]:
    """Two layers of a few roles."""
    return [
        sample_of(noise(16, width, seed=100 * seed + 10 * layer + number), layer=layer, role=role)
        for layer in range(2)
        for number, role in enumerate(roles)
    ]


def look(subject: list[Sample], reference: list[Sample]) -> Comparison:
    """What comparing at a glance gives."""
    comparer = Comparer(fingerprint_of(*subject), screening=True)
    (found,) = comparer.compare(fingerprint_of(*reference, name="known"))
    return found


def changed(samples: list[Sample], seed: int, noise_of: float) -> list[Sample]:
    """The samples with noise relative to their spread."""
    values = [sample.values() for sample in samples]
    return [
        sample_of(
            (each + noise_of * noise(*each.shape, seed=seed + number)).astype(np.float32),
            layer=sample.layer,
            role=sample.role,
        )
        for number, (sample, each) in enumerate(zip(samples, values, strict=True))
    ]


def test_strangers_are_told_at_a_glance() -> None:
    """They are unrelated with power, and their statistics are standard normal."""
    scores = []
    for seed in range(40):
        found = look(model(1000), model(seed))
        assert found.screened
        verdict = decide(found, LEVEL)
        assert verdict.relation == "unrelated"
        assert verdict.detection_bound is not None
        assert verdict.detection_bound < ENOUGH_POWER
        scores += [one.test.z for one in found.measured if one.test]
    assert abs(np.mean(scores)) < 3 / len(scores) ** 0.5
    assert 0.85 < np.std(scores) < 1.1


def test_a_few_tensors_are_measured_in_full() -> None:
    """A glance does not see what stands in an order, as all of a projector's matrices may."""
    for count, seen in ((3, False), (4, True)):
        sides = [
            fingerprint_of(*(sample_of(noise(16, 64, seed=10 * side + i), layer=i) for i in range(count)))
            for side in (1, 2)
        ]
        (pair,) = pair_components(*sides)
        assert (Screening().look(pair) is not None) == seen


def test_variance_is_that_of_all_permutations(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain statistic over every order of six columns: mean 0 and variance 1."""
    first, second = noise(3, 6, seed=1), noise(3, 6, seed=2)
    centred = np.sign(second - np.median(second, axis=1, keepdims=True))
    centred = centred - centred.mean(axis=1, keepdims=True)
    scores = sample_of(first).scores
    product = scores.T @ centred
    spread = np.sqrt((product**2).sum() / 5)
    traces = [np.trace(product[:, list(order)]) / spread for order in permutations(range(6))]
    assert np.mean(traces) == pytest.approx(0.0, abs=1e-9)
    assert np.var(traces) == pytest.approx(1.0)
    (pair,) = pair_components(fingerprint_of(sample_of(first)), fingerprint_of(sample_of(second)))
    monkeypatch.setattr("independence_audit.lineage.screening.FEWEST", 1)
    measured = Screening().look(pair)
    assert measured is not None
    assert measured[0].test is not None
    flips = np.trace(product) / np.sqrt((np.diagonal(product) ** 2).sum())
    assert measured[0].test.z == pytest.approx(min(np.trace(product) / spread, flips, key=abs), rel=1e-5)


@pytest.mark.parametrize("noise_of", [0.0, 0.1, 1.0, 10.0])
def test_a_copy_is_measured_in_full(noise_of: float) -> None:
    """Down to r = 0.1, near the least that full measurement finds here."""
    assert not look(model(1), changed(model(1), 5000, noise_of)).screened


def test_one_shared_tensor_is_seen() -> None:
    """A copy of a single matrix among strangers."""
    mine, theirs = model(1), model(2)
    theirs[3] = sample_of(mine[3].values(), layer=theirs[3].layer, role=theirs[3].role)
    assert not look(mine, theirs).screened


@pytest.mark.parametrize("attack", ["outliers", "offsets", "both", "scales", "negated"])
def test_nobody_hides_from_it(attack: str) -> None:
    """Rows with an enormous value, an offset, scales of their own, or another sign."""
    disguised = []
    for number, sample in enumerate(model(1)):
        values = sample.values().astype(np.float64)
        if attack in {"outliers", "both"}:
            values[:, number % 7 :: 97] = 1e4
        if attack in {"offsets", "both"}:
            values += 3.0
        if attack == "scales":
            values *= np.exp(np.random.default_rng(number).normal(size=(len(values), 1)))
        if attack == "negated":
            values *= -1.0
        disguised.append(sample_of(values.astype(np.float32), layer=sample.layer, role=sample.role))
    assert not look(model(1), disguised).screened


def test_what_a_glance_cannot_tell_is_measured() -> None:
    """Other rows, and values that are not finite."""
    theirs = model(2)
    shifted = [*theirs[:-1], sample_of(theirs[-1].values(), layer=1, role="o", rows=np.arange(1, 17))]
    assert not look(model(1), shifted).screened
    broken = theirs[0].values().copy()
    broken[3, 5] = np.nan
    assert not look(model(1), [sample_of(broken, layer=0, role="q"), *theirs[1:]]).screened


def test_what_says_nothing_is_said() -> None:
    """Constants, axes that may not be exchanged, and other shapes have their reasons."""
    mine, theirs = model(1), model(2)
    theirs[0] = sample_of(np.ones((16, 256), np.float32), layer=0, role="q")
    theirs[1] = sample_of(noise(16, 256, seed=9), layer=0, role="k", axis=Axis.NONE, reason="rope_rows")
    theirs[2] = sample_of(noise(16, 128, seed=9), layer=0, role="v")
    found = look(mine, theirs)
    assert found.screened
    assert [one.reason for one in found.measured[:3]] == ["constant", "rope_rows", "shape_differs"]
    assert [one.incomparable for one in found.measured[:3]] == [False, False, True]
    assert all(one.test for one in found.measured[3:])


def test_more_than_chance_over_all_tensors_is_seen() -> None:
    """A little of a copy in every tensor, none of which would be found by itself."""
    mine = model(1, roles="abcdefgh")
    theirs = [
        sample_of((0.035 * one.values() + other.values()).astype(np.float32), layer=one.layer, role=one.role)
        for one, other in zip(mine, model(2, roles="abcdefgh"), strict=True)
    ]
    found = look(mine, theirs)
    assert not found.screened
    assert all(abs(one.test.z) < critical_z(LEVEL.alpha, LEVEL.tests) for one in found.measured if one.test)


@pytest.fixture(scope="module")
def fingerprints(examples: Path) -> dict[str, Fingerprint]:
    """Of every example that is a subject or a reference."""
    pairs = json.loads((ROOT / "examples" / "truth.json").read_text(encoding="utf-8"))["pairs"]
    names = sorted({name for pair in pairs for name in (pair["subject"], *pair["references"])})
    sampler = AuditSettings().sampler
    return {name: read_model(str(examples / name), sampler, NoProgress()).fingerprint for name in names}


def test_every_relation_is_that_of_full_measurement(fingerprints: dict[str, Fingerprint]) -> None:
    """Of every example with every other; and strangers are told at a glance."""
    glanced = 0
    for mine in fingerprints.values():
        quick, full = Comparer(mine, screening=True), Comparer(mine)
        for theirs in fingerprints.values():
            for one, other in zip(quick.compare(theirs), full.compare(theirs), strict=True):
                assert decide(one, LEVEL).relation == decide(other, LEVEL).relation, (mine.name, theirs.name)
                glanced += one.screened
    assert glanced > 0
