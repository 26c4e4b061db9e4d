"""Whether two tensors differ only by the rounding of a narrower float type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLACK = 1 + 1e-6
"""What the comparison of a difference with half a step may be off by rounding."""

_FIRST_VALUES = 256

BY_CHANCE = 0.5
"""Share of values that rounding may explain with the reference's values one place off; weights give under 0.2."""

FILLED = 0.25
"""Mean square of the differences in half steps from which rounding made them: 1/3 where the full values lie anywhere
between two steps, 3/8 and more where their own type has a few values there. A change by less than half a step that left
every one of thousands of values within it has under 0.15 (:mod:`independence_audit.statistics.quantised`)."""

Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """The values a float type can hold: ``precision`` significant bits, ``smallest`` the exponent of its normals."""

    name: str
    precision: int
    smallest: int

    def unit(self, values: Values) -> NDArray[np.float64]:
        """Distance of neighbouring grid values at each value."""
        _, exponent = np.frexp(values.astype(np.float64))
        return np.asarray(np.ldexp(1.0, np.maximum(exponent - 1, self.smallest) - (self.precision - 1)))

    def explains(self, first: Values, second: Values) -> NDArray[np.bool_]:
        """Where two arrays differ by no more than rounding to this grid does, directly or by way of a finer one.

        That is half a step of the larger value, and half a step of the finer grid more.
        """
        larger = np.where(np.abs(first) >= np.abs(second), first, second)
        difference = np.abs(first.astype(np.float64) - second.astype(np.float64))
        steps = self.unit(larger)
        finer = [grid.unit(larger) for grid in WAYPOINTS if grid.precision > self.precision]
        if finer:
            steps = steps + np.maximum.reduce(finer)
        return np.asarray(difference <= steps / 2 * _SLACK)

    def holds(self, values: Values) -> bool:
        """Whether every value lies on the grid."""
        steps = values / self.unit(values)
        return bool((steps == np.rint(steps)).all())


GRIDS = (
    Grid("fp16", 11, -14),
    Grid("bf16", 8, -126),
    Grid("fp8_e4m3", 4, -6),
    Grid("fp8_e5m2", 3, -14),
)
"""Narrower types, the finest first (IEEE 754 binary16; bfloat16; OCP 8-bit floating point, 2023)."""

WAYPOINTS = GRIDS[:2]
"""Types by way of which a model is cast to a narrower one."""


def rounding(first: Values, second: Values) -> str | None:
    """Name of the type whose rounding explains every difference between two arrays of finite values.

    One of the two must lie on the type's grid, and no difference may exceed what rounding explains: values changed by
    training in that type would differ by a whole step at least.

    Returns:
        None where no type explains the differences.
    """
    if first.size == 0:
        return None
    for grid in GRIDS:
        if not grid.explains(first[:_FIRST_VALUES], second[:_FIRST_VALUES]).all():
            continue  # what training changed shows at once
        if grid.explains(first, second).all() and (grid.holds(first) or grid.holds(second)):
            # Gains that all lie within a step of each other are explained in any order: that says nothing.
            by_chance = grid.explains(first, np.roll(second, 1)).mean()
            return grid.name if by_chance <= BY_CHANCE else None
    return None


def full_one(first: Values, second: Values, name: str) -> int | None:
    """Which of two arrays is the full one, where a type's rounding explains every difference.

    The other lies on the type's grid, and the full one anywhere between its steps: a model that was trained on from
    rounded values, by too little to cross half a step, stays near them.

    Args:
        first: The one.
        second: The other, of the same shape.
        name: The type, as :func:`rounding` names it.

    Returns:
        0 or 1; None where both are on the grid or neither, for another name, and where steps are not filled.
    """
    grid = next((each for each in GRIDS if each.name == name), None)
    finite = np.isfinite(first) & np.isfinite(second)
    pair = first[finite], second[finite]
    if grid is None or grid.holds(pair[0]) == grid.holds(pair[1]):
        return None
    full = int(grid.holds(pair[0]))
    away = np.abs(pair[0].astype(np.float64) - pair[1].astype(np.float64))
    moved = away > 0.0
    shares = away[moved] / (grid.unit(pair[full][moved]) / 2)
    return full if moved.any() and float(np.minimum(1.0, shares**2).mean()) >= FILLED else None
