"""What all charts are drawn on: a frame with its places, and texts at places. Units are pixels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The drawing area of the scatters and of the histogram."""

    width: float = 420.0
    height: float = 220.0
    left: float = 40.0
    right: float = 8.0
    top: float = 10.0
    bottom: float = 30.0

    def x(self, share: float) -> float:
        """Horizontal place of a share of the width."""
        return rounded(self.left + share * (self.width - self.left - self.right))

    def y(self, share: float) -> float:
        """Vertical place of a share of the height, from the bottom."""
        return rounded(self.height - self.bottom - share * (self.height - self.top - self.bottom))


FRAME = Frame()


def rounded(value: float) -> float:
    """Two decimals of a pixel are plenty."""
    return round(value, 2)
