"""Reading tensor names: segments, numbers, and what is left when weight, bias or a quantiser's suffix is taken off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from independence_audit.anatomy.words import Words

MAX_DIGITS = 9
"""A longer number counts no layers; Python refuses to read very long ones."""

NUMBER = "#"
"""Stands for any number in the pattern of a name."""

Segments = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a name: the module or parameter it names, and what of it the tensor is."""

    stem: Segments
    suffix: str = ""
    """``bias``, a quantiser's suffix, or empty."""
    packed: bool = False
    """Whether the values are a quantiser's, not the weight's own."""


def split_name(name: str) -> Segments:
    """A name between its dots and slashes."""
    return tuple(re.split(r"[./]", name))


def is_number(segment: str) -> bool:
    """Whether a segment is a number that can count layers or experts."""
    return len(segment) <= MAX_DIGITS and segment.isascii() and segment.isdigit()


def template(segments: Segments) -> Segments:
    """The segments with every number replaced by one sign."""
    return tuple(NUMBER if is_number(segment) else segment for segment in segments)


def readings(segments: Segments, words: Words) -> Iterator[Reading]:
    """All ways to read a name, the most literal first."""
    yield Reading(segments)
    *front, last = segments
    if last == "weight":
        yield Reading(tuple(front))
    elif last == "bias":
        yield Reading(tuple(front), "bias")
    for suffix in words.packed_suffixes:
        if segments[-len(suffix) :] == suffix:
            yield Reading(segments[: -len(suffix)], ".".join(suffix).removeprefix("weight."), packed=True)
    for ending in words.packed_endings:
        if last.endswith(ending):
            yield Reading((*front, last.removesuffix(ending)), ending[1:], packed=True)
