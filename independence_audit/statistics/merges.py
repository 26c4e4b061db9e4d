"""Whether a model's values are other models' values, weighted, summed and rounded: a recipe read off the rounding.

A value y of a merge is its type's nearest number to b + sum of c_i (x_i - b), with b the first source and x_i the
others. Every value thus bounds the coefficients from both sides, by the numbers that round to it. The coefficients that
break these bounds least are found by Newton's method on the squared distance to them, which is convex. The recipe is
then replayed, and equal values are counted bit for bit. Least squares on the values themselves is biased where one
source is the other's base, because rounding leans to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.rounding import Grid, Values

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

FEWEST = 256
"""Decisive values that a recipe needs: 0.95 of them is 21 deviations beyond what trained models reach."""

REPRODUCED = 0.95
"""Share of the values, and of the decisive ones alone, that a recipe must reproduce. Merges in float32 come to 0.98 at
least, with four sources of round weights, whose ties fall to either side; trained models to 0.33 of the decisive values
at most (``python -m benchmarks.merges``), and a merge that was trained on by a tenth of its sources' change to 0.76."""

TRAINED = 0.33
"""Share of the decisive values that any recipe reproduces of a model that was trained, at most, as measured."""

SHIFT = 0.05
"""What the coefficients are shifted by, for the share that another recipe of the same sources reproduces."""

SHORT = 1, 2, 3, 4
"""Decimals to which people write recipes; tried for all coefficients at once."""

PAIR, SOUGHT_ON = 2, 512
"""Sources of a recipe in steps, and decisive values that it is sought on before all are replayed."""

_NEWTON, _CLOSE = 60, 1e-13
_SNAP = 1e-7
"""How far outside its bounds a short decimal may lie: ties are rounded to either side."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A recipe, and what it reproduces."""

    coefficients: Floats
    """One a source; where not scaled, they sum to 1."""
    error: float
    """Half of the widest range in which a coefficient reproduces as many values."""
    values: int
    decisive: int
    """Values of the model that no source has, rounded to its type: those that could not have been kept."""
    reproduced: int
    decisive_reproduced: int
    shifted: float
    """Share of the decisive values that the recipe reproduces with a coefficient shifted, the better of both sides."""
    in_steps: bool = False
    """Whether coefficients and products are rounded to the type as well, and not the sum alone."""

    @property
    def share(self) -> float:
        """Share of all values that are reproduced bit for bit."""
        return self.reproduced / self.values

    @property
    def decisive_share(self) -> float:
        """The same of the decisive values."""
        return self.decisive_reproduced / self.decisive

    @property
    def holds(self) -> bool:
        """Whether the model is named a merge: all but a few of the values and of the decisive ones are reproduced."""
        return min(self.share, self.decisive_share) >= REPRODUCED


def cells(values: Values, grid: Grid) -> tuple[Floats, Floats]:
    """The least and the largest number that rounds to each value of a grid, float64, edges included.

    Args:
        values: Numbers on the grid, of any shape.
        grid: Their type.
    """
    exact = values.astype(np.float64)
    size, half = np.abs(exact), grid.unit(values) / 2
    mantissa, exponent = np.frexp(size)
    inner = np.where((mantissa == 0.5) & (exponent - 1 > grid.smallest), half / 2, half)  # noqa: PLR2004  a power of two
    positive = exact >= 0
    return exact - np.where(positive & (size > 0), inner, half), exact + np.where(positive, half, inner)


def rounded(numbers: Floats, grid: Grid) -> Floats:
    """Numbers rounded to a grid, ties to even (IEEE 754), float64."""
    unit = grid.unit(numbers)
    return np.asarray(np.rint(numbers / unit) * unit)


def replay(model: Values, sources: Sequence[Values], grid: Grid) -> Replay | None:
    """The recipe whose coefficients sum to 1 that comes nearest to a model, replayed.

    The sum is computed exactly and rounded once, as a merge in float32 is; where that does not reproduce a model of two
    sources, a recipe of three decimals whose coefficients and products are rounded too, as a merge in the type itself.

    Args:
        model: [values], numbers on the grid, finite.
        sources: Two or more of the same size, finite, no two of them equal throughout.
        grid: The type of the model's values.

    Returns:
        The recipe; None where fewer than ``FEWEST`` values are no source's.
    """
    exact = [source.astype(np.float64) for source in sources]
    decisive = np.logical_and.reduce([model != rounded(source, grid) for source in exact])
    if decisive.sum() < FEWEST:
        return None
    found = _rounded_once(model, exact, decisive, grid)
    if found.holds or len(exact) != PAIR:
        return found
    stepwise = _in_steps(model, exact, decisive, grid)
    return stepwise if stepwise.decisive_share > found.decisive_share else found


