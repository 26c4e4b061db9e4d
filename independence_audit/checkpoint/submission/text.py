"""Whether bytes read as text that people or programs wrote, and not as numbers that were written as text.

Measured on blocks of 64 KiB (zlib level 6): documentation, code and configurations in English and Korean compress to
0.26 to 0.45 of their size, vocabularies and merges of GPT-2 and MiniLM to 0.34 to 0.51. Weights as base64 come to 0.69
and more, as code points to 0.58; those in hexadecimal or as letters, 0.46 to 0.50, stand in runs without a break, and
lists of decimals, 0.24 to 0.43, are digits throughout, where vocabularies with their numbers have a share of 0.55.
"""

from __future__ import annotations

import re
import zlib

from independence_audit.checkpoint.smallest import SMALLEST
from independence_audit.checkpoint.submission.content import Content

LARGEST_RATIO = 0.56
LARGEST_UNBROKEN = 0.5
"""Share of a block in runs of forty and more ASCII characters without a break."""
LARGEST_NUMERIC = 0.85
"""Share of a block that is digits and what stands between numbers."""
LARGEST_STRANGE = 0.05
"""Share of a block that is control characters or no UTF-8: texts of older encodings have some hundredths of
them, arrays of numbers a third and more."""
SHORT = 4096
"""Bytes of a block below which its ratio says nothing."""
SHORTEST = 256
"""Bytes of a block below which its runs and its digits say nothing either."""

_UNBROKEN = re.compile(r"[!#-&(-+\--9;-Z\\^-~]{40,}")
"""ASCII without blanks, quotes, commas, colons and square brackets: what base64 and base85 are written in."""
_NUMERIC = b"0123456789+-.eE,;[]() \t\r\n"
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\b")) + b"\x7f"


def strange_bytes(content: Content) -> int:
    """How many bytes of a file stand in blocks that are no text; no more are counted than a layer would need.

    Raises:
        ReadError: It could not be read.
    """
    strange = 0
    for block, share in content.blocks():
        if not reads_as_text(block):
            strange += share
            if strange >= SMALLEST:
                break
    return strange


def reads_as_text(block: bytes) -> bool:
    """Whether a block is text, as measured."""
    if not block:
        return True
    controls = len(block) - len(block.translate(None, _CONTROL))
    text = block.decode("utf-8", "replace")
    if controls + text.count("\ufffd") > LARGEST_STRANGE * len(block) + 4:  # a character cut at either end
        return False
    if len(block) < SHORTEST:
        return True
    numeric = 1 - len(block.translate(None, _NUMERIC)) / len(block)
    unbroken = sum(len(run[0]) for run in _UNBROKEN.finditer(text)) / len(text)
    if numeric > LARGEST_NUMERIC or unbroken > LARGEST_UNBROKEN:
        return bool(block.count(b" ") > LARGEST_NUMERIC * len(block))  # blanks alone hold nothing
    return len(block) < SHORT or len(zlib.compress(block, 6)) <= LARGEST_RATIO * len(block)
