"""The models of the benchmark: strangers of one config, students, models of one public start, and true copies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from benchmarks.families.designs import DESIGNS, Design, design

ROOT = Path(__file__).parents[2]
STORE = ROOT / "build" / "families"


class Way(StrEnum):
    """How a model comes about."""

    TRAINED = "trained"
    """From a draw of its own."""
    LOGITS = "distilled, logits"
    """From a draw of its own, to say what a teacher says."""
    STATES = "distilled, hidden states"
    """From a draw of its own, to have a teacher's hidden states as well."""
    PUBLIC = "public start"
    """From a draw of its own but for token and position tables, which begin as public ones."""
    INT4 = "int4"
    """Another model's weights, rounded to 15 levels in groups of 32."""
    SPARSE = "2:4 sparse"
    """The same with the smaller two of every four zeroed."""
    PRUNED = "90% pruned"
    """The same with the smaller nine of ten zeroed."""
    TERNARY = "ternary"
    """The same with three levels a matrix."""
    FINE_TUNED = "fine-tuned"
    """Trained further, briefly and on other data."""
    PERMUTED = "units permuted"
    """The units of every block in another order, which leaves the function as it was."""


PRESSED = (Way.INT4, Way.SPARSE, Way.PRUNED, Way.TERNARY)
LONG = 4
"""How many times as long as its teacher one more student of hidden states is trained."""
STUDENTS = (Way.LOGITS, Way.STATES, Way.STATES)
FROM_DRAW = (Way.TRAINED, Way.LOGITS, Way.STATES, Way.PUBLIC)
SEEDS = (1, 2, 3)
TAUGHT, PUBLIC = ("llama", "gpt-oss"), ("llama", "OPT")
"""Designs whose models teach and are pressed; and those with public starts."""


@dataclass(frozen=True, slots=True)
class Member:
    """A model.

    Attributes:
        design: The name of its design.
        seed: Of its draw and of the order of its data; of what is done to a copy.
        way: How it comes about.
        source: The seed of the teacher, or of the model whose weights it begins with.
        times: How many times as long as its design says it is trained.
    """

    design: str
    seed: int
    way: Way = Way.TRAINED
    source: int | None = None
    times: int = field(default=1, repr=False)

    @property
    def name(self) -> str:
        """Its folder's name."""
        words = f"{self.design} {self.way} {self.seed}".lower()
        return "".join(letter if letter.isalnum() else "_" for letter in words)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return STORE / "models" / self.name

    @property
    def origin(self) -> Member | None:
        """Its teacher, or what it was made of."""
        return None if self.source is None else Member(self.design, self.source)

    @property
    def config(self) -> Design:
        """Its design."""
        one = design(self.design)
        return replace(one, steps=self.times * one.steps)


def members(words: str = "") -> list[Member]:
    """All models of designs whose names contain some words, each behind those that it is made of."""
    return [one for each in DESIGNS if words in each.name for one in of_design(each)]


def of_design(each: Design) -> list[Member]:
    """The models of one config."""
    found = [Member(each.name, seed) for seed in SEEDS]
    found.append(Member(each.name, 11, Way.FINE_TUNED, 1))
    if each.readers:
        found.append(Member(each.name, 12, Way.PERMUTED, 1))
    if each.name in TAUGHT:
        found += [Member(each.name, 20 + number, way, 1) for number, way in enumerate(STUDENTS)]
        found.append(Member(each.name, 20 + len(STUDENTS), Way.STATES, 1, times=LONG))
        found += [Member(each.name, 30 + seed, way, seed) for way in PRESSED for seed in SEEDS[:2]]
    if each.name in PUBLIC:
        found += [Member(each.name, 40 + number, Way.PUBLIC) for number in (1, 2)]
    return found
