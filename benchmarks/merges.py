"""Measures what recipes read off the rounding reproduce: ``python -m benchmarks.merges``, from the repository's root.

Weights of a drawn matrix, or raw bf16 values of a file (``--weights FILE``), are changed by 0.2%
to 10% of their deviation: an ancestor and its relatives. Merges of them are replayed, and so are innocent relatives.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint import decode
from independence_audit.core.number_types import DTYPES
from independence_audit.statistics.merges import Replay, replay, rounded
from independence_audit.statistics.rounding import GRIDS

Floats = NDArray[np.float64]
CHANGES = 0.002, 0.01, 0.03, 0.1
SEEDS = 2
VALUES = 1 << 15
TYPES = [grid for grid in GRIDS if grid.name in {"bf16", "fp16"}]
RECIPES = {
    "0.571 and 0.429": (0.571, 0.429),
    "0.6 and 0.4": (0.6, 0.4),
    "mean of two": (0.5, 0.5),
    "0.97 and 0.03": (0.97, 0.03),
    "three": (0.5, 0.3, 0.2),
    "four": (0.4, 0.3, 0.2, 0.1),
    "task arithmetic 0.7, 0.5": (0.7, 0.5, -0.2),
}


def main() -> None:
    """Print a line a recipe and a line a kind of innocent: over types, changes and seeds, the least and the most."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.merges", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--weights", type=Path, help="a raw file of bf16 values to begin with (default: drawn)")
    options = parser.parse_args()
    found: dict[str, list[Replay | None]] = {}
    for kind, result in results(start(options.weights)):
        found.setdefault(kind, []).append(result)
    print("| model | cases | named | decisive share, least | most | shifted, most |\n|---|---|---|---|---|---|")
    for kind, cases in found.items():
        replays = [case for case in cases if case is not None]
        shares = [case.decisive_share for case in replays] or [0.0]
        named, shifted = sum(case.holds for case in replays), max([case.shifted for case in replays], default=0.0)
        print(f"| {kind} | {len(cases)} | {named} | {min(shares):.4f} | {max(shares):.4f} | {shifted:.4f} |")


def start(file: Path | None) -> Floats:
    """The ancestor's values, before rounding."""
    if file is None:
        return np.random.default_rng(0).normal(0, 0.03, VALUES)
    raw = np.fromfile(file, dtype=np.uint8, count=VALUES * DTYPES["BF16"].bits // 8)
    return decode(raw, "BF16").astype(np.float64)


def results(ancestor: Floats) -> Iterator[tuple[str, Replay | None]]:
    """Every case with what its best recipe reproduces."""
    size = float(ancestor.std())
    for grid in TYPES:
        for change in CHANGES:
            for seed in range(SEEDS):
                random = np.random.default_rng([seed, int(change * 1e4)])

                def tuned(values: Floats, by: float) -> Floats:
                    noise = random.normal(0, size * by, len(values))  # noqa: B023  called in this turn only
                    return rounded(values + noise, grid)  # noqa: B023

                base = rounded(ancestor, grid)
                relatives = [tuned(base, change) for _ in range(3)]
                for name, parts in RECIPES.items():
                    sources = [*relatives[: len(parts) - 1], base]
                    merged = summed(parts, sources)
                    yield name, replay(rounded(merged, grid), sources, grid)
                first = relatives[0]
                weights = rounded(np.array([0.6, 0.4]), grid)
                steps = [rounded(part * source, grid) for part, source in zip(weights, (first, base), strict=True)]
                yield "0.6 and 0.4, every step rounded", replay(rounded(steps[0] + steps[1], grid), [first, base], grid)
                yield "trained on", replay(tuned(first, change), [first, base], grid)
                yield "trained on, a tenth", replay(tuned(first, change / 10), [first, base], grid)
                yield "sibling", replay(tuned(base, change), [first, base], grid)
                yield "sibling of three", replay(tuned(base, change), [*relatives, base], grid)
                yield "between two checkpoints", replay(first, [base, tuned(first, change)], grid)
                yield "base of two", replay(base, relatives[:2], grid)
                yield "copy", replay(first, [first, base], grid)
                exact = ancestor + random.normal(0, size * change, len(ancestor))
                yield "cast of a wider source", replay(rounded(exact, grid), [exact, base], grid)
                yield "stranger", replay(rounded(random.normal(0, size, len(base)), grid), [first, base], grid)
                mixed = rounded(summed((0.6, 0.4), [first, base]), grid)
                yield "merge, then trained by a tenth", replay(tuned(mixed, change / 10), [first, base], grid)


def summed(parts: tuple[float, ...], sources: list[Floats]) -> Floats:
    """A weighted sum in float32, in which merges are computed."""
    total = np.zeros(len(sources[0]), dtype=np.float32)
    for part, source in zip(parts, sources, strict=True):
        total += np.float32(part) * source.astype(np.float32)
    return total.astype(np.float64)


if __name__ == "__main__":
    main()
