"""How far a long piece of work has come, told to whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told how far the audit has come."""

    def step(self, stage: str, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of a stage are finished."""


class NoProgress:
    """Shows nothing."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Ignore it."""
