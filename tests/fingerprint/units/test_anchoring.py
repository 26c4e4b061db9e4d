"""What can be an anchor, and what cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.fingerprint.units.small_decoder import VOCABULARY, WIDTH, decoder, with_units


def test_broken_embeddings_are_no_anchors(tmp_path: Path) -> None:
    """NaN and zero rows are left out; with too few left there are none, and the reason is kept."""
    broken = np.full((VOCABULARY, WIDTH), np.nan)
    broken[:20] = 1.0
    (units,) = with_units(decoder(tmp_path, changed={"model.embed_tokens.weight": broken})).units
    assert units.anchors is None
    assert units.reason == "no_anchors"
    assert all(layer.whole for layer in units.layers)


def test_embeddings_of_another_width_are_no_anchors(tmp_path: Path) -> None:
    """Factorised embeddings lie in another space than the units, which are described without them."""
    factorised = np.random.default_rng(2).normal(size=(VOCABULARY, WIDTH // 2))
    (units,) = with_units(decoder(tmp_path, changed={"model.embed_tokens.weight": factorised})).units
    assert units.reason == "no_anchors"
    assert all(layer.even is not None for layer in units.layers)
