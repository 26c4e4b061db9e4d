"""What a fuzzer needs to know of a reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """A reader, and the files that it is given."""

    files: SearchStrategy[Files]
    read: Callable[[Path], object]
    """Reads what lies in a folder; only an AuditError may come back."""


def one_file(name: str, content: SearchStrategy[bytes], read: Callable[[Path], object]) -> Target:
    """A reader of one file."""
    return Target(content.map(lambda made: {name: made}), lambda folder: read(folder / name))
