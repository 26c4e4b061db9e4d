"""What of a component was not tested, and when that leaves it open."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.comparison import Comparison, Tried
from independence_audit.lineage.coverage import MOST_UNTESTED, emptiness, empty_share, untested
from independence_audit.lineage.in_place import measure_component
from independence_audit.lineage.outcomes import SearchName
from independence_audit.lineage.pairing import ComponentPair
from tests.lineage.hand_made import component_of, noise, sample_of


def matrix(seed: int, rows: int = 16, layer: int | None = 0, role: str = "q") -> Sample:
    """A matrix of 64 columns."""
    return sample_of(noise(rows, 64, seed=seed), layer=layer, role=role)


def beside(
    pairs: list[tuple[Sample, Sample]], left: list[Sample], free: list[Sample], *, searched: bool = False
) -> Comparison:
    """Samples beside each other, and those without a counterpart."""
    total = sum(one.parameters for one in [*(mine for mine, _ in pairs), *left])
    pair = ComponentPair(
        component_of(parameters=total), component_of("theirs"), tuple(pairs), tuple(left), 0, tuple(free)
    )
    measured = measure_component("reference", pair)
    return measured.with_tried({SearchName.MOVED: Tried(tests=1)}) if searched else measured


PAIRS = [(matrix(layer, layer=layer), matrix(100 + layer, layer=layer)) for layer in range(20)]


def test_everything_tested_leaves_nothing() -> None:
    """And the limit is a layer of the reference: a twentieth here."""
    left = untested(beside(PAIRS, [], []))
    assert (left.share, left.reason, left.is_hole) == (0.0, "", False)
    assert left.limit == pytest.approx(1 / 20)


def test_the_limit_of_a_shallow_component() -> None:
    """Where a layer is half of it, a smaller share leaves it open."""
    assert untested(beside(PAIRS[:2], [], [])).limit == MOST_UNTESTED


@pytest.mark.parametrize(("rows", "hole"), [(15, False), (40, True)])
def test_a_hole_is_one_that_a_layer_fits_into(rows: int, *, hole: bool) -> None:
    """Smaller ones are said and leave nothing open."""
    left = untested(beside(PAIRS, [matrix(7, rows=rows, layer=None, role="extra")], []))
    assert (left.is_hole, left.reason) == (hole, "no_counterpart")


def test_tables_of_another_height_are_no_hole() -> None:
    """Beside a table of the same width; under another role they are one."""
    free = [matrix(8, layer=None, role="embed")]
    assert not untested(beside(PAIRS, [matrix(7, rows=400, layer=None, role="head")], free)).is_hole
    assert untested(beside(PAIRS, [matrix(7, rows=400, layer=None, role="other")], free)).is_hole
    assert untested(beside(PAIRS, [matrix(7, rows=400, layer=None, role="head")], [])).is_hole


def test_more_layers_were_looked_through() -> None:
    """The search for moved layers held them against every layer of the reference."""
    more = [matrix(200 + layer, rows=20, layer=layer) for layer in range(20, 30)]
    assert untested(beside(PAIRS, more, [])).is_hole
    assert not untested(beside(PAIRS, more, [], searched=True)).is_hole


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((16, 64), 0.5, np.float32), "constant"),
        (np.zeros((16, 64), np.float32), "constant"),
        (np.full((16, 64), np.nan, np.float32), "non_finite"),
        (np.where(np.arange(64) % 20 == 0, np.inf, noise(16, 64)).astype(np.float32), "non_finite"),
        (np.outer(noise(16), noise(64, seed=1)).astype(np.float32), "one_pattern"),
    ],
)
def test_empty_matrices_are_holes_unless_the_reference_is_as_empty(values: np.ndarray, reason: str) -> None:
    """A constant of the reference holds nothing that could have been taken."""
    empty = [(sample_of(values, layer=layer), theirs) for layer, (_, theirs) in enumerate(PAIRS)]
    left = untested(beside(empty, [], []))
    assert (left.share, left.reason, left.is_hole) == (1.0, reason, True)
    assert not untested(beside([(mine, mine) for mine, _ in empty], [], [])).is_hole
    assert empty_share([mine for mine, _ in empty], 2 * 20 * 16 * 64) == 0.5


def test_what_honest_weights_hold_is_not_empty() -> None:
    """Pruned, of two or three numbers, of few rows, vectors, and what has no axis."""
    weights = noise(16, 64)
    honest = [
        sample_of(weights),
        sample_of(np.sign(weights)),
        sample_of((weights * (np.abs(weights) > 0.03)).astype(np.float32)),
        sample_of(noise(2, 64)),
        sample_of(np.ones(64, np.float32)),
        sample_of(np.ones((16, 64), np.float32), axis=Axis.NONE),
    ]
    assert [emptiness(sample) for sample in honest] == [""] * len(honest)
