"""Another file is the same where its bytes are, or where all of its tensors hold what was judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from independence_audit.checkpoint import read_header
from independence_audit.checkpoint.submission import same_content
from independence_audit.checkpoint.submission.same_content import Judged, same_bytes
from independence_audit.checkpoint.tensors import SMALLEST, Checkpoint
from independence_audit.errors import ReadError
from tests.checkpoint.memory_source import MemorySource

Arrays = Mapping[str, NDArray[Any]]

ROWS = np.random.default_rng(1).normal(0.0, 0.02, (40, 64)).astype(np.float32)
WEIGHTS: Arrays = {"w": ROWS, "b": ROWS[0].copy()}


def checkpoint_of(content: bytes) -> Checkpoint:
    """A checkpoint in one file."""
    source = MemorySource({"model.safetensors": content})
    tensors = {tensor.name: tensor for tensor in read_header(source, "model.safetensors").tensors}
    return Checkpoint(source, source.files(), tensors, {}, {})


def lacking(judged: bytes, other: bytes) -> int:
    """The bytes of another file that are nothing of what was judged."""
    source = MemorySource({"other": other})
    return Judged(checkpoint_of(judged)).lacks(source, read_header(source, "other").tensors)


def changed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values but one, which is the next larger number."""
    other = values.copy()
    other.flat[7] = np.nextafter(other.flat[7], np.float32(1))
    return other


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_files_of_the_same_bytes(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last one, however they are cut into pieces; a file that is longer is another one."""
    monkeypatch.setattr(same_content, "PIECE", piece)
    content = bytes(range(256)) * 3
    files = {"same": content, "last": content[:-1] + b"?", "longer": content + b"?", "empty": b"", "none": b""}
    first, second = MemorySource({"f": content, "empty": b""}), MemorySource(files)
    assert [same_bytes(first, "f", second, name) for name in files] == [True, False, False, False, False]
    assert same_bytes(first, "empty", second, "none")


@pytest.mark.parametrize("piece", [100, 512, 8 << 20])
def test_the_same_values_lack_nothing(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same names, other names, with the rows in another order, or only some of them."""
    monkeypatch.setattr(same_content, "PIECE", piece)
    order = np.random.default_rng(2).permutation(len(ROWS))
    for other in (WEIGHTS, {"v": ROWS, "c": WEIGHTS["b"]}, {"b": WEIGHTS["b"]}, {}):
        assert lacking(save(dict(WEIGHTS)), save(dict(other))) == 0
    assert (lacking(save(dict(WEIGHTS)), save({"w": ROWS[order]})) == 0) == (piece >= ROWS[0].nbytes)


@pytest.mark.parametrize(
    "other",
    [
        changed(ROWS),
        ROWS[:, ::-1].copy(),
        ROWS[:20].copy(),
        ROWS.ravel().copy(),
        np.concatenate([ROWS[:1], ROWS[:1], ROWS[2:]]),
        ROWS.astype(np.float64) + 1e-4,
        ROWS.view(np.int32).copy(),
    ],
    ids=["one value", "columns", "half of it", "another shape", "a row twice", "another type", "whole numbers"],
)
def test_other_values_are_lacking_in_full(other: NDArray[Any]) -> None:
    """All bytes of the tensor, and not those of another one that is judged."""
    assert lacking(save(dict(WEIGHTS)), save({"w": other, "b": WEIGHTS["b"]})) == other.nbytes


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision_is_the_same_up_to_its_rounding(dtype: torch.dtype) -> None:
    """Rounded from what was judged, or the other way round; infinities and gaps stand where they stood."""
    values = torch.from_numpy(
        np.concatenate([ROWS, [[1e-7, np.inf, -np.inf, np.nan, 0.0] + [1.0] * 59]]).astype(np.float32)
    )
    judged, rounded = save_torch({"w": values}), save_torch({"w": values.to(dtype)})
    assert lacking(judged, rounded) == lacking(rounded, judged) == 0
    shifted = values.to(dtype) * 1.02
    assert lacking(judged, save_torch({"w": shifted})) == shifted.nbytes
    filled = values.to(dtype).nan_to_num()
    assert lacking(judged, save_torch({"w": filled})) == filled.nbytes


def test_another_precision_under_another_name_is_not_looked_for() -> None:
    """Rounded values are held against those of their own name only."""
    half = ROWS.astype(np.float16)
    assert lacking(save(dict(WEIGHTS)), save({"v": half})) == half.nbytes


def test_no_more_is_counted_than_a_layer_needs() -> None:
    """Of a stranger's gigabytes the first are enough."""
    other = {str(number): np.full((256, 256), number, np.float32) for number in range(8)}
    assert SMALLEST <= lacking(save(dict(WEIGHTS)), save(other)) <= SMALLEST + 256 * 256 * 4


def test_what_cannot_be_read_is_an_error() -> None:
    """A judged file that is gone is not taken for one that holds something else."""
    content = save(dict(WEIGHTS))
    judged = Judged(checkpoint_of(content))
    assert sorted(judged.tensors()) == ["b", "w"]
    source = MemorySource({"other": content})
    tensors = read_header(source, "other").tensors
    source.content = {"other": content[:-1]}
    with pytest.raises(ReadError):
        judged.lacks(source, tensors)
