"""A training whose checkpoints are revisions of one repository, as open trainings publish them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_models import save
from tests.cli.test_trajectory_command import conclusions, training
from tests.e2e.conftest import Audit
from tests.hub.fake_hub import FakeHub

REPOSITORY = "open/Training-1B"


def steps(report: dict[str, Any]) -> list[int | None]:
    """Of the checkpoints, in order."""
    return [each["step"] for each in report["training"]["trajectory"]["checkpoints"]]


@pytest.fixture
def revisions(hub: FakeHub, tmp_path: Path) -> list[str]:
    """Six revisions, from step 0 on, by name."""
    names = []
    for number, weights in enumerate(training(1)):
        revision = f"step{1000 * number}"
        folder = tmp_path / "hub" / REPOSITORY / revision
        save(weights, folder / "model.safetensors")
        hub.add(REPOSITORY, folder, revision)
        names.append(f"{REPOSITORY}@{revision}")
    return names


def test_revisions_are_followed_by_their_steps(revisions: list[str], audit: Audit, hub: FakeHub) -> None:
    """In the order given, or by declared steps; the same again without the network, from what was read."""
    ended = audit("trajectory", *revisions, "--format", "json")
    assert ended.code == 0, ended.err
    assert conclusions(ended.report) == ["initialised_and_trained"]
    assert steps(ended.report) == [0, 1000, 2000, 3000, 4000, 5000]
    declared = audit("trajectory", *reversed(revisions), "--step-regex", "@step([0-9]+)", "--format", "json")
    assert declared.code == 0, declared.err
    assert conclusions(declared.report) == ["initialised_and_trained"]
    assert steps(declared.report) == [0, 1000, 2000, 3000, 4000, 5000]
    hub.stop()
    again = audit("trajectory", *revisions, "--format", "json", "--offline")
    assert again.comparable == ended.comparable


def test_revisions_named_the_wrong_way_round_are_doubted(revisions: list[str], audit: Audit) -> None:
    """The order given is the order: one that names and weights deny is neither put right nor accused."""
    ended = audit("trajectory", *reversed(revisions), "--format", "json")
    assert ended.code == 3, ended.err
    assert conclusions(ended.report) == ["no_evidence"]
    [component] = ended.report["training"]["components"]
    assert "limit.order_doubted" in {limit["key"] for limit in component["limits"]}
    assert not any(finding["contradicts"] for finding in component["findings"])


def test_a_revision_that_is_missing_lowers_the_conclusion(revisions: list[str], audit: Audit) -> None:
    """It is named and skipped: status 3."""
    ended = audit("trajectory", *revisions[:3], f"{REPOSITORY}@step2500", *revisions[3:], "--format", "json")
    assert ended.code == 3, ended.err
    assert conclusions(ended.report) == ["consistent_with_scratch"]
    [skipped] = [one for one in ended.report["training"]["trajectory"]["checkpoints"] if one["status"] == "skipped"]
    assert skipped["step"] == 2500
    assert "step2500" in skipped["reason"]["data"]["reason"]


def test_no_revision_is_no_opinion(audit: Audit, revisions: list[str]) -> None:
    """Status 4 and one sentence."""
    ended = audit("trajectory", f"{REPOSITORY}@step9000", f"{REPOSITORY}@step9500")
    assert ended.code == 4
    assert ended.is_told()
