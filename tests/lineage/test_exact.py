"""Full mode: every value of two tensors, side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.anatomy import Part, View
from independence_audit.errors import ReadError
from independence_audit.lineage import exact
from independence_audit.lineage.exact import Matched, compare_until, measure_exactly, pair_parts
from independence_audit.lineage.measure import Numbers
from independence_audit.lineage.sums import Sums
from independence_audit.work import Processes
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import bf16, checkpoint_of, dense, part_of, transposed

Stored = tuple[NDArray[Any], View]


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normal values, the same ones for a seed every time."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ignore(done: int, total: int) -> None:
    """No progress."""


def sums_of(first: Stored, second: Stored, rounding: str | None = None) -> Sums:
    """The sums over two tensors, seen as their views say."""
    subject, reference = checkpoint_of({"a": first[0]}), checkpoint_of({"pad": noise(3), "b": second[0]})
    matched = Matched([(part_of("a", first[1]), part_of("b", second[1]))], rounding)
    (sums,) = measure_exactly([matched], subject, reference, ignore)
    return sums


def numbers_of(first: Stored, second: Stored) -> Numbers:
    """The exact figures of two tensors."""
    return sums_of(first, second).numbers()


def check(numbers: Numbers, first: NDArray[Any], second: NDArray[Any]) -> None:
    """The figures are those of the values in memory, counts exactly and sums to float32's precision."""
    kept = np.isfinite(first) & np.isfinite(second)
    x, y = first[kept].astype(np.float64), second[kept].astype(np.float64)
    assert (numbers.compared_values, numbers.non_finite) == (len(x), kept.size - len(x))
    assert numbers.identical_fraction == float((x == y).mean())
    assert numbers.max_abs_diff == pytest.approx(np.abs(x - y).max(), rel=1e-6)
    assert numbers.cosine == pytest.approx(x @ y / np.linalg.norm(x) / np.linalg.norm(y), rel=1e-4, abs=1e-5)
    assert numbers.pearson == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-4, abs=1e-5)


