"""A task is a value: what is worked on, by which algorithm in which version, and what its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Codec(Generic[Result]):
    """How a result is written down, and read again."""

    encode: Callable[[Result], bytes]
    decode: Callable[[bytes], Result]
    """Raises ValueError at anything that ``encode`` does not write."""


@dataclass(frozen=True, slots=True)
class Algorithm(Generic[Item, Result]):
    """How tasks of one kind are done, and how their results are kept."""

    name: str
    version: int
    """Grows whenever equal items give other results."""
    begin: Callable[[], Callable[[Item], Result]]
    """Makes the function that does a task, once in every process: it may hold open files and buffers."""
    kept_as: Codec[Result] | None = None
    """How results are written down; None where none is worth keeping."""


@dataclass(frozen=True, slots=True)
class Task(Generic[Item]):
    """One piece of work. It is picklable where its item is."""

    item: Item
    content: str = ""
    """Everything that its result depends on, apart from the algorithm; empty where the result is not worth keeping."""

    def name(self, algorithm: str, version: int) -> str:
        """What the file of its result is called: the same for the same work, whoever does it.

        Raises:
            ValueError: The task says nothing of what its result depends on.
        """
        if not self.content:
            raise ValueError("a task without content has no name")
        described = json.dumps([algorithm, version, self.content])
        return f"{algorithm}-{hashlib.sha256(described.encode()).hexdigest()[:32]}"