def _rounded_once(model: Values, sources: Sequence[Floats], decisive: Truths, grid: Grid) -> Replay:
    """The best recipe of a sum that is rounded once."""
    first, differences = sources[0], np.stack([source - sources[0] for source in sources[1:]], axis=1)
    low, high = (edge - first for edge in cells(model, grid))
    nearest = _nearest(differences, low, high)
    refined, error = _refined(nearest, differences, low, high)

    def equal(coefficients: Floats) -> Truths:
        return np.asarray(rounded(first + differences @ coefficients, grid) == model)

    candidates = [*(np.round(nearest, decimals) for decimals in SHORT), refined]
    found, best = max(((each, equal(each)) for each in candidates), key=lambda pair: int(pair[1].sum()))
    shifts = [equal(found + sign * SHIFT * np.eye(len(found))[0]) for sign in (-1, 1)]
    return _counted(np.concatenate([[1 - found.sum()], found]), error, best, decisive, shifts)


def _in_steps(model: Values, sources: Sequence[Floats], decisive: Truths, grid: Grid) -> Replay:
    """The best recipe of two sources whose every product is rounded, sought on some decisive values."""
    places = np.flatnonzero(decisive)
    some = places[:: max(1, len(places) // SOUGHT_ON)]

    def equal(part: float, at: slice | NDArray[np.int64] = slice(None)) -> Truths:
        weights = rounded(np.array([part, 1 - part]), grid)
        products = [rounded(weight * source[at], grid) for weight, source in zip(weights, sources, strict=True)]
        return np.asarray(rounded(products[0] + products[1], grid) == model[at])

    parts = np.arange(1, 1000) / 1000
    counts = np.array([equal(part, some).sum() for part in parts])
    as_good = parts[counts == counts.max()]
    found = _shortest(float(as_good[0]), float(as_good[-1]))
    error = max(float(as_good[-1] - as_good[0]), 1e-3) / 2
    shifts = [equal(found + sign * SHIFT) for sign in (-1, 1)]
    return replace(_counted(np.array([found, 1 - found]), error, equal(found), decisive, shifts), in_steps=True)


def _counted(coefficients: Floats, error: float, equal: Truths, decisive: Truths, shifts: Sequence[Truths]) -> Replay:
    return Replay(
        coefficients=coefficients,
        error=error,
        values=len(equal),
        decisive=int(decisive.sum()),
        reproduced=int(equal.sum()),
        decisive_reproduced=int((equal & decisive).sum()),
        shifted=max(float(shifted[decisive].mean()) for shifted in shifts),
    )


def _nearest(differences: Floats, low: Floats, high: Floats) -> Floats:
    """Coefficients whose sums break their bounds least, distances in widths of the bounds."""
    width = high - low
    scaled, lowest, highest = differences / width[:, None], low / width, high / width
    found = np.linalg.lstsq(scaled, (lowest + highest) / 2, rcond=None)[0]
    for _ in range(_NEWTON):
        sums = scaled @ found
        beyond = np.clip(sums, lowest, highest) - sums
        broken = beyond != 0
        if not broken.any():
            break
        step = np.linalg.lstsq(scaled[broken], beyond[broken], rcond=None)[0]
        found = found + step
        if np.abs(step).max() < _CLOSE:
            break
    return np.asarray(found)


def _refined(found: Floats, differences: Floats, low: Floats, high: Floats) -> tuple[Floats, float]:
    """Every coefficient in turn where most bounds agree, as the shortest decimal there; and the widest half range."""
    found, error = found.copy(), 0.0
    for index in range(len(found)):
        column = differences[:, index]
        others = differences @ found - column * found[index]
        moved = column != 0
        if not moved.any():
            continue
        edges = [(edge - others)[moved] / column[moved] for edge in (low, high)]
        least, largest = _most_agree(np.minimum(*edges), np.maximum(*edges))
        found[index] = _shortest(least - _SNAP, largest + _SNAP)
        error = max(error, (largest - least) / 2)
    return found, error


def _most_agree(starts: Floats, ends: Floats) -> tuple[float, float]:
    """The first range of numbers that lies in the most intervals, edges included."""
    places = np.concatenate([np.sort(starts), np.sort(ends)])
    order = np.argsort(places, kind="stable")
    cover = np.cumsum(np.where(order < len(starts), 1, -1))
    best = int(np.argmax(cover))
    return float(places[order[best]]), float(places[order[best + 1]])


def _shortest(least: float, largest: float) -> float:
    """The number with the fewest decimals in a range, the one nearest to its middle."""
    middle = (least + largest) / 2
    for decimals in range(13):
        number = round(middle, decimals)
        if least <= number <= largest:
            return number
    return middle
