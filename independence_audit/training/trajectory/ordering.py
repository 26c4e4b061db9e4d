"""The order of checkpoints: steps found in their names, pure and without looking at a single weight."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from independence_audit.errors import UsageError

USUAL = re.compile(r"(?:global_?step|step|iter(?:ation)?|checkpoint|ckpt|epoch)[-_=.]?(?P<step>[0-9]+)", re.IGNORECASE)
"""How trainers name checkpoints: ``step-1000``, ``checkpoint-500``, ``global_step20``, ``epoch=3``."""
LAST_NUMBER = re.compile(r"(?P<step>[0-9]+)(?!.*[0-9])")
WEIGHTS = re.compile(r"(\.fp)?\.safetensors$|\.safetensors\.index\.json$")
WIDE_GAP = 3.0
"""Times the usual distance between checkpoints from which a gap is told: two or more are missing."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A checkpoint's name with its step; None where its name has none."""

    name: str
    step: int | None


def step_of(name: str, pattern: re.Pattern[str] | None = None) -> int | None:
    """The step in a checkpoint's name: its last folder, file or revision that holds one.

    Args:
        name: A path, or ``owner/name@revision``.
        pattern: Finds the step as its first group; by default what trainers write, else the last number.
    """
    if pattern is not None:
        found = pattern.search(name)
        return int(found[1]) if found and found[1].isdecimal() else None
    revision = name.rpartition("@")[2]
    pieces = [WEIGHTS.sub("", piece) for piece in revision.rstrip("/").split("/")][::-1]
    for usual in (USUAL, LAST_NUMBER):
        for piece in pieces[: 2 if usual is USUAL else 1]:
            matches = list(usual.finditer(piece))
            if matches:
                return int(matches[-1]["step"])
    return None


def in_order(names: Sequence[str], pattern: re.Pattern[str] | None = None) -> list[Ordered]:
    """Checkpoints by step; those without one stand behind the others, in the order in which they were given."""
    steps = [Ordered(name, step_of(name, pattern)) for name in names]
    return sorted(steps, key=lambda each: (each.step is None, each.step or 0))


def compiled(text: str) -> re.Pattern[str] | None:
    """The pattern of ``--step-regex``; None where there is none.

    Raises:
        UsageError: It is no regular expression, or has no group.
    """
    if not text:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(
            f"--step-regex {text!r} is no regular expression: {error}.", "Such as 'step-([0-9]+)'."
        ) from error
    if not pattern.groups:
        raise UsageError(f"--step-regex {text!r} has no group for the step.", "Write one: 'step-([0-9]+)'.")
    return pattern


def wide_gaps(steps: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring steps between which checkpoints seem to be missing, judged by the usual distance."""
    distances = [after - before for before, after in pairwise(steps)]
    if len(distances) < 3:  # noqa: PLR2004  two distances have no usual one
        return []
    usual = median(distances)
    later = max(usual, 1)
    return [pair for pair, gap in zip(pairwise(steps), distances, strict=True) if gap > WIDE_GAP * later]
