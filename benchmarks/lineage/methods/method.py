"""What a method of comparison is: a score of two checkpoints, and the level at which it speaks of a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.lineage.manipulations.model import Model


@dataclass(frozen=True, slots=True)
class Method:
    """A method under its published name.

    Attributes:
        name: As published.
        source: Where it is defined.
        score: Of subject and reference, larger for closer kin; None where the method cannot be applied.
        level: The score from which on it says "related".
        level_source: Where the level comes from.
    """

    name: str
    source: str
    score: Callable[[Model, Model], float | None]
    level: float
    level_source: str

    def says_related(self, score: float | None) -> bool:
        """Whether a score is at or above the level; a method that cannot be applied says nothing."""
        return score is not None and score >= self.level