def partly_equal(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A third of the values changed."""
    changed = values.copy()
    changed.reshape(-1)[::3] += noise(len(changed.reshape(-1)[::3]), seed=9)
    return changed


A = noise(24, 30)
B = partly_equal(A)
CONVOLUTION = noise(4, 6, 3, 2)
INTERLEAVED = np.stack([A, noise(24, 30, seed=5)], axis=1)
HEADS = noise(4, 3, 6, 30, seed=6)

LAYOUTS: dict[str, tuple[Stored, NDArray[np.float32]]] = {
    "dense": ((A, dense(24, 30)), A),
    "transposed": ((np.ascontiguousarray(A.T), transposed(24, 30)), A),
    "first half of an interleaved tensor": ((INTERLEAVED, View(0, (24,), (60,), 30, 1)), A),
    "behind another one": ((np.stack([noise(24, 30, seed=7), A]), dense(24, 30, offset=720)), A),
    "values of a tensor fused by heads": (
        (HEADS, View(360, (4, 6), (540, 30), 30, 1)),
        np.ascontiguousarray(HEADS[:, 2].reshape(24, 30)),
    ),
    "as one vector": ((A.reshape(-1), View(0, (24,), (30,), 30, 1)), A),
}


@pytest.mark.parametrize("second", LAYOUTS)
@pytest.mark.parametrize("first", LAYOUTS)
def test_every_layout_against_every_other(first: str, second: str) -> None:
    """Whatever way the two sides are stored, the figures are those of the matrices."""
    (one, left), (other, right) = LAYOUTS[first], LAYOUTS[second]
    check(numbers_of(one, other), left, right)


@pytest.mark.parametrize("layout", ["dense", "transposed"])
def test_partly_equal_tensors(layout: str) -> None:
    """Equal values are counted exactly."""
    second = (B, dense(24, 30)) if layout == "dense" else (np.ascontiguousarray(B.T), transposed(24, 30))
    numbers = numbers_of((A, dense(24, 30)), second)
    check(numbers, A, B)
    assert numbers.identical_fraction == float((A == B).mean())


def test_convolution_kernels_of_two_frameworks() -> None:
    """Output, input, taps against taps, input, output: one matrix of input channels."""
    other = np.ascontiguousarray(partly_equal(CONVOLUTION).transpose(2, 3, 1, 0))
    first = (CONVOLUTION, View(0, (4, 3, 2), (36, 2, 1), 6, 6))
    second = (other, View(0, (4, 3, 2), (1, 48, 24), 6, 4))
    check(numbers_of(first, second), CONVOLUTION, partly_equal(CONVOLUTION))


@st.composite
def stored(draw: st.DrawFn, counts: tuple[int, int, int], seed: int) -> tuple[Stored, NDArray[np.float32]]:
    """A matrix of rows in two axes, stored with its axes in any order, perhaps with room between."""
    order = draw(st.permutations(range(3)))
    strides, step = [0, 0, 0], 1
    for axis in order:
        strides[axis] = step
        step *= counts[axis] + draw(st.sampled_from([0, 0, 2]))
    offset = draw(st.integers(0, 5))
    memory = noise(step + offset, seed=seed)
    view = View(offset, counts[:2], (strides[0], strides[1]), counts[2], strides[2])
    places = offset + sum(np.indices(counts)[axis] * strides[axis] for axis in range(3))
    return (memory, view), memory[places]


@settings(max_examples=60)
@given(st.data())
def test_any_layout_in_pieces_of_any_size(data: st.DataObject) -> None:
    """Values are cut into runs or tiles, and tiles into tasks: no value is lost at an edge or counted twice."""
    counts = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(10, 25)))
    first, left = data.draw(stored(counts, 1))
    second, right = data.draw(stored(counts, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "CHUNK", data.draw(st.sampled_from([32, 50, 1024])))
        patch.setattr(exact, "TILE", data.draw(st.sampled_from([1, 7, 32])))
        patch.setattr(exact, "TASK", data.draw(st.sampled_from([1024, 4096])))
        check(numbers_of(first, second), left, right)


def test_tensors_of_several_pieces() -> None:
    """Larger than a chunk, dense and transposed, with a remainder at every edge."""
    first = noise(700, 1030)
    second = partly_equal(first)
    straight = numbers_of((first, dense(700, 1030)), (second, dense(700, 1030)))
    turned = numbers_of((first, dense(700, 1030)), (np.ascontiguousarray(second.T), transposed(700, 1030)))
    check(straight, first, second)
    check(turned, first, second)


@pytest.mark.parametrize(
    "cast",
    [lambda x: x.astype(np.float16), bf16, lambda x: x.astype(np.float64), lambda x: (x * 100).astype(np.int64)],
    ids=["F16", "BF16", "F64", "I64"],
)
def test_types_may_differ(cast: Any) -> None:
    """Both sides are compared as numbers, whatever they are stored as."""
    other = cast(A)
    numeric = (other.astype(np.uint32) << 16).view(np.float32) if other.dtype == np.uint16 else other
    check(numbers_of((A, dense(24, 30)), (other, dense(24, 30))), A, numeric)


def test_doubles_that_differ_are_not_equal() -> None:
    """Equality is that of the stored values: a difference below float32's precision is a difference."""
    first = noise(24, 30).astype(np.float64)
    numbers = numbers_of((first, dense(24, 30)), (first * (1 + 1e-12), dense(24, 30)))
    assert numbers.identical_fraction == 0.0


@pytest.mark.parametrize("turned", [False, True])
def test_differences_that_rounding_does_not_explain_are_counted(turned: bool) -> None:  # noqa: FBT001  a case's parameter
    """A sample may look rounded where single values were changed; every value tells."""
    cast = A.astype(np.float16)
    cast[[3, 20], [4, 29]] *= 2
    second = (np.ascontiguousarray(cast.T), transposed(24, 30)) if turned else (cast, dense(24, 30))
    first = (A, dense(24, 30))
    assert sums_of(first, second, "fp16").unexplained == 2
    assert sums_of(first, second, "bf16").unexplained == 2
    assert sums_of(first, (B, dense(24, 30)), "fp16").unexplained == int((A != B).sum())


def test_rounding_is_not_checked_unless_asked_for() -> None:
    """Where the sample's differences were no rounding, no value is held against a grid."""
    assert sums_of((A, dense(24, 30)), (B, dense(24, 30))).unexplained == 0


def test_values_that_are_not_finite_are_no_unexplained_difference() -> None:
    """They are left out of this count as of every other."""
    hollow = A.astype(np.float16)
    hollow[0, :5], hollow[1, :5] = np.nan, np.inf
    sums = sums_of((A, dense(24, 30)), (hollow, dense(24, 30)), "fp16")
    assert (sums.unexplained, sums.left_out) == (0, 10)


def test_values_that_are_not_finite_are_left_out() -> None:
    """NaN and infinities, in either side, are counted and nothing else."""
    first, second = A.copy(), B.copy()
    first[0, :3] = np.nan
    second[0, 2:5] = np.inf
    first[3, 3] = second[3, 3] = -np.inf
    numbers = numbers_of((first, dense(24, 30)), (second, dense(24, 30)))
    check(numbers, first, second)
    assert numbers.non_finite == 6


def test_nothing_finite() -> None:
    """All numbers are absent, the count is told."""
    hollow = np.full((24, 30), np.nan, np.float32)
    assert numbers_of((hollow, dense(24, 30)), (A, dense(24, 30))) == Numbers(0, 720, None, None, None, None)


def test_signalling_nan_is_left_out_like_any_other() -> None:
    """A pattern of bits that processors object to: no warning, no value."""
    codes = bf16(A)
    codes[0, 0] = 0x7F81
    numbers = numbers_of((codes, dense(24, 30)), (A, dense(24, 30)))
    assert (numbers.compared_values, numbers.non_finite) == (719, 1)


@pytest.mark.parametrize(("mean", "spread"), [(1.0, 0.02), (1.0, 1e-3), (1000.0, 1.0), (-50.0, 0.01)])
def test_values_far_from_zero(mean: float, spread: float) -> None:
    """Gains near one: what they have in common is taken off without losing what they have not."""
    first = (mean + spread * noise(4096)).astype(np.float32)
    second = (mean + spread * (noise(4096) + noise(4096, seed=1))).astype(np.float32)
    view = View(0, (), (), 4096, 1)
    numbers = numbers_of((first, view), (second, view))
    check(numbers, first, second)
    assert numbers.pearson == pytest.approx(np.sqrt(0.5), abs=0.02)


@pytest.mark.parametrize("scale", [1e-15, 1e15, 1e25])
def test_values_of_any_size(scale: float) -> None:
    """Squares that float32 cannot hold do not spoil the sums, nor warn."""
    first, second = (each * np.float32(scale) for each in (A, B))
    check(numbers_of((first, dense(24, 30)), (second, dense(24, 30))), first, second)


def test_constants_have_no_correlation() -> None:
    """Two constants are as parallel as can be and uncorrelated: None, not 1."""
    view = View(0, (), (), 500, 1)
    numbers = numbers_of((np.full(500, 0.1, np.float32), view), (np.full(500, 0.3, np.float32), view))
    assert numbers.pearson is None
    assert numbers.cosine == pytest.approx(1.0)


def test_equal_tensors_have_cosine_one_exactly() -> None:
    """A copy reads 1, not 0.9999999."""
    numbers = numbers_of((A, dense(24, 30)), (A.copy(), dense(24, 30)))
    assert (numbers.identical_fraction, numbers.cosine, numbers.pearson, numbers.max_abs_diff) == (1.0, 1.0, 1.0, 0.0)


def test_figures_of_a_pool_are_added_up() -> None:
    """One entry for all experts of a layer, another for the next pair."""
    experts = noise(6, 24, 30)
    pool = [(part_of("a", dense(24, 30, 720 * i)), part_of("b", dense(24, 30, 720 * i))) for i in range(6)]
    subject, reference = checkpoint_of({"a": experts}), checkpoint_of({"b": partly_equal(experts)})
    matched = [Matched(pool), Matched(pool[:1]), Matched([])]
    pooled, single, empty = measure_exactly(matched, subject, reference, ignore)
    check(pooled.numbers(), experts, partly_equal(experts))
    check(single.numbers(), experts[0], partly_equal(experts)[0])
    assert empty.numbers() == Numbers(0, 0, None, None, None, None)


def test_processes_change_nothing() -> None:
    """The same figures, bit by bit, with one thread and with several, and every time."""
    subject = checkpoint_of({f"{i}": noise(300, 1001, seed=i) for i in range(4)})
    reference = checkpoint_of({f"{i}": np.ascontiguousarray(noise(300, 1001, seed=i + 2).T) for i in range(4)})
    pairs = [Matched([(part_of(f"{i}", dense(300, 1001)), part_of(f"{i}", transposed(300, 1001)))]) for i in range(4)]
    found = [measure_exactly(pairs, subject, reference, ignore, Processes(count)) for count in (1, 2, 2, 5)]
    assert all(each == found[0] for each in found)


def test_progress_reaches_the_end() -> None:
    """Values done, never backwards, up to all there are."""
    told: list[tuple[int, int]] = []
    pairs = [Matched([(part_of("a", dense(24, 30)), part_of("a", dense(24, 30)))])] * 3
    checkpoint = checkpoint_of({"a": A})
    measure_exactly(pairs, checkpoint, checkpoint, lambda done, total: told.append((done, total)))
    assert told == [(720, 2160), (1440, 2160), (2160, 2160)]


def test_unreadable_bytes_are_an_error() -> None:
    """A failed read never looks like equality."""
    checkpoint = checkpoint_of({"a": A})
    cut = {name: content[:-1] for name, content in checkpoint.source.content.items()}  # type: ignore[attr-defined]
    pairs = [Matched([(part_of("a", dense(24, 30)), part_of("a", dense(24, 30)))])]
    with pytest.raises(ReadError):
        measure_exactly(pairs, checkpoint, replace(checkpoint, source=MemorySource(cut)), ignore)


def test_empty_tensors() -> None:
    """No values, no figures, no failure."""
    for view in (dense(0, 4), dense(3, 0), View(0, (), (), 0, 1)):
        empty = np.zeros(0, np.float32)
        assert numbers_of((empty, view), (empty, view)) == Numbers(0, 0, None, None, None, None)


def expert(number: int | None, rows: int = 4) -> Part:
    """A part of one expert."""
    return part_of(f"e{number}", dense(rows, 8), expert=number)


def test_parts_are_paired_by_expert() -> None:
    """Equal numbers of equal shapes meet; the others are left out."""
    pairs = pair_parts([expert(0), expert(2), expert(3)], [expert(3), expert(1), expert(2, rows=5), expert(0)])
    assert [(one.tensor, other.tensor) for one, other in pairs] == [("e0", "e0"), ("e3", "e3")]


def test_parts_without_experts_are_paired() -> None:
    """A tensor that stands alone meets its counterpart, where the shapes allow."""
    assert len(pair_parts([expert(None)], [expert(None)])) == 1
    assert pair_parts([expert(None)], [expert(None, rows=5)]) == []


def test_what_was_compared_before_is_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that are known already are not compared again, and the sums are the same to the last bit."""
    monkeypatch.setattr(exact, "TASK", exact.CHUNK)
    rows = 3 * exact.CHUNK // 512
    first = noise(rows, 512)
    subject, reference = (checkpoint_of({"a": values}) for values in (first, partly_equal(first)))
    pairs = [Matched([(part_of("a", dense(rows, 512)), part_of("a", dense(rows, 512)))])]
    expected = measure_exactly(pairs, subject, reference, ignore)
    asked = iter([False, True])
    known = compare_until(lambda: next(asked), pairs, subject, reference)
    assert len(known) == 1
    assert measure_exactly(pairs, subject, reference, ignore, known=known) == expected
    assert compare_until(lambda: True, pairs, subject, reference) == {}
