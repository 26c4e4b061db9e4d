"""The index of a sharded checkpoint: which tensor lies in which shard, held against what the shards say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from independence_audit.checkpoint.refused_formats import WEIGHTS_SUFFIX, check_suffix
from independence_audit.checkpoint.sidecars import file_bytes
from independence_audit.checkpoint.tensors import ByteSource, Notice, TensorInfo
from independence_audit.core.outside_names import natural_key, quoted
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import MalformedError

MAX_INDEX_BYTES = 50_000_000
"""The largest index that is read; one of 210,000 tensors, of a thousand billion parameters, has 25 million."""
MOST_ENTRIES = 1_000_000
"""Values of an index, at most: one a tensor."""

_HINT = "Export the weights again, or remove the index so that all shards of the folder are read."


def read_index(source: ByteSource, file: str) -> dict[str, str]:
    """The shard of every tensor, as the index says.

    Raises:
        MalformedError: The index is too large, no JSON, without a weight map, or points outside its folder.
        UnsupportedError: It points to files of a format that is refused.
        ReadError: It could not be read.
    """
    if source.files()[file] > MAX_INDEX_BYTES:
        raise MalformedError(f"The index {quoted(file)} has over {MAX_INDEX_BYTES:,} bytes.", _HINT)
    try:
        weight_map = parse_object(file_bytes(source, file), most_values=MOST_ENTRIES).get("weight_map")
    except JsonError as error:
        raise MalformedError(f"The index {quoted(file)} {error}.", _HINT) from error
    if not isinstance(weight_map, dict) or not weight_map:
        raise MalformedError(f"The index {quoted(file)} has no weight_map.", _HINT)
    for tensor, shard in weight_map.items():
        if not isinstance(shard, str):
            raise MalformedError(f"The index {quoted(file)} names no shard for tensor {quoted(tensor)}.", _HINT)
    for shard in shards_of(weight_map):
        _check_shard_name(shard, file)
    return weight_map


def shards_of(weight_map: Mapping[str, str]) -> list[str]:
    """The shards that an index refers to, in natural order."""
    return sorted(set(weight_map.values()), key=natural_key)


def check_index(weight_map: Mapping[str, str], tensors: Mapping[str, TensorInfo], file: str) -> Iterator[Notice]:
    """Hold an index against the tensors of its shards; yields a notice per shard with tensors that it leaves out.

    Raises:
        MalformedError: A tensor of the index is in no shard, or in another one than the index says.
    """
    for name, shard in weight_map.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise MalformedError(f"Tensor {quoted(name)} of the index {quoted(file)} is in none of the shards.", _HINT)
        if tensor.file != shard:
            raise MalformedError(
                f"Tensor {quoted(name)} is in {quoted(tensor.file)}, "
                f"not in {quoted(shard)} as the index {quoted(file)} says.",
                _HINT,
            )
    return _left_out(weight_map, tensors)


def _left_out(weight_map: Mapping[str, str], tensors: Mapping[str, TensorInfo]) -> Iterator[Notice]:
    """A notice for each shard that holds tensors which the index does not name, with the first of them."""
    unnamed = [tensor for name, tensor in tensors.items() if name not in weight_map]
    first = {tensor.file: tensor.name for tensor in reversed(unnamed)}
    for shard, count in Counter(tensor.file for tensor in unnamed).items():
        yield Notice("not_in_index", {"file": shard, "count": count, "tensor": first[shard]})


def _check_shard_name(shard: str, file: str) -> None:
    """Raise unless a shard's name is that of a safetensors file in the index's own folder."""
    if "/" in shard or "\\" in shard or "\0" in shard:
        raise MalformedError(f"The index {quoted(file)} points out of its folder, to {quoted(shard)}.", _HINT)
    check_suffix(shard)
    if not shard.endswith(WEIGHTS_SUFFIX):
        raise MalformedError(f"The index {quoted(file)} points to {quoted(shard)}, no safetensors file.", _HINT)
