"""Layer maps and the words for them."""

from __future__ import annotations

import pytest

from independence_audit.lineage.layer_scores import layer_runs, map_kind, spans

MAPS = {
    "identity": ([0, 1, 2, 3], 4),
    "pruned": ([0, 1, 3], 4),
    "shifted": ([1, 2, 3], 3),
    "duplicated": ([0, 1, 2, 1, 2, 3], 4),
    "interleaved": ([0, 0, 1, 1, 2, 2], 3),
    "reordered": ([2, 0, 1], 3),
}


@pytest.mark.parametrize("kind", MAPS)
def test_kinds(kind: str) -> None:
    """What each kind of map is called."""
    targets, count = MAPS[kind]
    assert map_kind(dict(enumerate(targets)), range(count)) == kind


def test_new_layers_between_are_growth() -> None:
    """All layers are there, in order, with others between them."""
    assert map_kind({0: 0, 1: 1, 3: 2}, range(3)) == "grown"


def test_the_last_layers_left_out() -> None:
    """Every layer stands in its place, but some are missing behind."""
    assert map_kind({0: 0, 1: 1}, range(4)) == "pruned"


def test_words() -> None:
    """Runs of layers are put together."""
    assert layer_runs({0: 0, 1: 1, 2: 4, 3: 5, 4: 9}) == "0-1 from 0-1, 2-3 from 4-5, 4 from 9"
    assert spans([7, 2, 5, 6]) == "2, 5-7"
    assert spans([]) == ""
