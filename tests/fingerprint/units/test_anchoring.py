"""What can be an anchor, and what cannot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from independence_audit.fingerprint.units.anchoring import (
    FEWEST,
    MOST,
    NEAR,
    anchor_rows,
    anchor_strings,
    anchor_tokens,
    read_anchors,
)
from tests.fingerprint.small_checkpoints import checkpoint_of, dense, part_of
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


@pytest.mark.parametrize("space", ["Ġ", "▁", " ", ""])
def test_spellings_of_a_leading_space(space: str) -> None:
    """Byte-level, sentencepiece, tiktoken and WordPiece mean the same tokens."""
    vocabulary = {text.replace(" ", space): number for number, text in enumerate(anchor_strings())}
    found = anchor_tokens(vocabulary if space else vocabulary | {"##ing": 9999})
    assert len(found) == 192
    assert list(found) == list(anchor_strings()[:192])
    assert all(vocabulary[text.replace(" ", space)] == number for text, number in found.items())


def test_no_common_strings() -> None:
    """A vocabulary of nothing that is an anchor gives none."""
    assert anchor_tokens({"가": 1, "나": 2}) == {}
    assert json.dumps(anchor_strings()).count('" the"') == 1


def test_without_tokens_rows_are_anchors_by_number() -> None:
    """Far ones beside the near ones, so that there are as many as with a tokenizer; all of them rows of the table."""
    labels, rows = anchor_rows(part_of("w", dense(150, 8), role="embed"), {})
    assert labels == [f"number:{row}" for row in rows.tolist()]
    assert set(NEAR.tolist()) < set(rows.tolist()) <= set(range(150))
    assert len(set(labels)) == len(labels)
    everything, _ = anchor_rows(part_of("w", dense(50_000, 8), role="embed"), {})
    assert len(NEAR) + FEWEST < len(everything) <= MOST


def test_tokens_are_anchors_under_their_text() -> None:
    """In rows that another vocabulary may order otherwise; a number behind the table's end is none."""
    vocabulary = {text: 3 * number for number, text in enumerate(anchor_strings()[:60])} | {"~": 1000}
    labels, rows = anchor_rows(part_of("w", dense(200, 8), role="embed"), vocabulary)
    found = dict(zip(labels, rows.tolist(), strict=True))
    assert found.pop("token:!") == 0
    assert {label: row for label, row in found.items() if label.startswith("token:")} == {
        f"token:{text}": row for text, row in vocabulary.items() if 0 < row < 200
    }
    assert {row for label, row in found.items() if label.startswith("number:")} == set(NEAR.tolist())


@pytest.mark.parametrize(("count", "far"), [(FEWEST - 1, True), (FEWEST, False)])
def test_few_tokens_have_far_rows_beside_them(count: int, far: bool) -> None:  # noqa: FBT001  a case's parameter
    """Enough of one kind for another model to meet: rows far down the table only where tokens are too few."""
    vocabulary = {text: number for number, text in enumerate(anchor_strings()[:count])}
    labels, rows = anchor_rows(part_of("w", dense(5000, 8), role="embed"), vocabulary)
    numbers = {row for label, row in zip(labels, rows.tolist(), strict=True) if label.startswith("number:")}
    assert set(NEAR.tolist()) <= numbers
    assert (max(numbers) > NEAR.max()) == far
    assert len(labels) == count + len(numbers)


@pytest.mark.parametrize("height", [5, MOST, 1000])
def test_patches_are_anchors_spread_over_their_table(height: int) -> None:
    """At most so many, in order, under a name that no table of another height has."""
    labels, rows = anchor_rows(part_of("w", dense(height, 8), role="position"), {"the": 1})
    assert len(rows) == min(height, MOST)
    assert (np.diff(rows) > 0).all()
    assert (rows[0], rows[-1]) == (0, height - -(-height // MOST))
    assert labels == [f"position:{height}:{row}" for row in rows.tolist()]


def test_labels_stay_with_their_directions() -> None:
    """Rows that are zero or not finite are left out of both."""
    table = np.random.default_rng(7).normal(size=(5, 8)).astype(np.float32)
    table[1] = 0.0
    table[3, 2] = np.inf
    labels, directions = read_anchors(checkpoint_of({"w": table}), part_of("w", dense(5, 8), role="patch"), {})
    assert labels == ("patch:5:0", "patch:5:2", "patch:5:4")
    np.testing.assert_array_equal(directions, table[[0, 2, 4]])
