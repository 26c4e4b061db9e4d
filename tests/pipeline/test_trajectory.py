"""A training followed through its checkpoints: order, references, and what the exit status says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.audit_report import TrainingReport
from independence_audit.evidence.training_evidence import Conclusion
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.trajectory import TrajectorySettings, trajectory, trajectory_exit_code
from tests.cli.small_models import Weights, save
from tests.cli.test_trajectory_command import training, write


@pytest.fixture(scope="module")
def checkpoints() -> Sequence[Weights]:
    """Six checkpoints of one training."""
    return training(1)


@pytest.fixture(scope="module")
def honest(checkpoints: Sequence[Weights], tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """Their report, in the order of their steps."""
    return trajectory([str(write(checkpoints, tmp_path_factory.mktemp("honest")))])


def test_an_honest_run_is_initialised_and_trained(honest: TrainingReport) -> None:
    """With every checkpoint read, in the order of the steps in their names, and nothing that contradicts."""
    followed = honest.training.trajectory
    assert followed is not None
    assert [one.step for one in followed.checkpoints] == [0, 10, 20, 30, 40, 50]
    assert [one.conclusion for one in honest.training.components] == ["initialised_and_trained"]
    assert trajectory_exit_code(honest) == 0


def test_checkpoints_of_two_trainings_contradict(checkpoints: Sequence[Weights], tmp_path: Path) -> None:
    """The last half is another model's: status 1, with a finding that contradicts."""
    report = trajectory([str(write([*checkpoints[:3], *training(2)[3:]], tmp_path))])
    assert trajectory_exit_code(report) == 1
    assert any(finding.contradicts for one in report.training.components for finding in one.findings)


def test_a_checkpoint_that_cannot_be_read_leaves_it_open(checkpoints: Sequence[Weights], tmp_path: Path) -> None:
    """It is listed with its reason: status 3, and never 0."""
    folder = write(checkpoints, tmp_path)
    (folder / "checkpoint-20" / "model.safetensors").write_bytes(b"torn")
    report = trajectory([str(folder)])
    followed = report.training.trajectory
    assert followed is not None
    assert [one.step for one in followed.checkpoints if one.status != "read"] == [20]
    assert trajectory_exit_code(report) == 3


def test_a_conclusion_that_is_missing_leaves_it_open(honest: TrainingReport) -> None:
    """Without evidence there is nothing to pass."""
    open_ones = tuple(replace(one, conclusion=Conclusion.NO_EVIDENCE) for one in honest.training.components)
    report = replace(honest, training=replace(honest.training, components=open_ones))
    assert trajectory_exit_code(report) == 3


def test_one_checkpoint_is_no_trajectory(checkpoints: Sequence[Weights], tmp_path: Path) -> None:
    """A sentence, and not a report of nothing; neither is one of checkpoints that are not there."""
    one = save(checkpoints[0], tmp_path / "one.safetensors")
    with pytest.raises(UsageError):
        trajectory([one])
    with pytest.raises(InputError):
        trajectory([str(tmp_path / "a.safetensors"), str(tmp_path / "b.safetensors")])


def test_the_initialiser_of_a_library_needs_its_model_type(checkpoints: Sequence[Weights], tmp_path: Path) -> None:
    """Which law the first checkpoint is held against is never guessed."""
    folder = write(checkpoints[:2], tmp_path)
    with pytest.raises(UsageError, match=r"config\.json"):
        trajectory([str(folder)], TrajectorySettings(initialiser="transformers"))


def test_full_reads_every_value() -> None:
    """Whatever the size of the sample is called; the salt stays in its name."""
    settings = TrajectorySettings(audit=AuditSettings(salt=b"s" * 16), size="small", full=True)
    assert settings.sampler.rows >= 1 << 40
    assert settings.sampler.name != TrajectorySettings(size="small", full=True).sampler.name
