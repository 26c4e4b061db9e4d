"""What a report is made of: sections of five kinds of blocks, in words, that every renderer writes its own way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TypeAlias

from independence_audit.evidence.audit_report import Outcome


class Where(Enum):
    """What a block, a column or a heading is for; most are for everything."""

    TERMINAL = auto()
    MARKDOWN = auto()
    EVERYWHERE = auto()

    def __contains__(self, place: Where) -> bool:
        return self in {Where.EVERYWHERE, place}


class Tone(Enum):
    """How loud a text is."""

    PLAIN = auto()
    STRONG = auto()
    WORD = auto()
    """The word that a row is about: it stands out where the row is in one line with others."""
    QUIET = auto()
    COMMAND = auto()
    """To be typed into a terminal."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One text."""

    text: str
    tone: Tone = Tone.PLAIN
    where: Where = Where.EVERYWHERE
    flush: bool = False
    """Whether a terminal begins it at the margin: it stands before any heading."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names with what they stand for."""

    rows: tuple[tuple[str, str], ...]
    where: Where = Where.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table by its label's key."""

    key: str
    number: bool = False
    longest: int = 0
    """Characters of a name on a terminal; 0 for words, which are never cut."""
    folded: bool = False
    """Whether a long name is broken at its words, and not cut."""
    where: Where = Where.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Cell:
    """A text of a table that is more than words."""

    text: str
    tone: Tone = Tone.PLAIN
    outcome: Outcome | None = None
    """The outcome that it tells, for its colour."""
    below: str = ""
    """A quieter line below it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; a line break in a cell begins a new line."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    where: Where = Where.EVERYWHERE

    def shown(self, place: Where) -> list[int]:
        """The columns that a place shows."""
        return [number for number, column in enumerate(self.columns) if place in column.where]


@dataclass(frozen=True, slots=True)
class Point:
    """An item of a list, with what belongs to it."""

    text: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """A list, with or without a title of its own."""

    items: tuple[Point, ...]
    title: str = ""
    numbered: bool = False
    where: Where = Where.EVERYWHERE


class Drawing(StrEnum):
    """What can be drawn."""

    COMPONENTS = "components"
    LAYERS = "layers"
    NORM_VECTORS = "norm_vectors"
    DISTRIBUTION = "distribution"
    TRAJECTORY = "trajectory"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of what the evidence holds; where nothing can be drawn its section's words say the same."""

    drawing: Drawing
    component: str = ""
    """The component that it is of; empty where it is of all."""


Block: TypeAlias = Paragraph | Pairs | Table | Points | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report under one heading."""

    key: str
    """What it is called in every language: the anchor of a page."""
    title: str
    """Empty where it stands under the heading before it."""
    blocks: tuple[Block, ...]
    level: int = 2
    inset: bool = False
    """Whether a terminal sets its heading in, as one of several of a kind."""
    outcome: Outcome | None = None
    """The outcome that its heading tells; its ``lead`` stands in a frame with it."""
    lead: tuple[Paragraph, ...] = ()
    titled: Where = Where.EVERYWHERE
    """Where the heading is written."""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    standing: str
    """How it is to be taken."""
    banner: str
    """What must be read before anything else; empty where there is nothing."""
    preface: tuple[Block, ...]
    sections: tuple[Section, ...]


def points(sentences: tuple[str, ...] | list[str], *, title: str = "", numbered: bool = False) -> Points:
    """A list of sentences."""
    return Points(tuple(Point(sentence) for sentence in sentences), title, numbered)
