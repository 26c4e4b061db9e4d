"""Which checkpoints a user means: files, folders, folders of step folders, names elsewhere, and a declared draw.

A draw is compared with step 0 bit for bit, or put before the first checkpoint.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from independence_audit.checkpoint import open_checkpoint, open_named
from independence_audit.errors import InputError, MissingError
from independence_audit.evidence.training_evidence import ReplayEvidence
from independence_audit.training.replay import Declared, Drawn, check_declared, compare_bits, draw
from independence_audit.training.trajectory.steps import Ordered, tell_apart

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


Named = tuple[str, Ordered]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The checkpoints of a trajectory, with the draw before them where there was no step 0."""

    checkpoints: Sequence[Named]
    evidence: ReplayEvidence | None


@contextmanager
def replayed(declared: Declared | None, named: Sequence[Named], *, offline: bool) -> Iterator[Replayed]:
    """Draw what was declared, for as long as the trajectory is followed.

    Raises:
        UsageError: The declaration cannot be used.
        InputError: Drawing failed.
    """
    if declared is None:
        yield Replayed(named, None)
        return
    check_declared(declared)
    with tempfile.TemporaryDirectory(prefix="audit-replay-") as scratch:
        drawn = draw(declared, Path(scratch))
        name, first = named[0]
        if first.step in {0, None} or first.guessed:
            evidence = _against(declared, drawn, name, first, offline=offline)
            sure = first.step == 0 and not first.guessed  # a guess counts where the bits bear it out
            if evidence is not None and (sure or evidence.drawn > len(evidence.different)):
                yield Replayed(named, evidence)
                return
        evidence = ReplayEvidence(drawn.generator, declared.seed, drawn.versions, "", 0, 0)
        yield Replayed([(declared.name, Ordered(str(drawn.folder), 0)), *named], evidence)


def _against(declared: Declared, drawn: Drawn, name: str, first: Ordered, *, offline: bool) -> ReplayEvidence | None:
    """The comparison with step 0; None where step 0 is a fingerprint or cannot be read, and has no bits to compare."""
    try:
        given = open_named(first.name, offline=offline)
    except InputError:
        return None
    generated = open_checkpoint(drawn.folder)
    try:
        return None if given.is_fingerprint else compare_bits(declared, drawn, generated, given, name)
    finally:
        given.source.close()
        generated.source.close()
