"""Ranges inside files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.sources.range_requests import check_range
from independence_audit.errors import ReadError


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
