"""A tensor's header and a checkpoint are values: what they say follows from what they are."""

from __future__ import annotations

import pickle

import pytest

from independence_audit.checkpoint.tensors import SMALLEST, WIDTH, Checkpoint, Notice, TensorInfo
from tests.checkpoint.memory_source import MemorySource


@pytest.mark.parametrize(
    ("shape", "size"), [((), 1), ((7,), 7), ((3, 4, 5), 60), ((3, 0, 5), 0), ((1 << 40, 1 << 40), 1 << 80)]
)
def test_a_tensor_has_as_many_values_as_its_shape_says(shape: tuple[int, ...], size: int) -> None:
    """A scalar has one, an empty one none; no number is too large to be told."""
    assert TensorInfo("w", "F32", shape, "model.safetensors", 0, 0).size == size


def test_tensors_are_compared_and_sent_as_values() -> None:
    """Another process gets an equal one; where its bytes lie and how they are packed is part of it."""
    tensor = TensorInfo("w", "F32", (2, 3), "model.safetensors", 8, 32, "nf4")
    assert pickle.loads(pickle.dumps(tensor)) == tensor  # noqa: S301  our own
    assert len({tensor, TensorInfo("w", "F32", (2, 3), "model.safetensors", 8, 32, "nf4")}) == 1
    assert tensor != TensorInfo("w", "F32", (2, 3), "model.safetensors", 8, 32)


def test_a_checkpoint_is_called_as_its_source() -> None:
    """Reports name a folder or a repository; what nobody said is empty, and shared by no two checkpoints."""
    one, other = (Checkpoint(MemorySource({}, name), {}, {}, {}, {}) for name in ("my-model", "team/toy"))
    assert (one.name, other.name) == ("my-model", "team/toy")
    assert (one.notices, one.digests, one.vocabulary, one.revision) == ((), {}, "", "")
    assert one.digests is not other.digests
    assert Notice("hostile_name").data is not Notice("hostile_name").data


def test_the_smallest_layer_is_smaller_than_any_published_one() -> None:
    """Four square matrices of attention and two of four widths, at two bits a value."""
    values = 4 * WIDTH * WIDTH + 2 * WIDTH * 4 * WIDTH
    assert values * 2 == SMALLEST * 8
