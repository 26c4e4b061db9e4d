"""Joining spans into requests, and ranges inside files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.sources.range_requests import GAP, LARGEST, check_range, plan_blocks
from independence_audit.errors import ReadError

SPANS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 80)), max_size=12)


@given(spans=SPANS, gap=st.integers(0, 40), largest=st.integers(1, 90))
def test_every_wanted_byte_arrives(spans: list[tuple[int, int]], gap: int, largest: int) -> None:
    """What the blocks deliver is what slicing the file gives, for every span."""
    file = bytes(range(256)) + bytes(range(255, -1, -1))
    views = [bytearray(length) for _, length in spans]
    counts = [0] * len(spans)
    for block in plan_blocks(spans, gap, largest):
        kept = block.wanted_of(file[block.start : block.stop])
        for piece in block.pieces:
            views[piece.span][piece.into : piece.into + piece.length] = kept[piece.at : piece.at + piece.length]
            counts[piece.span] += piece.length
    assert views == [bytearray(file[start : start + length]) for start, length in spans]
    assert counts == [length for _, length in spans]


@given(spans=SPANS, gap=st.integers(0, 40), largest=st.integers(1, 90))
def test_blocks_are_small_and_no_wider_than_needed(spans: list[tuple[int, int]], gap: int, largest: int) -> None:
    """A block has no more bytes than allowed, begins and ends with wanted ones, and skips what is far apart."""
    for block in plan_blocks(spans, gap, largest):
        assert 0 < block.stop - block.start <= largest
        assert (block.start, block.stop) == (block.wanted[0][0], block.wanted[-1][1])
        holes = [after[0] - before[1] for before, after in zip(block.wanted, block.wanted[1:], strict=False)]
        assert all(0 < hole <= gap for hole in holes)
        kept = block.wanted_of(bytes(block.stop - block.start))
        assert len(kept) == sum(stop - start for start, stop in block.wanted)


@given(starts=st.lists(st.integers(0, 10_000), unique=True, max_size=20))
def test_order_does_not_matter(starts: list[int]) -> None:
    """The same spans make the same requests."""
    given_order = plan_blocks([(start, 3) for start in starts], 50, 500)
    ascending = plan_blocks([(start, 3) for start in sorted(starts)], 50, 500)
    assert [block.wanted for block in given_order] == [block.wanted for block in ascending]


def test_rows_of_a_matrix() -> None:
    """Rows that lie close share one request, rows far apart are read alone."""
    close = plan_blocks([(row * GAP // 2, 100) for row in range(16)])
    apart = plan_blocks([(row * GAP * 2, 100) for row in range(16)])
    assert (len(close), len(apart)) == (1, 16)
    assert all(block.stop - block.start == 100 for block in apart)


def test_long_span_is_cut() -> None:
    """A tensor of gigabytes is read in pieces that fit into memory."""
    blocks = plan_blocks([(5, 3 * LARGEST + 1)])
    assert [block.stop - block.start for block in blocks] == [LARGEST, LARGEST, LARGEST, 1]


@given(size=st.integers(0, 50), start=st.integers(-60, 60), length=st.integers(0, 60))
def test_range_is_accepted_where_slicing_gives_it_all(size: int, start: int, length: int) -> None:
    """A range is inside a file exactly where the file has a byte at each of its positions."""
    inside = start >= 0 and (start + length <= size)
    if inside:
        check_range({"file": size}, "file", start, length)
        assert len(bytes(size)[start : start + length]) == length
    else:
        with pytest.raises(ReadError, match="'file', which has"):
            check_range({"file": size}, "file", start, length)


def test_unknown_file() -> None:
    """A name that the source does not have is named in the message."""
    with pytest.raises(ReadError, match="no file 'b'"):
        check_range({"a": 1}, "b", 0, 1)
