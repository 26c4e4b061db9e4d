"""Reading in blocks."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources.range_requests import GAP, Block
from independence_audit.checkpoint.sources.remote import PARALLEL, RemoteSource
from independence_audit.errors import ReadError
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract

SIZES = {name: len(content) for name, content in CONTENT.items()}


def read_block(name: str, block: Block) -> bytes:
    """Blocks of the contract's files."""
    return block.wanted_of(CONTENT[name][block.start : block.stop])


def read_short(name: str, block: Block) -> bytes:
    """Blocks of a file that is shorter than announced."""
    if block.stop > SIZES[LARGE] - SHORT_BY:
        raise ReadError("It ended early.")
    return read_block(name, block)


class TestRemoteSource(SourceContract):
    @pytest.fixture
    def source(self) -> ByteSource:
        """Files that are somewhere else."""
        return RemoteSource("elsewhere", SIZES, read_block)

    @pytest.fixture
    def short_source(self) -> ByteSource:
        """Files of which one turns out short."""
        return RemoteSource("elsewhere", SIZES, read_short)


def test_few_blocks_at_once() -> None:
    """Distant spans are read at the same time, but never more than a few of them."""
    running, most = 0, 0
    lock = threading.Lock()
    met = threading.Barrier(PARALLEL, timeout=5)

    def read_slowly(_: str, block: Block) -> bytes:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        met.wait()
        with lock:
            running -= 1
        return bytes(block.stop - block.start)

    source = RemoteSource("elsewhere", {"file": 100 * GAP}, read_slowly)
    source.read_many("file", [(number * 2 * GAP, memoryview(bytearray(9))) for number in range(4 * PARALLEL)])
    assert most == PARALLEL


def test_arrays_are_filled() -> None:
    """Memory of any type can be filled."""
    values = np.zeros(500, np.float32)
    RemoteSource("elsewhere", SIZES, read_block).read(LARGE, 8, values.data)
    assert values.tobytes() == CONTENT[LARGE][8:2008]


def test_closed_source() -> None:
    """Nothing is read after closing."""
    source = RemoteSource("elsewhere", SIZES, read_block)
    source.close()
    with pytest.raises(ReadError, match="'elsewhere' is closed"):
        source.read(LARGE, 0, memoryview(bytearray(1)))
