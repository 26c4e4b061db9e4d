"""Which rows of token tables are compared, and what becomes of what they show."""

from __future__ import annotations

import numpy as np

from independence_audit.lineage.token_rows import FEWEST, TOKENS, shared_tokens

WORDS = {f"word{number:03d}": number for number in range(200)}
TURNED = {token: 199 - number for token, number in WORDS.items()}
SALT = b"a salt of sixteen bytes"


def test_rows_of_the_same_tokens() -> None:
    """As many as are taken, each the same token on both sides, none twice."""
    rows = shared_tokens(WORDS, TURNED, (200, 200), SALT)
    assert rows is not None
    mine, theirs = rows
    assert len(set(mine.tolist())) == TOKENS
    np.testing.assert_array_equal(mine + theirs, 199)


def test_the_salt_decides_which() -> None:
    """Another salt takes other tokens; the same one the same."""
    first, again = (shared_tokens(WORDS, TURNED, (200, 200), SALT) for _ in range(2))
    other = shared_tokens(WORDS, TURNED, (200, 200), b"another of sixteen")
    assert first is not None
    assert again is not None
    assert other is not None
    np.testing.assert_array_equal(first[0], again[0])
    assert set(first[0].tolist()) != set(other[0].tolist())


def test_where_tokens_say_nothing() -> None:
    """Equal numbers are what stands in place; few shared tokens, or rows that a table does not have, are too few."""
    assert shared_tokens(WORDS, WORDS, (200, 200), SALT) is None
    assert shared_tokens(WORDS, {f"other {token}": number for token, number in WORDS.items()}, (200, 200), SALT) is None
    assert shared_tokens({}, TURNED, (200, 200), SALT) is None
    assert shared_tokens(WORDS, TURNED, (FEWEST - 1, 200), SALT) is None
    rows = shared_tokens(WORDS, TURNED, (200, 150), SALT)
    assert rows is not None
    assert rows[1].max() < 150
