"""Reading a component's anchors: rows of its embedding by token text and number, or filters of its first layer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Part
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.units.matrices import Matrix, read_rows
from independence_audit.fingerprint.units.model import BY_NUMBER, TOKEN
from independence_audit.fingerprint.units.strings import anchor_tokens

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
