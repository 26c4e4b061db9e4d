"""How names from outside are judged and printed: tensors' and files' names are written by whoever made the files."""

from __future__ import annotations

import re

_LONGEST_NAME = 1000
_LONGEST_QUOTE = 120
_PATH_LIKE = re.compile(r"^[/\\~]|^[A-Za-z]:[/\\]|(?:^|[/\\])\.\.(?:[/\\]|$)")
_MARKUP = re.compile(r"[<>]")
_DIGITS = re.compile(r"([0-9]+)")


def quoted(text: str) -> str:
    """``text`` in quotes for a message: control and direction characters escaped, cut where it is very long."""
    shown = repr(text[:_LONGEST_QUOTE])
    return shown if len(text) <= _LONGEST_QUOTE else f"{shown}..."


def is_hostile(name: str) -> bool:
    """Whether a tensor's name could mislead a reader, a terminal, a browser or a path: legal, but worth a notice."""
    return (
        not name
        or len(name) > _LONGEST_NAME
        or not name.isprintable()
        or _PATH_LIKE.search(name) is not None
        or _MARKUP.search(name) is not None
    )


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key under which shard 2 comes before shard 10; equal only for equal names."""
    parts = _DIGITS.split(name)
    numbers = [part.lstrip("0") for part in parts[1::2]]
    key = [(0, parts[0])]
    for number, text in zip(numbers, parts[2::2], strict=True):
        key += [(len(number), number), (0, text)]
    return (*key, (0, name))
