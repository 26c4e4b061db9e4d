"""Slices, folds and transposes of places equal those of the values."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy.lattice import Lattice
from tests.anatomy.gather import gather

Steps = st.lists(
    st.tuples(st.sampled_from(["cut", "at", "fold", "reverse", "squeeze"]), st.integers(0, 100)), max_size=5
)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), Steps, st.integers(0, 3))
def test_a_lattice_is_an_array_of_places(shape: list[int], steps: list[tuple[str, int]], columns: int) -> None:
    """Any chain of operations on a lattice gives the view that numpy gives of the array itself."""
    values = np.arange(int(np.prod(shape))).reshape(shape)
    lattice, array = Lattice.of(shape), values
    for operation, number in steps:
        axis = number % max(lattice.rank, 1)
        if lattice.rank == 0:
            break
        size = lattice.shape[axis]
        if operation == "cut":
            start, step = number % size, 1 + number % 2
            lattice = lattice.cut(axis, start, size, step)
            array = np.take(array, range(start, size, step), axis)
        elif operation == "at":
            lattice, array = lattice.at(axis, number % size), np.take(array, number % size, axis)
        elif operation == "fold" and size % 2 == 0:
            lattice = lattice.fold(axis, (2, size // 2))
            array = array.reshape(*array.shape[:axis], 2, size // 2, *array.shape[axis + 1 :])
        elif operation == "reverse":
            lattice, array = lattice.reorder(range(lattice.rank)[::-1]), array.T
        elif operation == "squeeze":
            lattice = lattice.squeeze()
            array = array.squeeze() if array.size > 1 else array.reshape(1)
    assert lattice.shape == array.shape
    view = lattice.view(columns % lattice.rank if lattice.rank else -1)
    moved = np.moveaxis(array, columns % array.ndim, -1) if array.ndim else array.reshape(1)
    assert np.array_equal(gather(values, view), moved.reshape(-1, moved.shape[-1]))
    assert view.size == array.size
