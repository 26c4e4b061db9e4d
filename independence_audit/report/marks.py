"""Text in Markdown that is shown as it is."""

from __future__ import annotations

import re

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
