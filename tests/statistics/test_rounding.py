"""Differences that are nothing but rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.statistics.rounding import BY_CHANCE, GRIDS, Values, full_one, rounding
from tests.lineage.hand_made import noise

TYPES = {
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
    "fp8_e4m3": torch.float8_e4m3fn,
    "fp8_e5m2": torch.float8_e5m2,
}
WEIGHTS = noise(20_000)


def cast(values: Values, *names: str) -> NDArray[np.float32]:
    """The values after a cast to each type in turn, by a library that rounds to nearest, ties to even."""
    tensor = torch.from_numpy(values)
    for name in names:
        tensor = tensor.to(TYPES[name])
    return tensor.to(torch.float32).numpy()


def test_every_grid_is_tried() -> None:
    """The types that weights are cast to."""
    assert [grid.name for grid in GRIDS] == list(TYPES)


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("spread", [1e-4, 1.0, 100.0])
def test_casts_are_named(name: str, spread: float) -> None:
    """Every type's cast is found and named, from either side; one that leaves mostly zeros says nothing."""
    values = WEIGHTS * np.float32(spread)
    rounded = cast(values, name)
    expected = name if np.count_nonzero(rounded) > len(rounded) / 2 else None
    assert rounding(values, rounded) == expected
    assert rounding(rounded, values) == expected


@pytest.mark.parametrize(("finer", "coarser"), [("fp16", "bf16"), ("bf16", "fp8_e4m3"), ("fp8_e4m3", "fp8_e5m2")])
def test_cast_of_a_cast_is_named(finer: str, coarser: str) -> None:
    """A checkpoint that is published in a narrow type, cast to a narrower one."""
    published = cast(WEIGHTS, finer)
    assert rounding(published, cast(published, coarser)) == coarser


@pytest.mark.parametrize("path", [("fp16", "bf16"), ("bf16", "fp16"), ("bf16", "fp8_e4m3"), ("fp16", "fp8_e5m2")])
def test_double_rounding_is_rounding(path: tuple[str, str]) -> None:
    """Two casts in a row miss the nearest value now and then, by less than a step: still nothing but rounding."""
    assert rounding(WEIGHTS, cast(WEIGHTS, *path)) in path


@pytest.mark.parametrize("name", TYPES)
def test_doubles_are_rounded_too(name: str) -> None:
    """The wide side may be float64."""
    values = np.random.default_rng(1).normal(size=5000)
    rounded = torch.from_numpy(values).to(TYPES[name]).to(torch.float64).numpy()
    assert rounding(values, rounded) == name


@pytest.mark.parametrize("change", [1e-6, 1e-4, 1e-2])
def test_fine_tuning_is_not_rounding(change: float) -> None:
    """Weights changed by training lie on no grid, however little they moved."""
    assert rounding(WEIGHTS, WEIGHTS + np.float32(change) * noise(20_000, seed=1)) is None


@pytest.mark.parametrize("name", ["fp16", "bf16"])
@pytest.mark.parametrize("share", [1.0, 0.1, 0.001])
def test_training_in_a_narrow_type_is_not_rounding(name: str, share: float) -> None:
    """Fine-tuning in half precision moves some values to a neighbour on the grid: a whole step, never half of one."""
    stored = cast(WEIGHTS, name)
    moved = np.random.default_rng(2).random(len(stored)) < share
    trained = cast(np.where(moved, stored * (1 + 2.0**-7), stored), name)
    assert (trained != stored).any()
    assert rounding(stored, trained) is None


@pytest.mark.parametrize("name", TYPES)
def test_one_value_out_of_line_is_enough(name: str) -> None:
    """Rounding explains every difference or none."""
    rounded = cast(WEIGHTS, name)
    place = int(np.argmax(np.abs(rounded)))
    rounded[place] *= 1.5
    assert rounding(WEIGHTS, rounded) is None


@pytest.mark.parametrize("name", TYPES)
def test_strangers_are_not_rounded(name: str) -> None:
    """Two models' weights differ by more than any type's step, also where one is stored in that type."""
    assert rounding(WEIGHTS, cast(noise(20_000, seed=3), name)) is None


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("spread", [0.01, 0.05])
def test_gains_of_strangers_are_not_rounded(name: str, spread: float) -> None:
    """Gains near one lie close together, and on a coarse grid few values are left: still no rounding of each other."""
    generator = np.random.default_rng(4)
    first, second = (1.0 + spread * generator.normal(size=(2, 2048))).astype(np.float32)
    rounded = cast(second, name)
    if len(np.unique(rounded)) >= 3:
        assert rounding(first, rounded) is None


@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=50), st.sampled_from(["fp16", "bf16"]))
def test_any_values_of_the_type_s_range(values: list[float], name: str) -> None:
    """Zeros, ties and subnormal values included, a cast is explained by its type or a finer one, or in any order."""
    array = np.array(values, np.float32)
    rounded = cast(array, name)
    found = rounding(array, rounded)
    if found is None:
        grid = next(grid for grid in GRIDS if grid.name == name)
        assert grid.explains(array, np.roll(rounded, 1)).mean() > BY_CHANCE
    else:
        assert found in ([name] if name == "fp16" else ["fp16", "bf16"])


def test_nothing_to_explain() -> None:
    """No values, no rounding."""
    assert rounding(WEIGHTS[:0], WEIGHTS[:0]) is None


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.name)
def test_grids_are_those_of_the_types(grid: object) -> None:
    """A grid holds exactly what a cast to the type leaves unchanged, down to subnormal values."""
    name = grid.name  # type: ignore[attr-defined]
    for power in range(-17, 8):
        for value in np.ldexp(np.linspace(1.0, 2.0, 65, dtype=np.float32), power):
            single = np.array([value], np.float32)
            assert grid.holds(single) == bool((cast(single, name) == single).all())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("spread", "step"), [(0.03, 0.125), (0.001, 2**-7)])
def test_gains_of_strangers_are_not_rounded_copies(spread: float, step: float) -> None:
    """Values within a step of one another are explained by coarse rounding in any order, so that it says nothing."""
    random = np.random.default_rng(8)
    mine = (1 + spread * random.standard_normal(4096)).astype(np.float32)
    theirs = (np.rint((1 + 1.5 * spread * random.standard_normal(4096)) / step) * step).astype(np.float32)
    assert rounding(mine, theirs) is None


@pytest.mark.parametrize("name", TYPES)
def test_the_full_one_of_a_rounding(name: str) -> None:
    """The side off the grid, whichever it is, also by way of a finer type; of equal and of trained values neither."""
    rounded = cast(WEIGHTS, name)
    assert full_one(WEIGHTS, rounded, name) == 0
    assert full_one(rounded, WEIGHTS, name) == 1
    assert full_one(rounded, rounded, name) is None
    assert full_one(WEIGHTS, WEIGHTS, name) is None
    near = rounded + np.float32(0.1) * (WEIGHTS - rounded)
    assert full_one(near, rounded, name) is None
    assert full_one(WEIGHTS, rounded, "4-bit") is None


def test_the_full_one_may_be_of_a_narrow_type_itself() -> None:
    """fp16 or bf16 beside fp8: the full one has a few values between two steps."""
    for wide, narrow in (("bf16", "fp8_e4m3"), ("fp16", "bf16"), ("fp8_e4m3", "fp8_e5m2")):
        full = cast(WEIGHTS, wide)
        assert full_one(full, cast(full, narrow), narrow) == 0
