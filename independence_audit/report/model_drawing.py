"""A drawing of the model: its components as boxes, in the order in which data usually passes them. Units are pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from independence_audit.evidence.relation import Relation
from independence_audit.report.page_rows import ComponentRow
from independence_audit.report.plain import fitted

STAGES = {
    "vision_encoder": 0,
    "audio_encoder": 0,
    "projector": 1,
    "compressor": 1,
    "text_decoder": 2,
    "generator": 3,
    "action_head": 3,
}
"""Where each kind usually stands; how the parts are wired is not read from the weights."""
ANYWHERE = 2
"""Stage of what has no kind of its own."""
WIDTH, HEIGHT = 186.0, 74.0
ACROSS, BETWEEN = 44.0, 14.0
MARGIN = 2.0
COLUMNS = 24
"""Narrow characters that fit into a box beside its strip."""


@dataclass(frozen=True, slots=True)
class Box:
    """A component: a strip in its relation's pattern, and its words."""

    x: float
    y: float
    relation: Relation
    kind: str
    word: str
    share: float
    """Of all parameters."""
    reference: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Boxes in stages, and the lines between the stages."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    """As paths."""
    heads: tuple[str, ...]
    """Arrow heads, as paths."""


def drawing_of(rows: Sequence[ComponentRow], kinds: Sequence[str], parameters: Sequence[int]) -> Drawing:
    """Place every component in its stage, the stages from left to right, each centred.

    Args:
        rows: The components in words.
        kinds: The kind of each, as the evidence has it.
        parameters: The number of parameters of each.
    """
    total = sum(parameters) or 1
    stages: dict[int, list[tuple[ComponentRow, float]]] = {}
    for row, kind, size in zip(rows, kinds, parameters, strict=True):
        stages.setdefault(STAGES.get(kind, ANYWHERE), []).append((row, size / total))
    tallest = max((len(stage) for stage in stages.values()), default=0)
    height = 2 * MARGIN + tallest * (HEIGHT + BETWEEN) - BETWEEN
    placed = [
        _stage(stages[number], MARGIN + place * (WIDTH + ACROSS), height) for place, number in enumerate(sorted(stages))
    ]
    links = [_link(left, right) for left, right in pairwise(placed)]
    return Drawing(
        width=2 * MARGIN + len(placed) * (WIDTH + ACROSS) - ACROSS,
        height=height,
        boxes=tuple(box for stage in placed for box in stage),
        lines=tuple(line for lines, _ in links for line in lines),
        heads=tuple(head for _, heads in links for head in heads),
    )


def _stage(components: Iterable[tuple[ComponentRow, float]], x: float, height: float) -> list[Box]:
    listed = list(components)
    top = (height - len(listed) * (HEIGHT + BETWEEN) + BETWEEN) / 2
    return [
        Box(
            x=x,
            y=top + place * (HEIGHT + BETWEEN),
            relation=row.relation,
            kind=fitted(row.label, COLUMNS),
            word=fitted(row.word, COLUMNS),
            share=share,
            reference=fitted(row.reference, COLUMNS),
        )
        for place, (row, share) in enumerate(listed)
    ]


def _link(left: Sequence[Box], right: Sequence[Box]) -> tuple[list[str], list[str]]:
    """Lines from every box of a stage to a common bar, and from there to every box of the next."""
    bar = left[0].x + WIDTH + ACROSS / 2
    middles = [box.y + HEIGHT / 2 for box in (*left, *right)]
    lines = [f"M{box.x + WIDTH:g} {box.y + HEIGHT / 2:g}H{bar:g}" for box in left]
    lines += [f"M{bar:g} {box.y + HEIGHT / 2:g}H{box.x - 1:g}" for box in right]
    if min(middles) < max(middles):
        lines.append(f"M{bar:g} {min(middles):g}V{max(middles):g}")
    heads = [f"M{box.x - 7:g} {box.y + HEIGHT / 2 - 4:g}l6 4-6 4z" for box in right]
    return lines, heads
