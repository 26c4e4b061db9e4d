"""Where units are looked for."""

from __future__ import annotations

from pathlib import Path

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.units.places import search_layers, unit_places
from tests.fingerprint.units.small_decoder import decoder


def test_search_layers_are_spread(tmp_path: Path) -> None:
    """Over the depth, never more than there are."""
    checkpoint = open_checkpoint(decoder(tmp_path, layers=8))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    checkpoint.source.close()
    places = unit_places(anatomy, anatomy.components[0])
    assert [each.layer for each in search_layers(places, 2)] == [2, 5]
    assert [each.layer for each in search_layers(places, 8)] == list(range(8))
    assert search_layers(places, 0) == []
