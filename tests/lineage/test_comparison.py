"""The state of an audit: keys, what was tried, and what is left open."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from independence_audit.evidence.measurement import Message
from independence_audit.lineage.comparison import Comparison, Comparisons, Tried
from independence_audit.lineage.outcomes import CLEARING, DONE, MATERIAL, Outcome, Reason, SearchName, Status
from tests.lineage.hand_made import compared_of, component_of, fingerprint_of, measured_of

ONE = compared_of(measured_of(0.5), reference="known")


def tried(outcomes: dict[SearchName, Outcome]) -> Comparison:
    """A comparison of which these searches were tried."""
    return ONE.with_tried({name: Tried(outcome) for name, outcome in outcomes.items()})


@pytest.mark.parametrize("name", SearchName)
@pytest.mark.parametrize("reason", Reason)
def test_gaps(name: SearchName, reason: Reason) -> None:
    """One search that was not made is enough, unless it clears nobody or the material holds no more."""
    blocks = name in CLEARING and reason not in MATERIAL
    searched = tried(dict.fromkeys(SearchName, DONE) | {name: Outcome(Status.NOT_POSSIBLE, reason)})
    assert searched.first_gap() == (reason if blocks else "")
    assert not tried(dict.fromkeys(SearchName, Outcome(Status.NOT_APPLICABLE, reason))).first_gap()


def test_nothing_is_left_open_where_units_were_not_searched() -> None:
    """They are searched wherever nothing was found, so that there is something to clear."""
    gap = Outcome(Status.NOT_POSSIBLE, Reason.NO_LAYERS)
    assert not tried({SearchName.MOVED: gap}).first_gap()
    assert tried({SearchName.MOVED: gap, SearchName.DISGUISED: DONE}).first_gap() == Reason.NO_LAYERS


def test_searches_in_place_count_in_the_level() -> None:
    """Each by its own multiplicity; what was undone keeps the count of the comparison that it comes from."""
    more = ONE.with_tried({SearchName.MOVED: Tried(tests=7), SearchName.DISGUISED: Tried(tests=5)})
    assert more.tests == ONE.tests + 12
    assert replace(more, counted=3).tests == 3


def test_messages_belong_to_their_comparison() -> None:
    """A comparison may have several; the others have none."""
    other = compared_of(measured_of(0.5), reference="other")
    both = Comparisons(fingerprint_of(components=[component_of("model")]), 1e-6, (ONE, other))
    said = both.saying({ONE.key: Message("fact.shared_draw", {})}).saying({ONE.key: Message("fact.second_look", {})})
    assert [len(one.messages) for one in said.items] == [2, 0]


def test_everything_crosses_processes() -> None:
    """Comparisons can be pickled, and keep their keys."""
    comparisons = Comparisons(fingerprint_of(components=[component_of("model")]), 1e-6, (ONE,))
    again = pickle.loads(pickle.dumps(comparisons))  # noqa: S301  our own bytes
    assert [one.key for one in again.items] == [ONE.key]
    assert [one.measured[0].subject.key for one in again.items] == [ONE.measured[0].subject.key]
