"""GGUF files as parts of a checkpoint: tensors under the model's names, the config and the tokens they carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from independence_audit.checkpoint.gguf.gguf_blocks import GgufBlocks
from independence_audit.checkpoint.gguf.gguf_config import TOKENS, config_of
from independence_audit.checkpoint.gguf.gguf_header import (
    GgufHeader,
    GgufTensor,
    Skipped,
    Value,
    read_gguf_header,
    read_gguf_value,
    read_texts,
)
from independence_audit.checkpoint.gguf.gguf_names import ARCHITECTURE, Meant, meant
from independence_audit.checkpoint.header import LARGE_HEADER, Header
from independence_audit.checkpoint.tensors import SMALLEST, ByteSource, Notice, TensorInfo
from independence_audit.core.outside_names import is_hostile, quoted
from independence_audit.errors import MissingError, UnsupportedError

_SPLIT = "split.no"
_TYPE = "general.type"
_NO_MODELS = {
    "adapter": (
        "an adapter, a change to another model's weights",
        "Merge it into its base (llama-export-lora of llama.cpp), and give the result.",
    ),
    "imatrix": ("an importance matrix, which holds no weights", "Give the model that it was measured on."),
}
"""What a file says it is that is no model, and the way out."""
_ENTRY_BYTES = 256
"""Of a tensor beside its own bytes: name, dimensions, type, offset and padding; real ones have some 90."""
_OF_TOKENS = (TOKENS, "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges")
"""Lists that are as long as the vocabulary, or a few times."""
_MERGES = 4
"""Entries of such a list for each row of the embeddings, at most; of merges there are up to two."""
_EMBEDDINGS = "token_embd.weight"
MOST_TOKEN_BYTES = 40_000_000


def read_gguf_files(source: ByteSource, files: Sequence[str]) -> dict[str, Header]:
    """The headers of the GGUF files of one checkpoint, in their order.

    Of files that a splitter cut, the first carries the metadata of all.

    Raises:
        MalformedError: A file is no GGUF file, is cut short, or its header contradicts itself.
        UnsupportedError: Its version, its byte order or the type of a tensor is not read, or it is no model.
        MissingError: The first of files that belong together is not there.
        ReadError: Bytes could not be read.
    """
    read = {file: read_gguf_header(source, file) for file in files}
    telling = next((header.metadata for header in read.values() if ARCHITECTURE in header.metadata), {})
    rows = sum(tensor.shape[0] for header in read.values() for tensor in header.tensors if tensor.name == _EMBEDDINGS)
    sizes = source.files()
    return {
        file: _header(file, header, telling)._replace(notices=_notices(file, header, sizes[file], rows))
        for file, header in read.items()
    }


def read_gguf_tokens(source: ByteSource, file: str) -> dict[str, int]:
    """Numbers of tokens as the tokenizer spells them; empty where the file holds none, or too many.

    Raises:
        InputError: The header cannot be read.
        ValueError: The tokens do not fill their place.
    """
    tokens = read_gguf_value(source, file, TOKENS)
    if not isinstance(tokens, Skipped) or tokens.end - tokens.start > MOST_TOKEN_BYTES:
        return {}
    return {token: number for number, token in enumerate(read_texts(source, file, tokens))}


def _notices(file: str, read: GgufHeader, size: int, rows: int) -> list[Notice]:
    """What a reader of the report should see: hostile names, and bytes in which a layer could be hidden.

    Args:
        file: The file's name.
        read: Its header.
        size: Its bytes.
        rows: Tokens of the model, whose spelling stands in the header.
    """
    notices = [Notice("hostile_name", {"tensor": one.name}) for one in read.tensors if is_hostile(one.name)]
    beside = size - sum(tensor.end - tensor.start for tensor in read.tensors)
    lists = [read.metadata.get(key) for key in _OF_TOKENS]
    tokens = sum(one.end - one.start for one in lists if isinstance(one, Skipped) and one.count <= _MERGES * rows)
    spare = beside - _ENTRY_BYTES * len(read.tensors) - tokens
    return [*notices, Notice(LARGE_HEADER, {"file": file, "bytes": spare})] if spare >= SMALLEST else notices


def _header(file: str, read: GgufHeader, telling: Mapping[str, Value]) -> Header:
    metadata = read.metadata
    no_model = _NO_MODELS.get(str(metadata.get(_TYPE)))
    if no_model:
        raise UnsupportedError(f"{quoted(file)} is {no_model[0]}.", no_model[1])
    if ARCHITECTURE not in metadata and metadata.get(_SPLIT, 0):
        if not telling:
            raise MissingError(
                f"{quoted(file)} is a later part of a GGUF model, and only the first says what it is of.",
                "Give the folder that holds all parts.",
            )
        metadata = telling
    known = meant(metadata, read.tensors)
    tensors, packed = [], []
    for tensor in read.tensors:
        info, blocks = _stored(file, tensor, known[tensor.name])
        tensors.append(info)
        packed += [blocks] if blocks else []
    texts = {
        key: value for key, value in read.metadata.items() if key.startswith("general.") and isinstance(value, str)
    }
    return Header(
        tensors,
        texts,
        [],
        tuple(packed),
        config_of(read.metadata, read.tensors),
        isinstance(read.metadata.get(TOKENS), Skipped),
    )


def _stored(file: str, tensor: GgufTensor, stands_for: Meant) -> tuple[TensorInfo, GgufBlocks | None]:
    """A tensor as its file stores it, and what it stands for where that is not the same."""
    if tensor.kind.is_plain and not (stands_for.heads or stands_for.added):
        return TensorInfo(stands_for.name, tensor.kind.name, tensor.shape, file, tensor.start, tensor.end), None
    size = tensor.end - tensor.start
    info = TensorInfo(stands_for.name, "U8", (size,), file, tensor.start, tensor.end)
    return info, GgufBlocks(
        stands_for.name, tensor.shape, info, tensor.kind, heads=stands_for.heads, added=stands_for.added
    )
