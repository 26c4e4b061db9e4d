"""Which files a submission consists of: everything below a folder of this machine, or what a far source lists."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from independence_audit.checkpoint.sources.local import LocalSource, display_name
from independence_audit.checkpoint.tensors import ByteSource, Checkpoint

MOST_ENTRIES = 100_000
"""Entries that are looked at; a published model has some hundred."""
DEEPEST = 32
"""Folders inside one another that are looked into."""


@dataclass(frozen=True, slots=True)
class Submission:
    """The files of a submission, and how to read them."""

    sizes: Mapping[str, int]
    """Every file by its name relative to the submission's folder, in bytes."""
    untold: Mapping[str, str]
    """What could not be looked into, with the reason: a message key."""
    folder: Path | None
    """Where they lie on this machine; None where they lie elsewhere."""
    source: ByteSource
    """The checkpoint's own source, which has them all where they lie elsewhere."""

    def open(self, name: str) -> ByteSource:
        """A source with one file, to be closed again unless it is the checkpoint's own.

        Raises:
            InputError: It cannot be looked at.
        """
        return LocalSource(self.folder, [name], name) if self.folder is not None else self.source


def submission_of(named: str, checkpoint: Checkpoint) -> Submission:
    """The submission that a checkpoint was opened from.

    Args:
        named: What the user called it.
        checkpoint: The same, opened. A file that was named by itself is all there is of it.
    """
    source = checkpoint.source
    if checkpoint.by_itself:
        folder = Path(named).absolute().parent if source.near else None
        return Submission(dict(checkpoint.files), {}, folder, source)
    if not source.near:
        return Submission(dict(source.files()), {}, None, source)
    place = Path(named).absolute()
    folder = place if place.is_dir() else place.parent
    sizes, untold = _everything_in(folder)
    return Submission(sizes, untold, folder, source)


def siblings_of(named: str, checkpoint: Checkpoint) -> Mapping[str, int]:
    """The files beside one that was named by itself on this machine: they are not what was submitted."""
    if not (checkpoint.by_itself and checkpoint.source.near):
        return {}
    folder = Path(named).absolute().parent
    found = {}
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(MOST_ENTRIES), entries, strict=False):
                if entry.is_file() and entry.name not in checkpoint.files:
                    found[display_name(entry.name)] = entry.stat().st_size
    except OSError:
        return {}
    return found


def _everything_in(folder: Path) -> tuple[dict[str, int], dict[str, str]]:
    """Sizes of all files below a folder, and what could not be looked into."""
    sizes: dict[str, int] = {}
    untold: dict[str, str] = {}
    root = os.path.realpath(folder)
    waiting = [("", 0)]
    seen = 0
    while waiting:
        below, depth = waiting.pop()
        try:
            with os.scandir(folder / below) as entries:
                for entry in entries:
                    seen += 1
                    if seen > MOST_ENTRIES:
                        return sizes, untold | {below or ".": "too_many_files"}
                    name = f"{below}{entry.name}"
                    kind = _look_at(entry, root)
                    if isinstance(kind, int):
                        sizes[name] = kind
                    elif kind == "folder" and depth < DEEPEST:
                        waiting.append((f"{name}/", depth + 1))
                    elif kind == "folder":
                        untold[name] = "too_deep"
                    elif kind:
                        untold[name] = kind
        except OSError:
            untold[below or "."] = "unlistable"
    return sizes, untold


def _look_at(entry: os.DirEntry[str], root: str) -> int | str:
    """The size of a file, ``folder``, empty for what holds nothing, or why it cannot be looked into."""
    try:
        status = entry.stat()
    except FileNotFoundError:
        return ""  # a link to nothing
    except OSError:
        return "unlistable"
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    if not stat.S_ISDIR(status.st_mode):
        return "special"
    if not entry.is_symlink():
        return "folder"
    # What a link leads to inside the submission is met there anyway, and links may run in circles.
    return "" if f"{os.path.realpath(entry.path)}/".startswith(f"{root}/") else "link_outside"
