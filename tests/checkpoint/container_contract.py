"""What every container must do. Its tests subclass :class:`ContainerContract` and say how a file is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.checkpoint import Checkpoint, decode, open_named
from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.layout import choose_layout
from independence_audit.errors import CheckpointError, InputError
from tests.checkpoint.memory_source import MemorySource

TENSORS: Mapping[str, NDArray[Any]] = {
    "embedding.weight": np.arange(320, dtype=np.float32).reshape(10, 32),
    "half.weight": np.arange(64, dtype=np.float16).reshape(2, 32),
    "stack": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "norm": np.linspace(0, 1, 7, dtype=np.float32),
}


class ContainerContract:
    """Tests that hold for every container."""

    suffix = ""

    def write(self, path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Write these tensors, by the format's own library."""
        raise NotImplementedError

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """A file with ``TENSORS``."""
        path = tmp_path / f"model{self.suffix}"
        self.write(path, TENSORS)
        return path

    def opened(self, content: bytes, *, near: bool = True) -> Checkpoint:
        """A checkpoint of one file of these bytes."""
        source = MemorySource({f"m{self.suffix}": content}, near=near)
        return read_checkpoint(source, choose_layout("m", source.files()))

    def test_tensors_come_back(self, file: Path) -> None:
        """Names, shapes, types and values are those that were written."""
        checkpoint = open_named(str(file))
        assert set(checkpoint.tensors) == set(TENSORS)
        for name, meant in TENSORS.items():
            tensor = checkpoint.tensors[name]
            content = np.empty(tensor.end - tensor.start, np.uint8)
            checkpoint.source.read(tensor.file, tensor.start, content.data)
            assert (tensor.shape, tensor.dtype) == (meant.shape, {2: "F16", 4: "F32"}[meant.itemsize])
            np.testing.assert_array_equal(decode(content, tensor.dtype).reshape(tensor.shape), meant)
        checkpoint.source.close()

    def test_file_order(self, file: Path) -> None:
        """Tensors come by their place in the file, so that reading goes one way."""
        tensors = list(self.opened(file.read_bytes(), near=False).tensors.values())
        assert [tensor.start for tensor in tensors] == sorted(tensor.start for tensor in tensors)

    def test_every_length_is_one_answer(self, file: Path) -> None:
        """A file that was cut anywhere is refused, and so is one with something behind its end."""
        content = file.read_bytes()
        lengths = {*range(0, len(content) - 64, 37), len(content) - 64}
        for cut in (*(content[:length] for length in lengths), content + bytes(64)):
            with pytest.raises(CheckpointError) as caught:
                self.opened(cut)
            assert caught.value.hint

    def test_damage_is_an_error_of_the_tree(self, file: Path) -> None:
        """Whatever byte is changed, tensors lie within the file, or one sentence says why not."""
        content = file.read_bytes()

        @settings(max_examples=200, deadline=None, database=None)
        @given(st.integers(0, len(content) - 1), st.integers(0, 255))
        def holds(place: int, byte: int) -> None:
            damaged = bytearray(content)
            damaged[place] = byte
            with suppress(InputError):
                tensors = self.opened(bytes(damaged)).tensors.values()
                assert all(0 <= tensor.start <= tensor.end <= len(content) for tensor in tensors)

        holds()

    def test_two_files_with_one_tensor(self, file: Path) -> None:
        """A name that is in two files of a model is refused: nobody could tell which one is meant."""
        content = file.read_bytes()
        source = MemorySource({f"m-{number}-of-2{self.suffix}": content for number in (1, 2)})
        with pytest.raises(CheckpointError, match="and again in"):
            read_checkpoint(source, choose_layout("m", source.files()))
