"""Recipes are read off the rounding to the last bit, and what was trained has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.statistics.merges import FEWEST, REPRODUCED, TRAINED, Replay, cells, replay, rounded
from independence_audit.statistics.rounding import GRIDS, Grid

VALUES = 20_000
TYPES = {grid.name: grid for grid in GRIDS if grid.name in {"bf16", "fp16"}}


def relatives(grid: Grid, count: int, change: float) -> list[np.ndarray]:
    """A base and models fine-tuned from it by a share of its size, the base last."""
    random = np.random.default_rng(1)
    base = rounded(random.normal(0, 0.03, VALUES), grid)
    return [*(rounded(base + random.normal(0, 0.03 * change, VALUES), grid) for _ in range(count)), base]


def merged(parts: tuple[float, ...], sources: list[np.ndarray], grid: Grid) -> np.ndarray:
    """Their sum in float32, rounded."""
    total = np.zeros(VALUES, dtype=np.float32)
    for part, source in zip(parts, sources, strict=True):
        total += np.float32(part) * source.astype(np.float32)
    return rounded(total.astype(np.float64), grid)


def found(model: np.ndarray, sources: list[np.ndarray], grid: Grid) -> Replay:
    """The replay, which there must be."""
    result = replay(model, sources, grid)
    assert result is not None
    return result


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("change", [0.01, 0.1])
@pytest.mark.parametrize("parts", [(0.571, 0.429), (0.5, 0.5), (0.03, 0.97), (0.5, 0.3, 0.2), (0.4, 0.3, 0.2, 0.1)])
def test_a_merge_is_named_and_right(name: str, change: float, parts: tuple[float, ...]) -> None:
    """Two to four sources, one of which is the others' base: coefficients to a hundred-thousandth."""
    sources = relatives(TYPES[name], len(parts) - 1, change)
    result = found(merged(parts, sources, TYPES[name]), sources, TYPES[name])
    assert result.holds
    assert result.shifted < result.decisive_share
    assert np.abs(result.coefficients - parts).max() < 1e-5


@pytest.mark.parametrize("name", TYPES)
def test_a_merge_in_the_type_itself(name: str) -> None:
    """Where weights and products were rounded as well, the recipe is replayed in these steps."""
    grid = TYPES[name]
    sources = relatives(grid, 1, 0.01)
    products = [
        rounded(rounded(np.array([part]), grid) * one, grid) for part, one in zip((0.6, 0.4), sources, strict=True)
    ]
    result = found(rounded(products[0] + products[1], grid), sources, grid)
    assert result.holds
    assert result.in_steps
    assert np.abs(result.coefficients - (0.6, 0.4)).max() <= result.error


def test_task_arithmetic_is_a_merge() -> None:
    """Differences to a base, added with weights of their own."""
    sources = relatives(TYPES["bf16"], 2, 0.05)
    parts = (0.7, 0.5, -0.2)
    assert found(merged(parts, sources, TYPES["bf16"]), sources, TYPES["bf16"]).coefficients == pytest.approx(parts)


@pytest.mark.parametrize("change", [0.002, 0.01, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_trained_models_are_no_merges(change: float, seed: int) -> None:
    """Trained on from a source, or from the common base: few of the values that no source has are reproduced."""
    grid, random = TYPES["bf16"], np.random.default_rng([7, seed])
    sources = relatives(grid, 1, change)
    for start in sources:
        result = found(rounded(start + random.normal(0, 0.03 * change, VALUES), grid), sources, grid)
        assert not result.holds
        assert result.decisive_share <= TRAINED


def test_a_merge_that_was_trained_on_is_not_exact() -> None:
    """A tenth of the sources' change is enough that the recipe is no longer what gives the values."""
    grid = TYPES["bf16"]
    sources = relatives(grid, 1, 0.01)
    tuned = rounded(merged((0.6, 0.4), sources, grid) + np.random.default_rng(3).normal(0, 3e-5, VALUES), grid)
    assert TRAINED < found(tuned, sources, grid).decisive_share < REPRODUCED


def test_copies_and_casts_say_nothing() -> None:
    """What equals a source, or is one rounded, has no value of its own."""
    grid = TYPES["bf16"]
    first, base = relatives(grid, 1, 0.01)
    wider = np.random.default_rng(5).normal(0, 0.03, VALUES)
    assert replay(first, [first, base], grid) is None
    assert replay(rounded(wider, grid), [wider, base], grid) is None
    few = first.copy()
    few[: FEWEST - 1] *= 2
    assert replay(few, [first, base], grid) is None


@given(st.floats(-1e4, 1e4, allow_subnormal=False), st.sampled_from(sorted(TYPES)))
def test_cells_hold_what_rounds_to_them(number: float, name: str) -> None:
    """A number lies in the cell of what it is rounded to; beyond either edge another value begins."""
    grid = TYPES[name]
    value = rounded(np.array([number]), grid)
    low, high = cells(value, grid)
    assert low[0] <= number <= high[0]
    width = high[0] - low[0]
    assert rounded(low - width / 64, grid)[0] < value[0] < rounded(high + width / 64, grid)[0]


@given(st.floats(-6e4, 6e4, width=32))
def test_rounding_is_that_of_the_type(number: float) -> None:
    """Rounding to fp16 is numpy's."""
    assert rounded(np.array([number]), TYPES["fp16"])[0] == float(np.float16(number))
