"""A checkpoint from any byte source."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint import Checkpoint, Layout, choose_layout, read_checkpoint
from independence_audit.errors import MalformedError
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.safetensors_files import entry, file_bytes


def shard(*names: str, **metadata: str) -> bytes:
    """A file with a tensor of one byte for each name."""
    header = {name: entry(i, i + 1) for i, name in enumerate(names)}
    return file_bytes({"__metadata__": metadata, **header}, bytes(len(names)))


def checkpoint_of(content: dict[str, bytes]) -> Checkpoint:
    """The checkpoint that these files make up."""
    source = MemorySource(content, "name")
    return read_checkpoint(source, choose_layout("name", source.files()))


def test_order_and_contents() -> None:
    """Tensors come by shard and offset, metadata are merged with the first shard's word, files have their sizes."""
    content = {
        "m-10-of-10.safetensors": shard("a", author="ten", extra="x"),
        **{f"m-{n}-of-10.safetensors": shard(f"z{n}", f"b{n}", author=f"{n}") for n in range(9, 0, -1)},
        "config.json": b'{"model_type": "llama"}',
    }
    checkpoint = checkpoint_of(content)
    order = [f"m-{n}-of-10.safetensors" for n in range(1, 11)]
    assert list(checkpoint.files.items()) == [(file, len(content[file])) for file in order]
    assert list(checkpoint.tensors) == [name for n in range(1, 10) for name in (f"z{n}", f"b{n}")] + ["a"]
    assert checkpoint.tensors["b2"].file == "m-2-of-10.safetensors"
    assert checkpoint.metadata == {"author": "1", "extra": "x"}
    assert checkpoint.config == {"model_type": "llama"}
    assert checkpoint.name == "name"
    assert checkpoint.notices == ()


def test_tensor_in_two_shards() -> None:
    """Two tensors of one name: no reader could say which one counts."""
    with pytest.raises(MalformedError, match=r"'x' is in 'a.safetensors' and again in 'b.safetensors'") as caught:
        checkpoint_of({"a.safetensors": shard("x"), "b.safetensors": shard("y", "x")})
    assert caught.value.hint


def test_no_tensors_at_all() -> None:
    """Files may be empty, a checkpoint may not."""
    assert checkpoint_of({"a.safetensors": shard(), "b.safetensors": shard("x")}).tensors.keys() == {"x"}
    with pytest.raises(MalformedError, match="'name' holds no tensors"):
        checkpoint_of({"a.safetensors": shard()})


def test_notices_from_everywhere() -> None:
    """What folder, index, config and headers have to say stands in one list."""
    content = {
        "model.safetensors.index.json": b'{"weight_map": {"x": "a.safetensors"}}',
        "other.safetensors.index.json": b"",
        "a.safetensors": shard("x", "<b>"),
        "unused.safetensors": b"never read",
        "config.json": b"broken",
    }
    checkpoint = checkpoint_of(content)
    assert [notice.key for notice in checkpoint.notices] == [
        "other_index",
        "not_in_index",
        "file_not_in_index",
        "broken_config",
        "hostile_name",
    ]
    assert checkpoint.notices[2].data == {"file": "unused.safetensors"}
    assert checkpoint.tensors.keys() == {"x", "<b>"}
    assert checkpoint.files.keys() == {"a.safetensors"}


def test_layout_without_config() -> None:
    """Without a config there is an empty one."""
    source = MemorySource({"a": shard("x")})
    assert read_checkpoint(source, Layout(("a",))).config == {}
