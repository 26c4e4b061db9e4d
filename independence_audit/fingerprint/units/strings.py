"""Which token strings are anchors: a fixed public list, and how tokenizers spell them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

MOST = 192
"""Anchors by text, at most: 64 find a copy, more tell units apart while their cosine exceeds sqrt(2 ln m / t)."""


@cache
def anchor_strings() -> tuple[str, ...]:
    """The list, in the order in which strings are taken: printable ASCII, then frequent words after a space."""
    letters = [chr(code) for code in range(33, 127)]
    text = files(__package__).joinpath("words.txt").read_text(encoding="utf-8")
    return (*letters, *(f" {word}" for line in text.splitlines() if not line.startswith("#") for word in line.split()))


def anchor_tokens(vocabulary: Mapping[str, int]) -> dict[str, int]:
    """Numbers of the anchor strings that are tokens of a vocabulary, in the list's order, at most ``MOST``.

    Byte-level tokenizers write a leading space as Ġ, sentencepiece as ▁, WordPiece leaves it out and marks what does
    not begin a word; tiktoken files hold the text as it is.
    """
    space = next((mark for mark in ("Ġ", "▁") if f"{mark}the" in vocabulary), " ")
    if space == " " and " the" not in vocabulary and any(token.startswith("##") for token in vocabulary):
        space = ""
    found: dict[str, int] = {}
    for text in anchor_strings():
        number = vocabulary.get(text.replace(" ", space))
        if number is not None and len(found) < MOST:
            found[text] = number
    return found
