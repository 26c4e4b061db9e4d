"""What every byte source must do. A source's tests subclass :class:`SourceContract` and give it two fixtures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import pytest

from independence_audit.checkpoint import ByteSource
from independence_audit.errors import ReadError

CONTENT = MappingProxyType(
    {
        "model.safetensors": bytes(number * number % 251 for number in range(200_000)),
        "config.json": b"{}",
        "empty.bin": b"",
    }
)
"""The files that the source under test must have."""
LARGE = "model.safetensors"
SHORT_BY = 1000
"""Bytes that ``short_source`` lacks at the end of the large file."""


def served_folder(root: Path) -> Path:
    """The files of ``CONTENT`` in a repository ``team/toy`` below a folder that is served."""
    folder = root / "team" / "toy"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


class SourceContract:
    """Tests that hold for every byte source."""

    @pytest.fixture
    def source(self) -> ByteSource:
        """A source with the files of ``CONTENT``."""
        raise NotImplementedError

    @pytest.fixture
    def short_source(self) -> ByteSource:
        """A source that announces the files of ``CONTENT``, whose large file turns out to end ``SHORT_BY`` early."""
        raise NotImplementedError

    def test_name_is_no_path_of_the_machine(self, source: ByteSource) -> None:
        """Reports name the source, so its name says nothing about the machine."""
        assert source.name
        assert not source.name.startswith(("/", "~"))

    def test_sizes_are_those_of_the_content(self, source: ByteSource) -> None:
        """Sizes are known before anything is read."""
        sizes = source.files()
        assert {name: sizes[name] for name in CONTENT} == {name: len(content) for name, content in CONTENT.items()}

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 1), (0, 8), (7, 4096), (65_535, 65_537), (199_999, 1), (0, 200_000)]
    )
    def test_read_fills_exactly(self, source: ByteSource, start: int, length: int) -> None:
        """A read fills the whole view, and not a byte around it."""
        buffer = bytearray(b"\xaa" * (length + 2))
        source.read(LARGE, start, memoryview(buffer)[1 : length + 1])
        assert buffer == b"\xaa" + CONTENT[LARGE][start : start + length] + b"\xaa"

    @pytest.mark.parametrize(("name", "start"), [(LARGE, 0), (LARGE, 200_000), ("empty.bin", 0)])
    def test_read_of_nothing(self, source: ByteSource, name: str, start: int) -> None:
        """No bytes can be read anywhere in a file, at its end too."""
        source.read(name, start, memoryview(bytearray()))

    @pytest.mark.parametrize(
        ("name", "start", "length"),
        [(LARGE, -1, 1), (LARGE, -8, 8), (LARGE, 200_000, 1), (LARGE, 199_999, 2), ("empty.bin", 0, 1)],
    )
    def test_range_outside_the_file(self, source: ByteSource, name: str, start: int, length: int) -> None:
        """What a file does not have cannot be read."""
        with pytest.raises(ReadError):
            source.read(name, start, memoryview(bytearray(length)))

    def test_unknown_file(self, source: ByteSource) -> None:
        """A file that the source does not list cannot be read."""
        with pytest.raises(ReadError):
            source.read("other.safetensors", 0, memoryview(bytearray(1)))

    def test_many_spans(self, source: ByteSource) -> None:
        """Spans in any order, overlapping, touching, far apart or empty are filled, and nothing around them."""
        places = [(150_000, 10), (5, 100), (105, 7), (50, 100), (0, 0), (199_000, 1000), (7, 190_000)]
        buffer = bytearray(b"\xaa" * sum(length + 1 for _, length in places))
        views, filled = [], 0
        for start, length in places:
            views.append((start, memoryview(buffer)[filled : filled + length]))
            filled += length + 1
        source.read_many(LARGE, views)
        assert buffer == b"".join(CONTENT[LARGE][start : start + length] + b"\xaa" for start, length in places)
        source.read_many(LARGE, [])

    def test_many_spans_of_which_one_fails(self, source: ByteSource) -> None:
        """One span outside the file is enough for an error."""
        with pytest.raises(ReadError):
            source.read_many(LARGE, [(0, memoryview(bytearray(9))), (199_999, memoryview(bytearray(2)))])

    def test_short_file(self, short_source: ByteSource) -> None:
        """A file that ends early is an error, never a buffer with old bytes at its end."""
        with pytest.raises(ReadError):
            short_source.read(LARGE, 0, memoryview(bytearray(len(CONTENT[LARGE]))))
        with pytest.raises(ReadError):
            short_source.read(LARGE, len(CONTENT[LARGE]) - SHORT_BY, memoryview(bytearray(SHORT_BY)))

    def test_reads_at_once(self, source: ByteSource) -> None:
        """Threads may read different ranges of the same file at the same time."""

        def is_right(start: int) -> bool:
            buffer = bytearray(777)
            source.read(LARGE, start, memoryview(buffer))
            return buffer == CONTENT[LARGE][start : start + 777]

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(is_right, range(0, 199_000, 1111)))

    def test_close_twice(self, source: ByteSource) -> None:
        """Closing is safe when nothing is open any more."""
        source.read(LARGE, 0, memoryview(bytearray(1)))
        source.close()
        source.close()
