"""The index of a sharded checkpoint."""

from __future__ import annotations

import json

import pytest

from independence_audit.checkpoint import Notice, TensorInfo
from independence_audit.checkpoint.index import MAX_INDEX_BYTES, check_index, read_index, shards_of
from independence_audit.errors import MalformedError, UnsupportedError
from tests.checkpoint.memory_source import MemorySource


def read(content: bytes) -> dict[str, str]:
    """The weight map of an index with this content."""
    return read_index(MemorySource({"i": content}), "i")


def tensors(**files: str) -> dict[str, TensorInfo]:
    """Tensors by name, in the given files."""
    return {name: TensorInfo(name, "U8", (1,), file, 0, 1) for name, file in files.items()}


def test_weight_map() -> None:
    """Tensors with their shards, which come in natural order."""
    weight_map = {"x": "m-10.safetensors", "y": "m-2.safetensors", "z": "m-10.safetensors"}
    assert read(json.dumps({"metadata": {}, "weight_map": weight_map}).encode()) == weight_map
    assert shards_of(weight_map) == ["m-2.safetensors", "m-10.safetensors"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON"),
        (b"not json", "is not valid JSON"),
        (b"[]", "is not a JSON object"),
        (b"{}", "has no weight_map"),
        (b'{"weight_map": []}', "has no weight_map"),
        (b'{"weight_map": {}}', "has no weight_map"),
        (b'{"weight_map": {"a": 1}}', "names no shard for tensor 'a'"),
        (b'{"weight_map": {"a": "m.safetensors", "a": "n.safetensors"}}', "has the key 'a' twice"),
        (b'{"weight_map": ' * 50_000, "nested too deeply"),
        (b'{"weight_map": {"a": "m.json"}}', "'m.json', no safetensors file"),
        (b'{"weight_map": {"a": ""}}', "'', no safetensors file"),
    ],
)
def test_malformed_index(content: bytes, message: str) -> None:
    """A wrong index is refused by name, with a way out."""
    with pytest.raises(MalformedError, match=message) as caught:
        read(content)
    assert "'i'" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "shard",
    [
        "../other.safetensors",
        "/etc/x.safetensors",
        "sub/m.safetensors",
        "sub/../../m.safetensors",
        "..\\m.safetensors",
        "C:\\m.safetensors",
        "m\0.safetensors",
    ],
)
def test_path_out_of_the_folder(shard: str) -> None:
    """An index must not lead an auditor to other files of the machine."""
    with pytest.raises(MalformedError, match="points out of its folder"):
        read(json.dumps({"weight_map": {"a": shard}}).encode())


def test_index_of_pickles() -> None:
    """Shards that are pickles are refused as pickles."""
    with pytest.raises(UnsupportedError, match="pickle"):
        read(b'{"weight_map": {"a": "m.bin"}}')


def test_index_too_large() -> None:
    """An index beyond the limit is not read at all."""

    class Huge(MemorySource):
        """Announces more than it has."""

        def files(self) -> dict[str, int]:
            return {"i": MAX_INDEX_BYTES + 1}

    with pytest.raises(MalformedError, match="over 50,000,000 bytes"):
        read_index(Huge({}), "i")


def test_agreement() -> None:
    """Nothing is noticed where index and shards agree."""
    assert list(check_index({"a": "m", "b": "n"}, tensors(a="m", b="n"), "i")) == []


def test_tensor_in_no_shard() -> None:
    """A tensor that the index promises and no shard holds."""
    with pytest.raises(MalformedError, match="'b' of the index 'i' is in none of the shards"):
        check_index({"a": "m", "b": "m"}, tensors(a="m"), "i")


def test_tensor_in_another_shard() -> None:
    """A tensor that is not where the index says."""
    with pytest.raises(MalformedError, match="'a' is in 'n', not in 'm' as the index 'i' says"):
        check_index({"a": "m", "b": "n"}, tensors(a="n", b="n"), "i")


def test_tensors_that_the_index_leaves_out() -> None:
    """One notice per shard, with the first such tensor and their number."""
    notices = check_index({"a": "m"}, tensors(a="m", x="m", y="m", z="n"), "i")
    assert list(notices) == [
        Notice("not_in_index", {"file": "m", "count": 2, "tensor": "x"}),
        Notice("not_in_index", {"file": "n", "count": 1, "tensor": "z"}),
    ]
