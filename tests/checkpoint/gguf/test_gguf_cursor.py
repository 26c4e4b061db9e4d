"""A file's beginning is read step by step, in few requests, and never behind its end."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.gguf import gguf_cursor
from independence_audit.checkpoint.gguf.gguf_cursor import Cursor
from independence_audit.errors import MalformedError
from tests.checkpoint.gguf.gguf_files import text
from tests.checkpoint.memory_source import MemorySource


class Counting(MemorySource):
    """Files in memory that count what is asked of them."""

    asked: list[int]

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Copy bytes, and write down how many."""
        self.asked = [*getattr(self, "asked", []), into.nbytes]
        super().read(name, start, into)


@pytest.fixture(autouse=True)
def _small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_cursor, "FIRST", 16)
    monkeypatch.setattr(gguf_cursor, "LARGEST", 64)


@given(st.lists(st.tuples(st.sampled_from(["take", "skip", "texts"]), st.integers(0, 90)), max_size=12))
def test_every_step_is_where_it_should_be(steps: list[tuple[str, int]]) -> None:
    """Bytes taken, skipped and skipped as texts add up, however requests fall."""
    content, meant = b"", []
    for number, (step, count) in enumerate(steps):
        texts = b"".join(text(bytes(2 * each)) for each in range(count))
        piece = texts if step == "texts" else bytes([number]) * count
        content += piece
        meant.append(piece)
    cursor = Cursor(MemorySource({"f": content}), "f")
    for (step, count), piece in zip(steps, meant, strict=True):
        if step == "take":
            assert cursor.take(count) == piece
        elif step == "skip":
            cursor.skip(count)
        else:
            cursor.skip_texts(count)
    assert cursor.place == len(content)


def test_requests_grow() -> None:
    """Small reads share a request, and requests double up to a limit."""
    source = Counting({"f": struct.pack("<100I", *range(100))})
    cursor = Cursor(source, "f")
    assert [cursor.number("I") for _ in range(100)] == list(range(100))
    assert source.asked == [16, 32, 64, 64, 64, 64, 64, 32]


@pytest.mark.parametrize("count", [41, 2**63])
def test_nothing_lies_behind_the_end(count: int) -> None:
    """What is longer than the rest is refused before it is read, and before memory is asked for."""
    cursor = Cursor(Counting({"f": bytes(40)}), "f")
    for step in (cursor.take, cursor.skip, cursor.skip_texts):
        with pytest.raises(MalformedError, match="cut short"):
            step(count)


def test_texts_that_run_out() -> None:
    """The last text says that it is longer than the file."""
    cursor = Cursor(MemorySource({"f": text("a") + struct.pack("<Q", 2**64 - 1)}), "f")
    with pytest.raises(MalformedError, match="cut short"):
        cursor.skip_texts(2)


def test_headers_end_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No header of any length is read: a file of texts alone would be."""
    monkeypatch.setattr(gguf_cursor, "MOST", 100)
    cursor = Cursor(MemorySource({"f": bytes(200)}), "f")
    cursor.skip(90)
    with pytest.raises(MalformedError, match="more than are read"):
        cursor.take(20)
