"""Anchors of a component: which token strings they are, how tokenizers spell them, and how their rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Part
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.units.places import Matrix, read_rows
from independence_audit.fingerprint.units.unit_layers import BY_NUMBER, TOKEN

MOST = 256
"""Anchors of a component, at most."""

FEWEST = 48
"""Anchors from which units are told apart: 32 lose a third of the agreements of a long-continued copy."""

NEAR = np.arange(16, 80)
"""Numbers of embedding rows that are anchors beside those by text: a model without tokenizer has them as well. They
lie together, so that a source that is far away is asked once."""


def read_anchors(checkpoint: Checkpoint, part: Part, vocabulary: Mapping[str, int]) -> tuple[tuple[str, ...], Matrix]:
    """Labels and directions E [t, h] of a component's anchors; rows that are not finite or zero are left out.

    Raises:
        ReadError: Bytes could not be read.
    """
    labels, rows = anchor_rows(part, vocabulary)
    directions = read_rows(checkpoint, part, rows)
    good = np.logical_and(np.isfinite(directions).all(axis=1), directions.any(axis=1))
    return tuple(label for label, fine in zip(labels, good.tolist(), strict=True) if fine), directions[good]


def anchor_rows(part: Part, vocabulary: Mapping[str, int]) -> tuple[list[str], NDArray[np.int64]]:
    """Labels of a component's anchors, and which rows of their part they are."""
    height = part.view.row_count
    if part.role != "embed":
        rows = np.arange(height) if height <= MOST else np.arange(MOST) * height // MOST
        return [f"{part.role}:{height}:{row}" for row in rows.tolist()], rows
    tokens = {text: row for text, row in anchor_tokens(vocabulary).items() if row < height}
    far = np.unique(np.geomspace(80, 20_000, MOST - len(NEAR)).astype(np.int64))
    numbers = NEAR if len(tokens) >= FEWEST else np.concatenate((NEAR, far))
    numbers = numbers[numbers < height]
    labels = [TOKEN + text for text in tokens] + [f"{BY_NUMBER}{number}" for number in numbers.tolist()]
    return labels, np.array([*tokens.values(), *numbers.tolist()], dtype=np.int64)


MOST_STRINGS = 192
"""Anchors by text, at most: 64 find a copy, more tell units apart while their cosine exceeds sqrt(2 ln m / t)."""


@cache
def anchor_strings() -> tuple[str, ...]:
    """The list, in the order in which strings are taken: printable ASCII, then frequent words after a space."""
    letters = [chr(code) for code in range(33, 127)]
    text = files(__package__).joinpath("words.txt").read_text(encoding="utf-8")
    return (*letters, *(f" {word}" for line in text.splitlines() if not line.startswith("#") for word in line.split()))


def anchor_tokens(vocabulary: Mapping[str, int]) -> dict[str, int]:
    """Numbers of the anchor strings that are tokens of a vocabulary, in the list's order, at most ``MOST_STRINGS``.

    Byte-level tokenizers write a leading space as Ġ, sentencepiece as ▁, WordPiece leaves it out and marks what does
    not begin a word; tiktoken files hold the text as it is.
    """
    space = next((mark for mark in ("Ġ", "▁") if f"{mark}the" in vocabulary), " ")
    if space == " " and " the" not in vocabulary and any(token.startswith("##") for token in vocabulary):
        space = ""
    found: dict[str, int] = {}
    for text in anchor_strings():
        number = vocabulary.get(text.replace(" ", space))
        if number is not None and len(found) < MOST_STRINGS:
            found[text] = number
    return found
