"""From planned values to byte ranges and back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.anatomy import View
from independence_audit.fingerprint.sampler import Plan
from independence_audit.fingerprint.spans import GAP, Spans, plan_spans
from tests.fingerprint.small_checkpoints import dense, transposed

Case = tuple[View, Plan, int]


def offset_of(view: View, row: int, column: int) -> int:
    """Place of a value in its flat tensor, as the view defines it."""
    places = np.unravel_index(row, view.rows) if view.rows else ()
    along_rows = sum(int(place) * stride for place, stride in zip(places, view.row_strides, strict=True))
    return view.offset + along_rows + column * view.column_stride


def wanted(view: View, plan: Plan) -> NDArray[np.int64]:
    """Places of the planned values, one by one, [rows, columns]."""
    offsets = [offset_of(view, row, column) for row, column in product(plan.rows, range(plan.start, plan.stop))]
    return np.array(offsets, np.int64).reshape(len(plan.rows), plan.stop - plan.start)


@st.composite
def layouts(draw: st.DrawFn) -> View:
    """Views of dense tensors with their axes in any order, and of slices of larger ones."""
    counts = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    order = draw(st.permutations(range(len(counts))))
    strides, step = [0] * len(counts), draw(st.sampled_from([1, 1, 1, 2, 5, 3000]))
    for axis in order:
        strides[axis] = step
        step *= counts[axis] + draw(st.sampled_from([0, 0, 1, 700]))
    offset = draw(st.integers(0, 50))
    return View(offset, tuple(counts[:-1]), tuple(strides[:-1]), counts[-1], strides[-1])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A view, some of its rows in any order, a window of its columns, and the bytes of a value."""
    view = draw(layouts())
    rows = draw(st.lists(st.integers(0, view.row_count - 1), unique=True))
    start, stop = sorted(draw(st.tuples(st.integers(0, view.columns), st.integers(0, view.columns))))
    return view, Plan(np.array(rows, np.int64), start, stop), draw(st.sampled_from([1, 2, 4, 8]))


def gather(read_range: Callable[[int, int], NDArray[np.uint8]], spans: Spans, item: int) -> NDArray[np.uint8]:
    """The planned values out of a tensor's bytes, read range by range, [rows, columns, item]."""
    ranges = [read_range(start, stop) for start, stop in zip(spans.starts, spans.stops, strict=True)]
    read = np.concatenate([np.zeros(0, np.uint8), *ranges])
    assert len(read) == spans.size
    return read.reshape(-1, item)[spans.places]


