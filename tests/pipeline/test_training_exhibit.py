"""A training that is submitted beside a subject: followed as the subject was read, and refused where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import IncomparableError
from independence_audit.fingerprint import Fingerprint, read_model, sampler_of
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.training_exhibit import Submitted, with_trajectory
from independence_audit.training.one_checkpoint import scratch_evidence
from tests.cli.small_models import save
from tests.cli.test_trajectory_command import training, write


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of six checkpoints, and its last one by itself."""
    folder = tmp_path_factory.mktemp("exhibit")
    checkpoints = training(1)
    write(checkpoints, folder / "run")
    save(checkpoints[-1], folder / "subject.safetensors")
    save(training(2)[-1], folder / "other.safetensors")
    return folder


def read(path: Path, size: str = "default") -> Fingerprint:
    """A model's fingerprint of some size."""
    model = read_model(str(path), sampler_of(size, None), NoProgress())
    model.close()
    return model.fingerprint


def followed(subject: Fingerprint, run: Path) -> list[str]:
    """The conclusions on a subject with the training beside it."""
    submitted = Submitted(subject, scratch_evidence(subject), [])
    evidence = with_trajectory(submitted, AuditSettings(trajectory=(str(run / "run"),)), NoProgress())
    return [one.conclusion for one in evidence.components]


@pytest.mark.parametrize("size", ["default", "small"])
def test_a_training_speaks_for_the_model_it_ends_in(run: Path, size: str) -> None:
    """Its checkpoints are read in the size that the subject was read in."""
    assert followed(read(run / "subject.safetensors", size), run) == ["initialised_and_trained"]


def test_it_does_not_speak_for_another(run: Path) -> None:
    """However honest it is."""
    assert followed(read(run / "other.safetensors"), run) != ["initialised_and_trained"]


def test_a_subject_of_an_unknown_sampler_is_refused(run: Path) -> None:
    """In words that say what to do; nothing is followed."""
    subject = replace(read(run / "subject.safetensors"), sampler="rows-9 of another program")
    with pytest.raises(IncomparableError, match=r"rows-9 of another program") as caught:
        followed(subject, run)
    assert "--trajectory" in caught.value.hint
