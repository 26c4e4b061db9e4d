"""What the benchmark of families audits: strangers of one config, and copies that show that a family is seen at all."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from benchmarks.families.designs import Design
from benchmarks.families.members import PRESSED, Member, Way, of_design
from benchmarks.processes import Cost

SEEDS_APART = "seeds apart"
ONE_TEACHER = "students of one teacher"


@dataclass(frozen=True, slots=True)
class Case:
    """One audit of two models of one config.

    Attributes:
        subject: Who is audited.
        reference: Beside whom.
        group: How strangers come about, or what was done to a copy.
        is_copy: Whether the subject's weights come from the reference; strangers share no weight that was trained.
    """

    subject: Member
    reference: Member
    group: str
    is_copy: bool = False

    @property
    def name(self) -> str:
        """Both models."""
        return f"{self.subject.name} / {self.reference.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an audit said of one case, and what it cost."""

    case: Case
    components: list[dict[str, Any]]
    """Evidence of every component, as the report has it."""
    placed: float
    """Share of the subject's parameters in roles of a known family."""
    statistics: list[dict[str, Any]]
    """Of every tensor that was compared in its place: pair, role and z."""
    cost: Cost


def cases(design: Design) -> list[Case]:
    """The audits of one design's models."""
    own = of_design(design)
    plain = [one for one in own if one.way is Way.TRAINED]
    found = [Case(one, other, SEEDS_APART) for one, other in combinations(plain, 2)]
    students = [one for one in own if one.way in {Way.LOGITS, Way.STATES}]
    found += [Case(one, one.origin, _learned(one)) for one in students if one.origin]
    found += [Case(one, other, ONE_TEACHER) for one, other in combinations(students, 2)]
    for way in (*PRESSED, Way.PUBLIC):
        alike = [one for one in own if one.way is way]
        found += [Case(one, other, way) for one, other in combinations(alike, 2)]
    made = [one for one in own if one.way in {*PRESSED, Way.FINE_TUNED, Way.PERMUTED}]
    return found + [Case(one, one.origin, one.way, is_copy=True) for one in made if one.origin]


def _learned(student: Member) -> str:
    """How a student learned, and for how long where that is not as long as its teacher."""
    return student.way if student.times == 1 else f"{student.way}, {student.times} times as long"