def scrambled(places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The bytes at the given places of a memory of any size."""
    return (places * 2_654_435_761 >> 11).astype(np.uint8)


@given(cases())
def test_ranges_are_ascending_disjoint_and_cover_every_value(case: Case) -> None:
    """Every wanted byte is read exactly once, from front to back; no range is empty or could have joined the next."""
    view, plan, item = case
    spans = plan_spans(view, plan, item)
    assert (spans.starts < spans.stops).all()
    assert (spans.stops[:-1] < spans.starts[1:]).all()
    bytes_wanted = (wanted(view, plan).ravel()[:, None] * item + np.arange(item)).ravel()
    inside = (bytes_wanted[:, None] >= spans.starts) & (bytes_wanted[:, None] < spans.stops)
    assert (inside.sum(axis=1) == 1).all()
    assert set(spans.starts) | {stop - 1 for stop in spans.stops} <= set(bytes_wanted)


@given(cases())
def test_gathered_values_are_those_of_direct_indexing(case: Case) -> None:
    """What comes back is the matrix that the view and the plan describe, whatever the memory layout."""
    view, plan, item = case
    places = wanted(view, plan)[:, :, None] * item + np.arange(item)
    values = gather(lambda start, stop: scrambled(np.arange(start, stop)), plan_spans(view, plan, item), item)
    assert np.array_equal(values, scrambled(places))


@given(cases())
def test_little_is_read_along(case: Case) -> None:
    """No gap inside a range is longer than a page."""
    view, plan, item = case
    spans = plan_spans(view, plan, item)
    touched = np.unique(wanted(view, plan)) * item
    for start, stop in zip(spans.starts, spans.stops, strict=True):
        inside = touched[(touched >= start) & (touched < stop)]
        assert (np.diff(inside) - item <= GAP).all()


def plan_of(rows: list[int], start: int, stop: int) -> Plan:
    """A plan from a list of rows."""
    return Plan(np.array(rows, np.int64), start, stop)


CONVOLUTION = np.arange(5 * 7 * 3 * 2).reshape(5, 7, 3, 2)
HEADS = np.arange(4 * 3 * 8 * 6).reshape(4, 3, 8, 6)
EXPERTS = np.arange(3 * 10 * 4).reshape(3, 10, 4)

LAYOUTS: dict[str, tuple[NDArray[Any], View, NDArray[Any]]] = {
    "dense": (EXPERTS[0], dense(10, 4), EXPERTS[0]),
    "transposed": (EXPERTS[0], transposed(4, 10), EXPERTS[0].T),
    "input channels of a convolution, taps in the rows": (
        CONVOLUTION,
        View(0, (5, 3, 2), (42, 2, 1), 7, 6),
        CONVOLUTION.transpose(0, 2, 3, 1).reshape(30, 7),
    ),
    "queries of a fused projection, interleaved by head": (
        HEADS,
        View(0, (4, 8), (144, 6), 6, 1),
        HEADS[:, 0].reshape(32, 6),
    ),
    "values of a fused projection, interleaved by head": (
        HEADS,
        View(2 * 48, (4, 8), (144, 6), 6, 1),
        HEADS[:, 2].reshape(32, 6),
    ),
    "gate of an interleaved gate and up": (EXPERTS[0], View(0, (5,), (8,), 4, 1), EXPERTS[0][::2]),
    "up of an interleaved gate and up": (EXPERTS[0], View(4, (5,), (8,), 4, 1), EXPERTS[0][1::2]),
    "second of stacked experts": (EXPERTS, dense(10, 4, offset=40), EXPERTS[1]),
    "second of stacked experts, transposed": (EXPERTS, View(40, (4,), (1,), 10, 4), EXPERTS[1].T),
    "vector": (EXPERTS[0, 0], View(0, (), (), 4, 1), EXPERTS[0, :1]),
    "every other value of a vector": (EXPERTS[0].ravel(), View(1, (), (), 20, 2), EXPERTS[0].reshape(1, -1)[:, 1::2]),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_of_real_tensors(name: str) -> None:
    """The layouts that anatomies describe, against numpy's own indexing."""
    tensor, view, matrix = LAYOUTS[name]
    stored = tensor.astype(np.float32)
    rows = np.random.default_rng(1).permutation(view.row_count)[: max(1, view.row_count // 2)]
    plan = Plan(rows, view.columns // 4, view.columns - view.columns // 4)
    spans = plan_spans(view, plan, 4)
    memory = np.frombuffer(stored.tobytes(), np.uint8)
    values = gather(lambda start, stop: memory[start:stop], spans, 4).view(np.float32)[..., 0]
    assert np.array_equal(values, matrix[rows, plan.start : plan.stop])


@pytest.mark.parametrize("item", [1, 2, 4, 8])
def test_rows_a_page_apart_are_read_together(item: int) -> None:
    """A gap of a page is read along; one value more, and it is skipped."""
    together = plan_spans(View(0, (2,), (1 + GAP // item,), 1, 1), plan_of([0, 1], 0, 1), item)
    apart = plan_spans(View(0, (2,), (2 + GAP // item,), 1, 1), plan_of([0, 1], 0, 1), item)
    assert (together.starts.tolist(), together.stops.tolist()) == ([0], [GAP + 2 * item])
    assert (apart.starts.tolist(), apart.stops.tolist()) == ([0, GAP + 2 * item], [item, GAP + 3 * item])


def test_segment_of_adjacent_rows_is_one_range() -> None:
    """Whole rows that follow each other are read at once."""
    spans = plan_spans(dense(1000, 2048), plan_of([8, 9, 10, 11, 500, 501, 502, 503], 0, 2048), 2)
    assert (spans.starts.tolist(), spans.stops.tolist()) == ([8 * 4096, 500 * 4096], [12 * 4096, 504 * 4096])


@pytest.mark.parametrize(
    ("view", "plan"),
    [
        (dense(0, 4), plan_of([], 0, 4)),
        (dense(4, 0), plan_of([0, 1, 2, 3], 0, 0)),
        (dense(4, 4), plan_of([], 1, 3)),
        (View(0, (2, 0), (4, 4), 4, 1), plan_of([], 0, 4)),
    ],
)
def test_nothing_wanted_is_nothing_read(view: View, plan: Plan) -> None:
    """Empty tensors and empty plans have no ranges."""
    spans = plan_spans(view, plan, 4)
    assert (len(spans.starts), len(spans.stops), spans.size) == (0, 0, 0)
    assert spans.places.shape == (len(plan.rows), plan.stop - plan.start)


def test_offsets_beyond_32_bits() -> None:
    """A tensor of many gigabytes: places are counted in 64 bits."""
    view = View(7, (4, 3), (5_000_000_000, 3), 3, 1)
    spans = plan_spans(view, plan_of([11], 0, 3), 8)
    first = (7 + 3 * 5_000_000_000 + 2 * 3) * 8
    assert (spans.starts.tolist(), spans.stops.tolist()) == ([first], [first + 24])
