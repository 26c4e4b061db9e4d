"""Which checkpoints a user means: files, folders, folders of step folders, and names elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from independence_audit.errors import MissingError
from independence_audit.training.trajectory.ordering import tell_apart

WEIGHTS = ".safetensors"
INDEX = ".safetensors.index.json"


def expand(names: Sequence[str]) -> list[list[str]]:
    """For each name the checkpoints that it stands for; a folder without weights of its own stands for those in it.

    Raises:
        MissingError: A folder holds neither weights nor folders with weights.
    """
    return [_expand(name) for name in names]


def _expand(name: str) -> list[str]:
    folder = Path(name)
    if not folder.is_dir():
        return [name]
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    files = [entry.name for entry in entries if entry.is_file() and entry.name.endswith(WEIGHTS)]
    if any(entry.name.endswith(INDEX) for entry in entries) or _is_one_model(files):
        return [name]
    if files:
        return [str(folder / file) for file in files]
    folders = [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    found = [path for path in folders if _holds_weights(path)]
    if not found:
        raise MissingError(
            f"The folder {folder.name!r} holds neither weights nor folders with weights.",
            "Name the checkpoints, or the folder in which they lie.",
        )
    return found


def _is_one_model(files: Sequence[str]) -> bool:
    """Whether weights files of one folder are shards or parts of one model, not checkpoints by step."""
    if not files:
        return False
    if len(files) == 1 or any("-of-" in file or file.startswith(("model", "optimizer")) for file in files):
        return True
    return not tell_apart(files)


def _holds_weights(path: str) -> bool:
    with os.scandir(path) as entries:
        return any(entry.name.endswith((WEIGHTS, INDEX)) for entry in entries)
