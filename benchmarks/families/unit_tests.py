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
from independence_audit.fingerprint.units.anchoring import FEWEST
from independence_audit.fingerprint.units.unit_layers import ComponentUnits, Frame, shared_labels
from independence_audit.fingerprint.units.unit_reading import read_units, unit_plan
from independence_audit.lineage.attention_alike import likeness
from independence_audit.lineage.disguised import search_disguised

SIGNS = (UnitTest.UP_SIGN, UnitTest.DESCRIPTORS, UnitTest.SIGNS_TOGETHER)
COUNTS = (
    UnitTest.AGREEMENT,
    UnitTest.DESCRIPTOR_AGREEMENT,
    UnitTest.GATES_ALIKE,
    UnitTest.DOWNS_ALIKE,
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
        attention: The largest cosine of two layers' forms of attention; None where heads cannot be told.
    """

    strangers: str
    tests: int
    least_p: float | None
    z: dict[UnitTest, float]
    share: dict[UnitTest, float]
    attention: float | None = None


def extremes(strangers: Sequence[Case]) -> list[Extremes]:
    """Make all tests of units on strangers, by family and kind."""
    groups: dict[str, list[DisguisedTest]] = {}
    attention: dict[str, float] = {}
    for case in strangers:
        kind = "" if case.group == SEEDS_APART else f", {case.group}"
        name = f"{case.subject.design}{kind}"
        for seen in _beside(case):
            groups.setdefault(name, []).extend(seen.tests())
            if (cosine := seen.attention()) is not None:
                attention[name] = max(cosine, attention.get(name, cosine))
    return [replace(_extremes(name, tests), attention=attention.get(name)) for name, tests in groups.items()]


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


@dataclass(frozen=True, slots=True)
class _Pair:
    """A component of two models, beside each other."""

    subject: ComponentUnits
    reference: ComponentUnits
    symmetric: bool

    def tests(self) -> Sequence[DisguisedTest]:
        """The strongest tests, as an audit makes them where it finds nothing."""
        return search_disguised(self.subject, self.reference, symmetric=self.symmetric).found

    def attention(self) -> float | None:
        """The largest cosine of two layers' forms."""
        ours, theirs = self.subject.anchors, self.reference.anchors
        if ours is None or theirs is None:
            return None
        labels = shared_labels(ours, theirs)
        if len(labels) < FEWEST:
            return None
        cosines = likeness(self.subject, self.reference, Frame(ours, labels), Frame(theirs, labels))
        return float(cosines.max()) if cosines.size else None


def _beside(case: Case) -> list[_Pair]:
    subject, reference = (
        _units(member.folder, everywhere=everywhere)
        for member, everywhere in ((case.subject, True), (case.reference, False))
    )
    found = []
    for name, (mine, family) in subject.items():
        if name in reference:
            theirs, other = reference[name]
            found.append(_Pair(mine, theirs, has_sign_symmetry(family) and has_sign_symmetry(other)))
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
