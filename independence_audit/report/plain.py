"""Names made safe to look at, in plain text and in Markdown: what is invisible is shown as its code point."""

from __future__ import annotations

import re
import unicodedata

UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Unicode categories that print nothing of their own: controls, bidirectional marks, surrogates, unassigned."""
WIDE = {"W", "F"}
"""East Asian widths of characters that take two columns."""
SPACE = " "
ELLIPSIS = "…"


def visible(name: str) -> str:
    r"""Show a name on one line: controls, bidirectional and zero-width characters become ``\u202e``.

    An empty name becomes ``""``, so that it can be seen at all.
    """
    return "".join(_seen(character) for character in name) if name else '""'


def shortened(name: str, length: int) -> str:
    """Cut a name in the middle, where it says least, so that it has at most ``length`` characters."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return name[: length - 1 - tail] + ELLIPSIS + name[len(name) - tail :]


def columns(text: str) -> int:
    """Columns that a text takes where Hangul and other wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in WIDE else 1 for character in text)


def fitted(text: str, room: int) -> str:
    """Cut a text in the middle, so that it takes at most ``room`` columns."""
    length = len(text)
    while length > 1 and columns(shortened(text, length)) > room:
        length -= 1
    return shortened(text, length)


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if category in UNSEEN or (category == "Zs" and character != SPACE):
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four hex digits
    return character


MARKS = re.compile(r"[\\`*_\[\]|~#$]")
"""Characters that mean something inside a line."""
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
BARE_LINK = re.compile(r"(://|\bwww\.|@)", re.IGNORECASE)
"""What GitHub turns into a link or a mention without any mark."""


def escaped(text: str) -> str:
    """Escape text so that it is shown as it is: no markup, no HTML, no links, no mentions, one line."""
    safe = MARKS.sub(r"\\\g<0>", " ".join(text.split("\n")))
    safe = re.sub("[&<>]", lambda match: ENTITIES[match[0]], safe)
    return BARE_LINK.sub(lambda match: _broken_up(match[0]), safe)


def _broken_up(link: str) -> str:
    """Write the beginning of a bare link so that it is shown and not recognised."""
    return "".join(f"&#{ord(character)};" for character in link)
