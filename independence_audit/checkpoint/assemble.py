"""Puts a checkpoint together: the headers of its files, its index and its config, from any byte source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock

from independence_audit.checkpoint.gguf import read_gguf_files
from independence_audit.checkpoint.header import KEY, MAX_TENSORS, Header, is_fingerprint, read_header
from independence_audit.checkpoint.index import check_index, read_index, shards_of
from independence_audit.checkpoint.layout import Layout, missing_shards
from independence_audit.checkpoint.refused_formats import GGUF_SUFFIX
from independence_audit.checkpoint.sidecars import read_config
from independence_audit.checkpoint.tensors import ByteSource, Checkpoint, Notice, TensorInfo
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MalformedError, MissingError

_READERS = 4
"""Headers read at the same time: one costs a round trip or two where the files are far away."""
_ONE_COPY = "Give the one file that is meant, or a folder that holds the weights once."


def read_checkpoint(source: ByteSource, layout: Layout) -> Checkpoint:
    """Read the headers, the index and the config of a checkpoint; no tensor is read.

    Args:
        source: Where the bytes come from; it has the files of the layout.
        layout: Which files are the checkpoint.

    Raises:
        MalformedError: A file contradicts itself, the index or another shard, or there is no tensor at all.
        MissingError: The index refers to a shard that is not there, or a folder holds nothing but fingerprints.
        UnsupportedError: A file is of a format that is refused.
        ReadError: Bytes could not be read.
    """
    weight_map = {} if layout.index is None else read_index(source, layout.index)
    shards = layout.weights if layout.index is None else shards_of(weight_map)
    _check_present(source, shards)
    read = _read_headers(source, shards)
    headers = read if layout.by_itself else _weights_of(source.name, read, layout)
    tensors = _merged_tensors(headers.values())
    if not tensors:
        raise MalformedError(
            f"{quoted(source.name)} holds no tensors.", "Give the file or folder that holds the weights."
        )
    notices = [*layout.notices, *(Notice("fingerprint_beside", {"file": file}) for file in read if file not in headers)]
    if layout.index is not None:
        notices += check_index(weight_map, tensors, layout.index)
        notices += [Notice("file_not_in_index", {"file": file}) for file in layout.weights if file not in headers]
    # What runs a GGUF file looks at nothing beside it.
    config: Mapping[str, object] = {key: one for each in headers.values() for key, one in each.config.items()}
    if layout.config is not None and not config:
        config, config_notices = read_config(source, layout.config)
        notices += config_notices
    for header in headers.values():
        notices += header.notices
    return Checkpoint(
        source=source,
        files={shard: source.files()[shard] for shard in headers},
        tensors=tensors,
        metadata=_merged_metadata(headers.values()),
        config=config,
        notices=tuple(notices),
        vocabulary=next((file for file in headers if headers[file].has_tokens), layout.vocabulary or ""),
        packed=tuple(packed for header in headers.values() for packed in header.packed),
        by_itself=layout.by_itself,
        is_fingerprint=layout.by_itself and any(KEY in header.metadata for header in headers.values()),
    )


def _weights_of(name: str, headers: Mapping[str, Header], layout: Layout) -> dict[str, Header]:
    """The headers of a folder's weights: fingerprints that lie beside them are none, unless the index names them.

    Raises:
        MissingError: There is nothing but fingerprints.
    """
    weights = {file: header for file, header in headers.items() if not is_fingerprint(header)}
    if not weights:
        raise MissingError(
            f"{quoted(name)} holds no weights but fingerprints: {', '.join(quoted(file) for file in headers)}.",
            "Name the fingerprint's file itself, or the folder that holds the weights.",
        )
    return dict(headers) if layout.index is not None else weights


def _read_headers(source: ByteSource, shards: Sequence[str]) -> dict[str, Header]:
    """The headers of all shards, in their order."""
    if all(shard.endswith(GGUF_SUFFIX) for shard in shards):
        return read_gguf_files(source, shards)
    with ThreadPoolExecutor(_READERS) as threads:
        read = partial(read_header, source, alone=Lock())
        return dict(zip(shards, threads.map(read, shards), strict=True))


def _check_present(source: ByteSource, shards: Iterable[str]) -> None:
    """Raise where the source lacks a shard."""
    missing = [shard for shard in shards if shard not in source.files()]
    if missing:
        raise missing_shards(source.name, missing, len(missing))


def _merged_tensors(headers: Iterable[Header]) -> dict[str, TensorInfo]:
    """The tensors of all shards by name; none may be in two."""
    tensors: dict[str, TensorInfo] = {}
    for header in headers:
        if len(tensors) + len(header.tensors) > 2 * MAX_TENSORS:
            raise MalformedError(f"There are over {2 * MAX_TENSORS:,} tensors, more than are read.", _ONE_COPY)
        for tensor in header.tensors:
            first = tensors.setdefault(tensor.name, tensor)
            if first is not tensor:
                raise MalformedError(
                    f"Tensor {quoted(tensor.name)} is in {quoted(first.file)} and again in {quoted(tensor.file)}.",
                    _ONE_COPY,
                )
    return tensors


def _merged_metadata(headers: Iterable[Header]) -> dict[str, str]:
    """The metadata of all shards; the first shard wins."""
    metadata: dict[str, str] = {}
    for header in headers:
        metadata = header.metadata | metadata
    return metadata
