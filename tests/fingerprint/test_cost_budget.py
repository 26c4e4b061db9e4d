"""How many units fit beside a sample: what is left out first, and what is kept to the last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import Checkpoint, LocalSource
from independence_audit.fingerprint import cost
from independence_audit.fingerprint.cost import Budget, cost_of, plan_within
from independence_audit.fingerprint.sampler import sampler_of
from independence_audit.fingerprint.units.places import search_layers, unit_places
from independence_audit.fingerprint.units.unit_reading import UnitPlan, kept_places
from tests.fingerprint.real_shapes import GLM, QWEN, glm_4_5_air, qwen2_5_7b, without_weights

MB = 10**6


@pytest.fixture(scope="module")
def dense() -> tuple[Checkpoint, Anatomy]:
    """A dense model of 7B on this machine."""
    checkpoint, anatomy = without_weights(qwen2_5_7b(), QWEN)
    return replace(checkpoint, source=LocalSource(Path(), (), "here")), anatomy


@pytest.mark.parametrize(("size", "layers", "most"), [("default", 2, 40), ("small", 0, 6)])
def test_whole_layers_are_left_out_first(dense: tuple[Checkpoint, Anatomy], size: str, layers: int, most: int) -> None:
    """Two whole layers of a 7B model fit into 40 MB; into what is shipped none does, but a few units of every layer."""
    checkpoint, anatomy = dense
    sampler = sampler_of(size)
    plan = plan_within(checkpoint, anatomy, sampler, None)
    assert (plan.search_layers, plan.sampled_layers) == (layers, None)
    assert cost_of(checkpoint, anatomy, sampler, units=plan).file_size < most * MB


def test_what_was_asked_for_is_kept_whatever_it_takes(dense: tuple[Checkpoint, Anatomy]) -> None:
    """A number of layers on the command line goes before the cost."""
    plan = plan_within(*dense, sampler_of("small"), 2)
    assert plan.search_layers == 2
    assert cost_of(*dense, sampler_of("small"), units=plan).file_size > 6 * MB


@pytest.mark.parametrize(
    "limits",
    [
        Budget(8_200_000, 60 * MB, 5000),
        Budget(60 * MB, 15 * MB, 5000),
        Budget(60 * MB, 60 * MB, 1200),
    ],
    ids=["file", "bytes", "requests"],
)
def test_every_limit_is_kept(limits: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many layers as fit, and not one more."""
    monkeypatch.setattr(cost, "DEFAULT", limits)
    checkpoint, anatomy = without_weights(qwen2_5_7b(), QWEN)
    sampler = sampler_of("default")
    plan = plan_within(checkpoint, anatomy, sampler, None)
    assert plan.sampled_layers is not None
    assert 0 < plan.sampled_layers < 28
    assert limits.allows(cost_of(checkpoint, anatomy, sampler, units=plan), near=False)
    more = replace(plan, sampled_layers=plan.sampled_layers + 1)
    assert not limits.allows(cost_of(checkpoint, anatomy, sampler, units=more), near=False)


def test_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample goes without units, and the component says so."""
    monkeypatch.setattr(cost, "DEFAULT", Budget(1, 1, 1))
    checkpoint, anatomy = without_weights(qwen2_5_7b(), QWEN)
    plan = plan_within(checkpoint, anatomy, sampler_of("default"), None)
    assert plan.sampled_layers == 0


def test_the_layers_that_are_kept_lie_where_a_copy_is_searched() -> None:
    """Those that a model of the same depth is searched at, then their neighbours."""
    _, anatomy = without_weights(glm_4_5_air(), GLM)
    [component] = anatomy.components
    places = unit_places(anatomy, component)
    searched = [place.layer for place in search_layers(places, 2)]
    kept = {
        count: [place.layer for place in kept_places(places, UnitPlan(0, sampler_of("default"), sampled_layers=count))]
        for count in (2, 6, 1000)
    }
    assert kept[2] == searched
    assert kept[6] == [layer + step for layer in searched for step in (-1, 0, 1)]
    assert kept[1000] == [place.layer for place in places]
