"""The histogram of z."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.report.distribution import Distribution, distribution_of, in_words
from independence_audit.report.languages import ENGLISH
from tests.report.sample_reports import finding

REPORT = finding()
TEXT, AUDIO = "model.language_model", "model.audio_model"


def measured(scores: Iterable[tuple[float | None, str]]) -> Distribution:
    """The distribution of a report with these z in these components."""
    tensors = tuple(replace(REPORT.tensors[0], z=z, component=component) for z, component in scores)
    return distribution_of(replace(REPORT, tensors=tensors))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from([TEXT, AUDIO]))))
def test_every_test_is_in_one_bin(scores: list[tuple[float, str]]) -> None:
    """The bins hold all tests, and as many are expected as are of components without shared weights."""
    distribution = measured(scores)
    others = sum(component == TEXT for _, component in scores)
    assert sum(bin_.found for bin_ in distribution.bins) == distribution.found == len(scores) - others
    assert sum(bin_.other for bin_ in distribution.bins) == others
    assert sum(bin_.expected for bin_ in distribution.bins) == pytest.approx(others)


def test_edges_belong_to_the_bin_above() -> None:
    """A z on an edge is counted once, in the bin that begins there."""
    assert [bin_.low for bin_ in measured([(0.5, TEXT)]).bins if bin_.other] == [0.5]


def test_figures_are_of_components_without_shared_weights() -> None:
    """A copy does not blow up the deviation that is held against chance, nor do its weaker tensors."""
    distribution = measured([(-1.0, TEXT), (1.0, TEXT), (40.0, AUDIO), (3.0, AUDIO)])
    assert (distribution.mean, distribution.deviation, distribution.largest) == (0.0, 1.0, 1.0)
    assert (
        "nearest reference: 4, of which 2 are of components with shared weights" in in_words(distribution, ENGLISH)[1]
    )


def test_nothing_left_to_hold_against_chance_is_said() -> None:
    """Without other components, or without tests at all, there is a sentence and no figure."""
    assert in_words(measured([(40.0, AUDIO)]), ENGLISH)[1].startswith("All 1 tensors that were tested")
    distribution = measured([(None, TEXT)])
    assert distribution.mean is None
    assert in_words(distribution, ENGLISH) == ("No tensor was tested.",)
