"""The intermediate state of an audit: one component against one reference's, and all such comparisons together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from independence_audit.evidence.measurement import DisguisedTest, Message
from independence_audit.fingerprint import Fingerprint
from independence_audit.lineage.controls import Controls
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import CLEARING, DONE, MATERIAL, Outcome, SearchName, Status
from independence_audit.lineage.pairing import ComponentPair, has_layers
from independence_audit.statistics.joint import JointResult
from independence_audit.statistics.rows import RowAgreement


@dataclass(frozen=True, slots=True)
class Tried:
    """What one search of one comparison came to."""

    outcome: Outcome = DONE
    tests: int = 0
    """Its multiplicity: every level is corrected for so many tests."""
    found: Comparison | None = None
    """The comparison with what it found undone; None where it shows nothing that could be found."""
    units: tuple[DisguisedTest, ...] = ()
    """The strongest tests of units of each kind and layer, with uncorrected p-values."""
    controls: Controls | None = None
    """What the search for units would have shown of planted copies; None where that was not asked."""
    assignments: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """By layer, subject expert to reference expert, where these stand in another order."""
    shaped: bool = True
    """Whether the reference has a matrix of the component's shapes."""
    unread: int = 0
    """Parameters of the component that could not be looked at."""


class ComparisonKey(NamedTuple):
    """Which comparison of an audit one is."""

    component: str
    reference: str
    reference_component: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One component of the subject against one of a reference: measurements, searches tried, findings."""

    reference: str
    pair: ComponentPair
    measured: tuple[Measured, ...]
    joint: JointResult | None
    """All roles together."""
    weakest: JointResult | None
    """The joint result nearest to nothing with any one role left out."""
    weights: JointResult | None = None
    """The same over weights alone, without tables and vectors (:mod:`independence_audit.lineage.pairing`)."""
    rows: RowAgreement | None = None
    """Whether rows of weights that read the residual stream are alike one by one; None where there are none."""
    tried: Mapping[SearchName, Tried] = field(default_factory=dict)
    """What every search that was tried came to; a search is missing where nothing had to be searched."""
    undone_by: SearchName | None = None
    """The search whose findings are undone here."""
    counted: int | None = None
    """With findings undone: how many tests were made to get there. None where nothing was undone."""
    looked: int = 0
    """With weights found elsewhere: how many tests the level of what was found is spread over beside all others."""
    screened: bool = False
    """Whether it was told by screening, and not measured in full."""
    messages: tuple[Message, ...] = ()
    """What else was found of it, worded by the renderers."""

    @property
    def key(self) -> ComparisonKey:
        """Which comparison of the audit it is, whatever is undone in it."""
        return ComparisonKey(self.pair.subject.name, self.reference, self.pair.reference.name)

    @property
    def tests(self) -> int:
        """How many tests were made, the choices of matching by value and the searches in place included."""
        if self.counted is not None:
            return self.counted
        made = sum(1 for measured in self.measured if measured.evidence) + (self.weakest is not None)
        return made + self.pair.candidates + self.tests_of(SearchName.MOVED) + self.tests_of(SearchName.DISGUISED)

    @property
    def layered(self) -> bool:
        """Whether the reference's component has matrices in layers."""
        return has_layers(self.pair.reference_samples)

    def tests_of(self, name: SearchName) -> int:
        """The multiplicity of one search; 0 where it was not tried."""
        return self.tried[name].tests if name in self.tried else 0

    def found_by(self) -> Sequence[Comparison]:
        """The comparison as every search that found something has it."""
        return [one.found for one in self.tried.values() if one.found is not None]

    def first_gap(self) -> str:
        """Why nothing is cleared by the searches that were tried; empty where all that it takes were made.

        Where units were not searched, something was found elsewhere, and there is nothing to clear.
        """
        if SearchName.DISGUISED not in self.tried:
            return ""
        outcomes = [self.tried[name].outcome for name in CLEARING if name in self.tried]
        gaps = (one.reason for one in outcomes if one.status == Status.NOT_POSSIBLE and one.reason not in MATERIAL)
        return next(gaps, "")

    def with_measured(self, measured: tuple[Measured, ...]) -> Comparison:
        """The same comparison with better numbers."""
        return replace(self, measured=measured)

    def with_tried(self, tried: Mapping[SearchName, Tried]) -> Comparison:
        """The same comparison with what further searches came to."""
        return replace(self, tried={**self.tried, **tried})


class Pending(Protocol):
    """What another process works out of comparisons while the audit goes on."""

    def settled(self, comparisons: Comparisons) -> Comparisons:
        """The comparisons with what it came to, waited for."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All comparisons of an audit so far: what one search leaves to the next."""

    subject: Fingerprint
    alpha: float
    """Family-wise level of the audit."""
    items: tuple[Comparison, ...]
    elsewhere: Mapping[tuple[str, str], Tried] = field(default_factory=dict)
    """By component and reference, what became of looking for weights in all of a reference, met or not."""
    pending: tuple[Pending, ...] = ()

    def with_items(self, items: Sequence[Comparison]) -> Comparisons:
        """The same audit with other comparisons."""
        return replace(self, items=tuple(items))

    def changed(self, change: Callable[[Comparison], Comparison]) -> Comparisons:
        """Every comparison changed."""
        return self.with_items([change(one) for one in self.items])

    def saying(self, messages: Mapping[ComparisonKey, Message]) -> Comparisons:
        """The same with messages added to comparisons."""
        return self.changed(
            lambda one: replace(one, messages=(*one.messages, messages[one.key])) if one.key in messages else one
        )

    def settled(self) -> Comparisons:
        """The same with everything that is still being worked out."""
        comparisons = replace(self, pending=())
        for one in self.pending:
            comparisons = one.settled(comparisons)
        return comparisons
