"""Which checkpoints a name stands for: one model, the files of a folder, or the folders in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.errors import MissingError
from independence_audit.pipeline.trajectory_inputs import expand, replayed
from independence_audit.training.trajectory.steps import Ordered
from tests.checkpoint.safetensors_files import save_zeros


def names_of(folder: Path) -> list[str]:
    """What a folder stands for, by the ends of the paths."""
    (found,) = expand([str(folder)])
    return [str(Path(name).relative_to(folder.parent)) for name in found]


def test_a_name_that_is_no_folder_stands_for_itself(tmp_path: Path) -> None:
    """A file, a repository with its revision, and what is not there."""
    file = save_zeros(tmp_path / "a.safetensors", "w")
    assert expand([str(file), "owner/name@step-100", "nowhere"]) == [[str(file)], ["owner/name@step-100"], ["nowhere"]]


@pytest.mark.parametrize(
    "files",
    [
        ["model.safetensors"],
        ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
        ["x.safetensors"],
    ],
    ids=["one", "shards", "any name"],
)
def test_a_folder_with_one_model_stands_for_it(tmp_path: Path, files: list[str]) -> None:
    """Shards are no checkpoints by step."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in files:
        save_zeros(folder / name, "w")
    assert names_of(folder) == ["run"]


def test_files_by_step_are_checkpoints_each(tmp_path: Path) -> None:
    """Files of one folder whose names differ by a number alone."""
    folder = tmp_path / "run"
    folder.mkdir()
    for step in (0, 100, 200):
        save_zeros(folder / f"step_{step}.safetensors", "w")
    assert sorted(names_of(folder)) == [f"run/step_{step}.safetensors" for step in (0, 100, 200)]


def test_folders_by_step_are_checkpoints_each(tmp_path: Path) -> None:
    """Hidden folders, and those without weights, are none."""
    folder = tmp_path / "run"
    for name in ("step-1", "step-2", "logs", ".cache"):
        (folder / name).mkdir(parents=True)
    for name in ("step-1", "step-2", ".cache"):
        save_zeros(folder / name / "model.safetensors", "w")
    assert names_of(folder) == ["run/step-1", "run/step-2"]


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """In one sentence with the folder's name, before anything is read."""
    (tmp_path / "empty" / "logs").mkdir(parents=True)
    with pytest.raises(MissingError, match="'empty' holds neither weights nor folders"):
        expand([str(tmp_path / "empty")])


def test_nothing_is_drawn_where_nothing_is_declared() -> None:
    """The checkpoints are followed as they were named."""
    named = [("a", Ordered("run/a", 0))]
    with replayed(None, named, offline=True) as following:
        assert following.checkpoints is named
        assert following.evidence is None
