"""The reading plan."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.fingerprint.sampler import PUBLIC_SALT, Sampler, sampler_of

SAMPLERS = st.builds(
    Sampler,
    rows=st.integers(1, 40),
    values=st.integers(1, 3000),
    columns=st.integers(1, 60),
    segment=st.integers(1, 9),
    pool_rows=st.integers(1, 60),
    expert_reads=st.integers(1, 30),
    salt=st.binary(max_size=8),
)
SHAPES = st.tuples(st.integers(0, 300), st.integers(0, 100))
PUBLISHED_ROWS = [first + row for first in (41504, 46088, 18824, 41900) for row in range(4)]
PUBLISHED_WINDOW = (1453, 2477)
PUBLISHED_EXPERTS = [13, 17, 22, 29, 34, 39, 47, 51, 58, 77, 104, 106]
CHANGED: dict[str, Any] = {
    "rows": 17,
    "values": 9999,
    "columns": 512,
    "segment": 8,
    "pool_rows": 64,
    "expert_reads": 8,
    "router_rows": 3,
    "salt": b"secret",
}


@given(SAMPLERS, SHAPES, st.integers(1, 80))
def test_plan_lies_within_its_matrix(sampler: Sampler, shape: tuple[int, int], members: int) -> None:
    """Every row once, none beyond the matrix, and a window of columns of the width that was allowed."""
    rows, columns = shape
    plan = sampler.plan(rows, columns, members)
    assert len(np.unique(plan.rows)) == len(plan.rows)
    assert ((plan.rows >= 0) & (plan.rows < rows)).all()
    assert 0 <= plan.start <= plan.stop <= columns
    if rows > 1:
        assert plan.stop - plan.start == min(columns, sampler.columns)
        assert len(plan.rows) >= 1


@given(SAMPLERS, SHAPES, st.integers(1, 80))
def test_plans_repeat(sampler: Sampler, shape: tuple[int, int], members: int) -> None:
    """The same sampler plans the same, whoever asks: subject and reference, today and tomorrow."""
    one, other = sampler.plan(*shape, members), replace(sampler).plan(*shape, members)
    assert np.array_equal(one.rows, other.rows)
    assert (one.start, one.stop) == (other.start, other.stop)


def test_plan_is_the_published_one() -> None:
    """Published fingerprints rest on these very rows, columns and experts: a change here makes them worthless."""
    plan = Sampler().plan(50_000, 4096, 1)
    assert plan.rows.tolist() == PUBLISHED_ROWS
    assert (plan.start, plan.stop) == PUBLISHED_WINDOW
    assert Sampler().members(128, 138)[:12].tolist() == PUBLISHED_EXPERTS


@given(st.integers(2, 4000), st.integers(1, 400), st.integers(1, 400), SAMPLERS)
def test_small_samples_lie_within_larger_ones(height: int, few: int, more: int, sampler: Sampler) -> None:
    """Rows are chosen in one order: asking for more only adds."""
    few, more = sorted((few, more))
    narrow = replace(sampler, rows=few, values=1).plan(height, 10, 1).rows
    wide = replace(sampler, rows=more, values=1).plan(height, 10, 1).rows
    assert set(narrow) <= set(wide)
    if more < height:
        assert np.array_equal(wide[:few], narrow)


@given(st.integers(1, 2000), st.integers(1, 50), st.sampled_from([1, 4, 16]))
def test_count_of_rows(height: int, wanted: int, segment: int) -> None:
    """Exactly as many rows as asked for, or all there are."""
    plan = Sampler(rows=wanted, values=1, segment=segment).plan(height, 8, 1)
    assert len(plan.rows) == (min(wanted, height) if height > 1 else height)


def test_matrices_of_different_height_share_rows() -> None:
    """An extended vocabulary keeps most of its sampled rows; one of twice the height about half of them."""
    sampler = Sampler(rows=400)
    rows = {height: set(sampler.plan(height, 4096, 1).rows.tolist()) for height in (32_000, 32_064, 64_000)}
    assert len(rows[32_000] & rows[32_064]) > 380
    assert 130 < len(rows[32_000] & rows[64_000]) < 270


def test_rows_come_in_segments() -> None:
    """Adjacent rows are read together: one range request serves several."""
    rows = np.sort(Sampler(rows=64, values=1, segment=4).plan(10_000, 100, 1).rows).reshape(-1, 4)
    assert (rows[:, 0] % 4 == 0).all()
    assert (np.diff(rows, axis=1) == 1).all()


def test_rows_spread_over_the_matrix() -> None:
    """Every tenth of a tall matrix is seen."""
    rows = Sampler(rows=400).plan(10_000, 4096, 1).rows
    assert len(np.unique(rows // 1000)) == 10


def test_narrow_matrices_give_more_rows() -> None:
    """The number of values is kept, not the number of rows."""
    sampler = Sampler(rows=16, values=16_384)
    assert len(sampler.plan(5000, 1024, 1).rows) == 16
    assert len(sampler.plan(5000, 64, 1).rows) == 256
    assert len(sampler.plan(5000, 8192, 1).rows) == 16


@pytest.mark.parametrize(("members", "each"), [(2, 64), (8, 16), (21, 4), (24, 4), (40, 3)])
def test_experts_share_the_rows_of_a_pool(members: int, each: int) -> None:
    """The more experts are read, the fewer rows each gives; no more are read than a sample has room for."""
    assert len(Sampler(pool_rows=128).plan(1536, 4096, members).rows) == each


def test_every_expert_that_is_read_gives_a_row() -> None:
    """Also where there are more of them than rows."""
    assert len(Sampler(pool_rows=10, values=1, expert_reads=50).plan(1536, 4096, 50).rows) == 1


@given(SAMPLERS, st.integers(0, 300))
def test_experts_that_are_read(sampler: Sampler, count: int) -> None:
    """All of few, some of many, each once, in order, and always the same ones."""
    members = sampler.members(count)
    assert len(members) == min(count, sampler.expert_reads)
    assert (np.diff(members) > 0).all()
    assert ((members >= 0) & (members < count)).all()
    assert np.array_equal(members, replace(sampler).members(count))


def test_models_with_more_experts_share_some_that_are_read() -> None:
    """Twice the experts still have about half of those in common that are read; the salt chooses others."""
    few, many = (set(Sampler().members(count, 138).tolist()) for count in (128, 256))
    assert 4 <= len(few & many) < 21
    assert few != set(Sampler(salt=b"secret").members(128, 138).tolist())


@pytest.mark.parametrize("columns", [1, 1024, 1025, 200_000])
def test_vectors_are_taken_whole(columns: int) -> None:
    """A vector has one row, and every column of it counts."""
    plan = Sampler().plan(1, columns, 1)
    assert (plan.rows.tolist(), plan.start, plan.stop) == ([0], 0, columns)


@pytest.mark.parametrize("columns", [1, 63, 64])
def test_narrow_matrices_have_all_their_columns(columns: int) -> None:
    """A window is needed only where there are too many columns."""
    assert Sampler(columns=64).window(columns) == (0, columns)


def test_windows_depend_on_the_width_alone() -> None:
    """Matrices of one width are read in the same columns, whatever their height; widths differ."""
    sampler = Sampler(columns=64)
    plans = [sampler.plan(rows, 5000, members) for rows, members in [(2, 1), (900, 1), (900, 60)]]
    assert {(plan.start, plan.stop) for plan in plans} == {sampler.window(5000)}
    starts = {sampler.window(width)[0] / (width - 64) for width in range(4000, 4100)}
    assert min(starts) < 0.1
    assert max(starts) > 0.9


@given(st.integers(1, 3000), st.binary(max_size=8))
def test_windows_lie_within_the_width(width: int, salt: bytes) -> None:
    """The last column can be read as well."""
    start, stop = Sampler(columns=100, salt=salt).window(width)
    assert 0 <= start <= stop <= width
    assert stop - start == min(100, width)


def test_salt_changes_the_sample() -> None:
    """Who does not know the salt does not know which values will be read."""
    public, secret = Sampler(), Sampler(salt=b"a secret of at least sixteen bytes")
    one, other = public.plan(10_000, 4096, 1), secret.plan(10_000, 4096, 1)
    assert not set(one.rows) & set(other.rows)
    assert one.start != other.start


@pytest.mark.parametrize("field", [field.name for field in fields(Sampler)])
def test_name_tells_every_parameter(field: str) -> None:
    """Samples that may differ never bear one name."""
    changed = replace(Sampler(), **{field: CHANGED[field]})
    assert changed.name != Sampler().name
    assert changed.name == replace(Sampler(), **{field: CHANGED[field]}).name


def test_name_keeps_the_salt_secret() -> None:
    """A digest of the salt stands in the name, never the salt; the public one is called so."""
    name = Sampler(salt=b"secret").name
    assert "secret" not in name
    assert b"secret".hex() not in name
    assert Sampler(salt=PUBLIC_SALT).name.endswith("salt=public")


@given(st.integers(2, 3000), st.integers(1, 6000), st.binary(max_size=8), st.integers(1, 300), st.integers(1, 200))
def test_small_sample_lies_within_the_default_one(rows: int, columns: int, salt: bytes, count: int, pools: int) -> None:
    """Rows, columns and experts: so that fingerprints of both sizes can be compared in what both hold."""
    small, default = sampler_of("small", salt), sampler_of("default", salt)
    inner, outer = small.window(columns), default.window(columns)
    assert outer[0] <= inner[0] < inner[1] <= outer[1]
    assert set(small.members(count, pools)) <= set(default.members(count, pools))
    read = len(default.members(count, pools))
    assert set(small.plan(rows, columns, 1).rows) <= set(default.plan(rows, columns, 1).rows)
    few, many = small.plan(rows, columns, len(small.members(count, pools))), default.plan(rows, columns, read)
    fewer, more = sorted((set(few.rows.tolist()), set(many.rows.tolist())), key=len)
    assert fewer <= more


def test_routers_are_taken_with_all_rows() -> None:
    """Every expert's row, in the window of all matrices of the width; a huge router is sampled like any matrix."""
    plan = Sampler().plan(128, 4096, router=True)
    assert plan.rows.tolist() == list(range(128))
    assert (plan.start, plan.stop) == PUBLISHED_WINDOW
    assert len(Sampler().plan(513, 4096, router=True).rows) == 16


def test_experts_share_the_requests_of_all_layers() -> None:
    """All of them in a small model, some in a large one."""
    assert [len(Sampler().members(128, pools)) for pools in (1, 22, 23, 138, 10_000)] == [128, 128, 126, 21, 1]
