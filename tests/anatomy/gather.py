"""What tests of the anatomy share: tensors from shapes or arrays, and a view's values gathered from an array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Part, View, place
from independence_audit.checkpoint import TensorInfo

Array = NDArray[Any]


def tensor(name: str, *shape: int, dtype: str = "F32") -> TensorInfo:
    """A tensor that is nothing but its header."""
    return TensorInfo(name, dtype, shape, "model.safetensors", 0, 0)


def place_arrays(arrays: Mapping[str, Array], config: Mapping[str, Any] | None = None) -> Anatomy:
    """Place arrays as if they were a checkpoint."""
    return place([tensor(name, *array.shape) for name, array in arrays.items()], config or {})


def places(view: View) -> NDArray[np.int64]:
    """The place of every value of a view in its flat tensor: [rows, columns]."""
    rows = np.zeros((1,), dtype=np.int64)
    for size, stride in zip(view.rows, view.row_strides, strict=True):
        rows = (rows[:, None] + np.arange(size) * stride).ravel()
    return view.offset + rows[:, None] + np.arange(view.columns) * view.column_stride


def gather(array: Array, view: View) -> Array:
    """The values of a view, [rows, columns]."""
    return array.ravel()[places(view)]


def numbered(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """Arrays of these shapes in which no value occurs twice."""
    arrays, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        arrays[name] = np.arange(start, start + size).reshape(shape)
        start += size
    return arrays


def values_by_place(
    arrays: Mapping[str, Array], anatomy: Anatomy
) -> dict[tuple[str, int | None, str, int | None], Array]:
    """The values of every part by its component's kind, layer, role and expert, which no other part may have."""
    kinds = {component.name: component.kind for component in anatomy.components}
    found: dict[tuple[str, int | None, str, int | None], Array] = {}
    for part in anatomy.parts:
        key = kinds[part.component], part.layer, part.role, part.expert
        assert key not in found, key
        found[key] = gather(arrays[part.tensor], part.view)
    return found


def by_role(anatomy: Anatomy) -> dict[str, Part]:
    """The parts of a small checkpoint by role, which no two may share."""
    found = {part.role: part for part in anatomy.parts}
    assert len(found) == len(anatomy.parts)
    return found


def assert_every_value_once(shapes: Mapping[str, Sequence[int]], anatomy: Anatomy) -> None:
    """Check that the parts of every tensor hold each of its values exactly once, and add up to the components."""
    covered: dict[str, list[NDArray[np.int64]]] = {name: [] for name in shapes}
    parameters: Counter[str] = Counter()
    for part in anatomy.parts:
        covered[part.tensor].append(places(part.view).ravel())
        parameters[part.component] += part.view.size
    for name, found in covered.items():
        together = np.sort(np.concatenate(found))
        assert np.array_equal(together, np.arange(int(np.prod(shapes[name])))), name
    assert {component.name: component.parameters for component in anatomy.components} == parameters
