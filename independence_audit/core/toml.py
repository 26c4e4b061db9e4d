"""TOML that others wrote: small, shallow and in one piece, looked at before any of it is parsed.

The standard parser takes a time and memory that grow with the square of a dotted key's length, one level of its own
stack for each level of a nest, and reads whole numbers of any length. None of these has a place in a file that a
person writes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

LARGEST = 250_000
"""Bytes; policies, declarations and configurations have some thousand. The parser takes two seconds for the worst."""
MOST_PARTS = 16
"""Parts of a dotted key; ``tool.ruff.lint.per-file-ignores`` has four."""
DEEPEST = 16
"""Arrays and inline tables inside each other."""
MOST_DIGITS = 300
"""Characters of a number, which a whole number of 64 bits and any float have fewer of."""

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<text>\"\"\"(?:[^"\\]++|\\.|"(?!""))*\"{3,5}|'''(?:[^']++|'(?!''))*'{3,5}
        |(?!\"\"\")"(?:[^"\\\n]++|\\.)*"|(?!''')'[^'\n]*+')
    |(?P<word>[A-Za-z0-9_+-]+)
    |(?P<dot>\.)
    |(?P<open>[\[{])
    |(?P<close>[\]}])
    |(?P<end>\n)
    |(?P<endless>["'])
    |(?P<other>[^A-Za-z0-9_+.\#"'\[\]{}\n-]+)""",
    re.VERBOSE | re.DOTALL,
)
"""What a file is made of, as far as its shape goes; every character is part of exactly one token, read once.
Only single characters are repeated possessively: Python before 3.11.5 is wrong with groups (its issue 106052)."""


class TomlError(ValueError):
    """A file that is no TOML, or none that a person would write; the text is a sentence without its full stop."""


def parse_toml(content: bytes, most: int = LARGEST) -> dict[str, Any]:
    """The table in a file's bytes (UTF-8).

    Args:
        content: The file.
        most: Bytes that it may have.

    Raises:
        TomlError: It is larger, deeper or longer in its keys and numbers than any file of its kind, or no TOML.
    """
    if len(content) > most:
        raise TomlError(f"It has over {most:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TomlError(f"It is no text in UTF-8: byte {error.start} cannot be decoded") from error
    _check_shape(text.replace("\r\n", "\n"))
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError, OverflowError) as error:
        raise TomlError(f"It is no TOML: {str(error).rstrip('.')}") from error


@cache
def shipped_table(package: str, name: str) -> Mapping[str, Any]:
    """A table that a package carries, read once; whoever changes it runs the tests."""
    return tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8"))


def _check_shape(text: str) -> None:
    """Refuse nests, keys and numbers of a size that nobody writes, in one pass."""
    depth = dots = 0
    line = 1
    for token in _TOKEN.finditer(text):
        kind, piece = token.lastgroup, token[0]
        if kind == "dot":
            dots += 1
            if dots >= MOST_PARTS:
                raise TomlError(f"Line {line} has a key of over {MOST_PARTS} parts")
        elif kind == "open":
            depth, dots = depth + 1, 0
            if depth > DEEPEST:
                raise TomlError(f"Line {line} has values nested over {DEEPEST} deep")
        elif kind == "close":
            depth, dots = max(0, depth - 1), 0
        elif kind == "endless":
            raise TomlError(f"It is no TOML: line {line} has a text that does not end")
        elif kind == "word" and len(piece) > MOST_DIGITS:
            raise TomlError(f"Line {line} has a word or number of over {MOST_DIGITS} characters")
        elif kind in {"end", "comment"} or (kind == "other" and not piece.isspace()):
            dots = 0
        line += piece.count("\n")
