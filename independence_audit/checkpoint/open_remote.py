"""Opens a checkpoint without downloading it: on the Hugging Face Hub, in an object store, or on a web server."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.index import read_index, shards_of
from independence_audit.checkpoint.layout import CONFIG, Layout, choose_layout, single_file_layout
from independence_audit.checkpoint.refused_formats import GGUF_SUFFIX, INDEX_SUFFIX, WEIGHTS_SUFFIX, check_suffix
from independence_audit.checkpoint.sources.hub.cache import Cache, cache_folder
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import USUAL, Patience
from independence_audit.checkpoint.sources.object_store import (
    ObjectStoreSource,
    connect,
    listed_source,
    named_source,
)
from independence_audit.checkpoint.sources.remote import HeadsFirst
from independence_audit.checkpoint.tensors import Checkpoint
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MissingError, UsageError

_SECONDS = ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT")
"""Variables that the Hub's library takes for whole numbers as it is imported."""


def open_hub_checkpoint(
    name: HubName, *, offline: bool = False, cache: Path | None = None, patience: Patience = USUAL
) -> Checkpoint:
    """Open a checkpoint on the Hub: its headers, index and config are read, and kept for a run without network.

    Args:
        name: The model and its revision.
        offline: Read only what is kept. ``HF_HUB_OFFLINE`` has the same effect.
        cache: The folder that keeps what is read; by default what ``AUDIT_CACHE`` names, or the system's usual one.
        patience: How failures that may pass are met.

    Returns:
        The checkpoint with its commit and the digests that the Hub states. Close its source when it has been read.

    Raises:
        MissingError: There is no such repository or revision, no weights in it, or, offline, nothing of it is kept.
        UnsupportedError: Its weights are in a format that is refused, such as a pickle.
        MalformedError: A file is damaged or contradicts itself or the index.
        ReadError: The repository is gated, the Hub cannot be reached, or bytes could not be read and verified.
        UsageError: ``HF_ENDPOINT`` is no address, or a timeout of the Hub's library no number.
        InputError: The cache cannot be written.
    """
    _check_seconds()
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # is looked at when the Hub's library is imported
    from independence_audit.checkpoint.sources.hub.hub_source import open_hub_source

    source = open_hub_source(name, Cache(cache or cache_folder()), patience, offline=offline)
    with ExitStack() as stack:
        stack.callback(source.close)
        checkpoint = read_checkpoint(HeadsFirst(source), choose_layout(name.repository, source.files()))
        stack.pop_all()
    digests = {file: source.digests[file] for file in checkpoint.files if file in source.digests}
    return replace(checkpoint, source=source, revision=source.revision, digests=digests)


def _check_seconds() -> None:
    for variable in _SECONDS:
        told = os.environ.get(variable, "0")
        try:
            int(told)
        except ValueError as error:
            raise UsageError(
                f"{variable}={told!r} is no number of seconds.", "Unset it, or give a whole number."
            ) from error


SCHEMES = ("s3", "gs", "az", "https")
"""What an address may begin with."""


def is_store_address(text: str) -> bool:
    """Whether a text is the address of an object store or a web server, by its beginning."""
    return text.startswith(tuple(f"{scheme}://" for scheme in SCHEMES))


def open_object_store_checkpoint(url: str, *, allow_http: bool = False) -> Checkpoint:
    """Open a checkpoint at an address: a safetensors file, an index of shards, or a folder with either.

    Web servers cannot be asked what a folder holds: there it has to be the address of a file or an index.

    Args:
        url: Such as ``s3://bucket/model`` or ``https://host/model/model.safetensors.index.json``.
        allow_http: Talk to web servers without encryption, too.

    Raises:
        UsageError: ``obstore`` is not installed, or the address is incomplete, signed or a web server's folder.
        MissingError: There is nothing at the address, or no weights.
        UnsupportedError: Its weights are in a format that is refused, or the server cannot deliver parts of files.
        MalformedError: A file is damaged or contradicts itself or the index.
        ReadError: Access was refused, or bytes could not be read and verified.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.password:
        raise UsageError(
            f"{quoted(f'{parts.scheme}://{parts.hostname}{parts.path}')} was given with a query or a password, "
            "which reports must not show.",
            "Give the address alone; credentials come from the environment.",
        )
    url = url.rstrip("/")
    folder, _, last = url.rpartition("/")
    check_suffix(last)
    with ExitStack() as stack:
        if last.endswith((WEIGHTS_SUFFIX, GGUF_SUFFIX, INDEX_SUFFIX)):
            source, layout = _given_by_file(folder, unquote(last), allow_http=allow_http)
        elif parts.scheme in {"http", "https"}:
            raise UsageError(
                f"{quoted(url)} is no address of a safetensors or GGUF file or of an index, and web servers do not "
                "list folders.",
                f"Give the address of the file that ends in {INDEX_SUFFIX}, {WEIGHTS_SUFFIX} or {GGUF_SUFFIX}.",
            )
        else:
            source = listed_source(connect(url), unquote(last))
            layout = choose_layout(source.name, source.files())
        stack.callback(source.close)
        checkpoint = read_checkpoint(HeadsFirst(source), layout)
        stack.pop_all()
    return replace(checkpoint, source=source)


def _given_by_file(folder: str, file: str, *, allow_http: bool) -> tuple[ObjectStoreSource, Layout]:
    """The source and the layout for a file that is given by its own address, or for the shards of an index."""
    store = connect(folder, allow_http=allow_http)
    source = named_source(store, [file], file)
    shards = shards_of(read_index(source, file)) if file.endswith(INDEX_SUFFIX) else [file]
    source = source.also(shards)
    with suppress(MissingError):
        source = source.also([CONFIG])
    if file.endswith(INDEX_SUFFIX):
        return source, Layout(tuple(shards), file, CONFIG if CONFIG in source.files() else None)
    return source, single_file_layout(file, source.files())
