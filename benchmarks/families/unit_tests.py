"""What the tests of units show between strangers: a report holds only what was found, so they are made here again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.families.cases import SEEDS_APART, Case
from independence_audit.anatomy import has_sign_symmetry, place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.units.unit_reading import read_units, unit_plan
from independence_audit.lineage.disguised import search_disguised

SIGNS = (UnitTest.UP_SIGN, UnitTest.DESCRIPTORS, UnitTest.SIGNS_TOGETHER)
COUNTS = (
    UnitTest.AGREEMENT,
    UnitTest.DESCRIPTOR_AGREEMENT,
    UnitTest.GATES_ALIKE,
    UnitTest.DOWNS_ALIKE,
    UnitTest.ATTENTION_ALIKE,
)


@dataclass(frozen=True, slots=True)
class Extremes:
    """The most that the tests of units show between strangers of one family and kind.

    Attributes:
        strangers: Whose family, and how they come about where that is not by seeds alone.
        tests: How many were made.
        least_p: The least p-value of the rigorous ones; None where there are none.
        z: The largest z of each sign test.
        share: The largest share of units of each count.
    """

    strangers: str
    tests: int
    least_p: float | None
    z: dict[UnitTest, float]
    share: dict[UnitTest, float]


def extremes(strangers: Sequence[Case]) -> list[Extremes]:
    """Make all tests of units on strangers, by family and kind."""
    groups: dict[str, list[DisguisedTest]] = {}
    for case in strangers:
        kind = "" if case.group == SEEDS_APART else f", {case.group}"
        groups.setdefault(f"{case.subject.design}{kind}", []).extend(unit_tests(case))
    return [_extremes(name, tests) for name, tests in groups.items()]


def _extremes(strangers: str, tests: Sequence[DisguisedTest]) -> Extremes:
    z: dict[UnitTest, float] = {}
    share: dict[UnitTest, float] = {}
    for test in tests:
        if test.z is not None:
            z[test.test] = max(test.z, z.get(test.test, test.z))
        elif test.test in COUNTS and test.count is not None:
            share[test.test] = max(test.count / test.units, share.get(test.test, 0.0))
    least = min((test.p_value for test in tests if test.p_value is not None), default=None)
    return Extremes(strangers, len(tests), least, z, share)


def unit_tests(case: Case) -> list[DisguisedTest]:
    """The strongest tests of every component of two models, as an audit makes them where it finds nothing."""
    subject, reference = (
        _units(member.folder, everywhere=everywhere)
        for member, everywhere in ((case.subject, True), (case.reference, False))
    )
    found: list[DisguisedTest] = []
    for name, (mine, family) in subject.items():
        if name in reference:
            theirs, other = reference[name]
            symmetric = has_sign_symmetry(family) and has_sign_symmetry(other)
            found += search_disguised(mine, theirs, symmetric=symmetric).found
    return found


def _units(where: Path, *, everywhere: bool) -> dict[str, tuple[ComponentUnits, str]]:
    """Units of a checkpoint's components, each with its family."""
    checkpoint = open_checkpoint(where)
    try:
        anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
        families = {one.name: one.family for one in anatomy.components}
        plan = replace(
            unit_plan(checkpoint.source, Sampler(), None), everywhere=everywhere, deeper=True, attention=True
        )
        return {one.component: (one, families[one.component]) for one in read_units(checkpoint, anatomy, plan)}
    finally:
        checkpoint.source.close()
