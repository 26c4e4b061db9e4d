"""Real networks: regenerated draws against final weights, wrong seeds, and pairs that share a seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, ReferencePoint
from independence_audit.pipeline.trajectory import TrajectorySettings, trajectory

CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "05_attention_route"
pytestmark = pytest.mark.skipif(not CASE.is_dir(), reason="the real networks are not here")


def judged(first: str, last: str, *references: str) -> tuple[ComponentTraining, list[ReferencePoint]]:
    """A draw and final weights as a trajectory of two."""
    names = [str(CASE / f"{name}.safetensors") for name in (first, last)]
    settings = TrajectorySettings(references=[str(CASE / f"{name}.safetensors") for name in references])
    training = trajectory(names, settings).training
    assert training.trajectory is not None
    return training.components[0], list(training.trajectory.points[-1].references)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("init_cvrp_seed1234", "cvrp_10"),
        ("init_cvrp_seed1234", "cvrp_20"),
        ("init_cvrp_seed1234", "cvrp_100"),
        ("init_cvrp_seed1235", "cvrp_50"),
        ("init_tsp_seed1235", "tsp_20"),
        ("init_tsp_seed1235", "tsp_50"),
    ],
)
def test_the_right_draw_is_verified(first: str, last: str) -> None:
    """Regenerated from the published seed, and found in the final weights."""
    found, _ = judged(first, last)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED
    assert not any(finding.contradicts for finding in found.findings)


@pytest.mark.parametrize(("first", "last"), [("init_cvrp_seed1235", "cvrp_10"), ("init_cvrp_seed1234", "cvrp_50")])
def test_a_wrong_seed_is_refused(first: str, last: str) -> None:
    """The draw of another seed is not what the final weights grew from."""
    found, _ = judged(first, last)
    assert found.conclusion == Conclusion.STARTS_FROM_TRAINED_WEIGHTS
    assert [finding.message.key for finding in found.findings if finding.contradicts] == ["finding.swapped"]


@pytest.mark.parametrize(
    ("first", "last", "reference"),
    [("init_cvrp_seed1234", "cvrp_10", "cvrp_20"), ("init_tsp_seed1235", "tsp_20", "tsp_50")],
)
def test_a_shared_seed_is_told_from_shared_training(first: str, last: str, reference: str) -> None:
    """As they are the pair correlates by 0.7; the updates hardly do, and nobody is accused."""
    found, [point] = judged(first, last, reference)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED
    assert [finding.message.key for finding in found.findings] == ["finding.shares_draw"]
    assert point.related
    assert point.r is not None
    assert point.update_r is not None
    assert point.r > 0.6
    assert abs(point.update_r) < 0.2


def test_a_stranger_meets_nothing() -> None:
    """Another seed, trained on the same task."""
    found, [point] = judged("init_cvrp_seed1234", "cvrp_20", "cvrp_50")
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED
    assert not found.findings
    assert not point.related
    assert not point.related_update


def test_a_stranger_as_a_start_is_a_finding() -> None:
    """A network that is trained already is no draw, and with it the final weights share their training."""
    found, [point] = judged("cvrp_20", "cvrp_10", "cvrp_20")
    assert found.conclusion == Conclusion.STARTS_FROM_TRAINED_WEIGHTS
    assert point.related
