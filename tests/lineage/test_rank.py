"""Each component with its nearest reference."""

from __future__ import annotations

import pytest

from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.comparison import Comparison, Comparisons
from independence_audit.lineage.decide import Level
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.rank import Ranking, level_of, rank
from tests.lineage.hand_made import (
    LEVEL,
    compared_of,
    component_of,
    fingerprint_of,
    measured_of,
    noise,
    sample_of,
)


def ranked(*compared: Comparison) -> list[str]:
    """The references in order of nearness."""
    subject = fingerprint_of(components=[component_of("model")])
    (ranking,) = rank(Comparisons(subject, LEVEL.alpha, tuple(compared)))
    return [verdict.compared.reference for verdict in ranking.verdicts]


CASES = {
    "identical": compared_of(measured_of(60.0, equal=1.0), reference="identical"),
    "rounded": compared_of(measured_of(60.0, rounding="bf16"), reference="rounded"),
    "close": compared_of(measured_of(60.0), reference="close"),
    "related": compared_of(measured_of(20.0), reference="related"),
    "single finding": compared_of(measured_of(6.5), reference="single finding"),
    "unrelated": compared_of(measured_of(0.5), reference="unrelated"),
    "not comparable": compared_of(
        measured_of(None, equal=None, reason="shape_differs", incomparable=True), reference="not comparable"
    ),
}


@pytest.mark.parametrize("turn", range(len(CASES)))
def test_nearest_first(turn: int) -> None:
    """By relation, then by how like it is; the order in which references were given does not matter."""
    names = list(CASES)
    given = names[turn:] + names[:turn]
    assert ranked(*(CASES[name] for name in given)) == names


def test_the_reference_that_explains_more_is_nearer() -> None:
    """Of two identical ones the one that shares more of the component."""
    part = compared_of(measured_of(60.0, equal=1.0), reference="a part")
    whole = compared_of(*(measured_of(60.0, role=role, equal=1.0) for role in "qkv"), reference="the whole")
    assert ranked(part, whole) == ["the whole", "a part"]


def test_where_the_typical_tensor_is_equal_the_others_count() -> None:
    """An adapter leaves most tensors of its base alone, and so does another one: the base is nearer than the other."""
    unchanged = [measured_of(60.0, role=role, equal=1.0) for role in "qkv"]
    base, other = (
        compared_of(*unchanged, measured_of(z, role="down"), reference=name)
        for z, name in ((50.0, "base"), (40.0, "an"))
    )
    assert ranked(other, base) == ranked(base, other) == ["base", "an"]


def test_ties_go_by_name() -> None:
    """Two equal verdicts have a fixed order: reports repeat."""
    twins = [compared_of(measured_of(0.5), reference=name) for name in ("b", "a")]
    assert ranked(*twins) == ranked(*twins[::-1]) == ["a", "b"]


def test_every_component_has_its_own_ranking() -> None:
    """In the subject's order; a component that met nothing has an empty one."""
    subject = fingerprint_of(components=[component_of(name) for name in ("model", "tower", "lonely")])
    compared = [compared_of(measured_of(0.5), component=name, reference="x") for name in ("tower", "model")]
    rankings = rank(Comparisons(subject, LEVEL.alpha, tuple(compared)))
    assert [ranking.component.name for ranking in rankings] == ["model", "tower", "lonely"]
    assert [len(ranking.verdicts) for ranking in rankings] == [1, 1, 0]
    assert rankings[2].best is None
    assert rankings[0].best is rankings[0].verdicts[0]


def test_level_is_spread_over_all_tests() -> None:
    """Every test of every comparison counts; comparisons without a test do not."""
    compared = [
        compared_of(measured_of(1.0), measured_of(2.0, role="k"), weakest=1.0),
        compared_of(measured_of(1.0), choices=9),
        compared_of(measured_of(None, reason="constant")),
    ]
    assert level_of(compared, 0.01) == Level(0.01, 13, 2)
    assert level_of([], 0.01) == Level(0.01, 1, 1)


def nearest(strength: float) -> Ranking:
    """The ranking of a model against its origin, diluted, and two strangers."""
    roles = ("q", "k", "up", "gate")

    def model(seed: int) -> list[Sample]:
        return [sample_of(noise(16, 256, seed=10 * seed + number), role=role) for number, role in enumerate(roles)]

    origin = model(1)
    own = [
        sample_of(strength * one.values() + other.values(), role=one.role)
        for one, other in zip(origin, model(2), strict=True)
    ]
    references = {"stranger": model(3), "origin": origin, "other stranger": model(4)}
    subject = fingerprint_of(*own)
    compared = [
        found
        for name, samples in references.items()
        for found in compare_fingerprints(subject, fingerprint_of(*samples, name=name))
    ]
    (ranking,) = rank(Comparisons(subject, 1e-6, tuple(compared)))
    return ranking


@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_origin_is_found_among_strangers(strength: float) -> None:
    """From values to the nearest reference: the origin is first, and the strangers are unrelated."""
    ranking = nearest(strength)
    best = ranking.best
    assert best is not None
    assert (best.compared.reference, best.relation) == ("origin", Relation.RELATED)
    assert [verdict.relation for verdict in ranking.verdicts[1:]] == [Relation.UNRELATED] * 2
