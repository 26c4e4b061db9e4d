"""A training whose checkpoints are revisions of one repository, as open trainings publish them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.small_models import save
from tests.cli.test_trajectory import conclusions, training
from tests.e2e.conftest import Audit
from tests.hub.fake_hub import FakeHub

REPOSITORY = "open/Training-1B"


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
    """In whichever order they are named; the same again without the network, from what was read."""
    ended = audit("trajectory", *reversed(revisions), "--format", "json")
    assert ended.code == 0, ended.err
    assert conclusions(ended.report) == ["initialised_and_trained"]
    seen = ended.report["training"]["trajectory"]["checkpoints"]
    assert [each["step"] for each in seen] == [0, 1000, 2000, 3000, 4000, 5000]
    hub.stop()
    again = audit("trajectory", *revisions, "--format", "json", "--offline")
    assert again.comparable == ended.comparable


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
