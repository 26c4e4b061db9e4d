"""Opens a checkpoint by what a user calls it: a file, an index or a folder on this machine, or one elsewhere.

Opens a checkpoint on the Hugging Face Hub without downloading it.

Opens a checkpoint in an object store or on a web server without downloading it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from urllib.parse import unquote, urlsplit

from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.index import read_index, shards_of
from independence_audit.checkpoint.layout import (
    CONFIG,
    VOCABULARIES,
    Layout,
    choose_layout,
    is_sidecar,
    single_file_layout,
)
from independence_audit.checkpoint.packed import unpacked
from independence_audit.checkpoint.refused_formats import INDEX_SUFFIX, WEIGHTS_SUFFIX, check_suffix
from independence_audit.checkpoint.sources.hub.cache import Cache, cache_folder
from independence_audit.checkpoint.sources.hub.hub_names import HubName, hub_page, is_hub_page, parse_hub_name
from independence_audit.checkpoint.sources.hub.refusals import USUAL, Patience
from independence_audit.checkpoint.sources.local import LocalSource, display_name
from independence_audit.checkpoint.sources.object_store import (
    ObjectStoreSource,
    connect,
    listed_source,
    named_source,
)
from independence_audit.checkpoint.sources.remote import HeadsFirst
from independence_audit.checkpoint.tensors import Checkpoint
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MissingError, ReadError, UsageError


def open_named(text: str, *, offline: bool = False, until: float = inf) -> Checkpoint:
    """Open what a user names: a path, a model on the Hub, or an address of an object store or web server.

    What lies on this machine under that name goes before the Hub; ``hf://`` always means the Hub. Weights that a
    quantiser packed come as the tensors they stand for.

    Args:
        text: A path, ``owner/name[@revision]``, ``hf://owner/name[@revision]``, the address of the model's page on the
            Hub, or an address with s3, gs, az, https.
        offline: Use no network: of the Hub only what an earlier run kept.
        until: The moment, by the monotonic clock, after which nothing is asked of the Hub any more.

    Raises:
        InputError: As :func:`open_checkpoint`, :func:`open_hub_checkpoint` and :func:`open_object_store_checkpoint`.
        UsageError: The name is malformed, or needs the network that must not be used.
    """
    name = hub_page(text)
    if name is None and is_store_address(text):
        if offline:
            raise UsageError(f"{quoted(text)} lies elsewhere, and the network is not to be used.", "Download it first.")
        return _unpacked(open_object_store_checkpoint(text))
    if name is None and not os.path.lexists(text):
        name = parse_hub_name(text)
    return _unpacked(
        open_checkpoint(text)
        if name is None
        else open_hub_checkpoint(name, offline=offline, patience=replace(USUAL, until=until))
    )


def _unpacked(stored: Checkpoint) -> Checkpoint:
    """The checkpoint with packed weights worked out; nothing stays open where that fails."""
    with ExitStack() as stack:
        stack.callback(stored.source.close)
        checkpoint = unpacked(stored)
        stack.pop_all()
    return checkpoint


def open_checkpoint(path: str | Path) -> Checkpoint:
    """Open a checkpoint: a safetensors file, an index of shards, or a folder with either.

    Nothing but headers, the index and ``config.json`` is read. The checkpoint's source stays open; close it when the
    tensors have been read.

    Raises:
        MissingError: There is no such file or folder, no weights in it, or a shard is missing.
        UnsupportedError: The weights are in a format that is refused, such as a pickle.
        MalformedError: A file is no safetensors file, is damaged or contradicts itself or the index.
        ReadError: The system could not read it.
    """
    place = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links, and a name is what was given
    try:
        is_folder = stat.S_ISDIR(os.stat(place).st_mode)  # noqa: PTH116 - Path.is_dir() hides why it fails
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"There is no file or folder {quoted(str(path))}.", "Check the path.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no possible path"
        raise ReadError(f"{quoted(str(path))} could not be looked at: {reason}.") from error
    if is_folder:
        return _open_folder(place, _entries(place))
    check_suffix(place.name)
    if place.name.endswith(INDEX_SUFFIX):
        others = [entry for entry in _entries(place.parent) if not entry.endswith(INDEX_SUFFIX)]
        return _open_folder(place.parent, [place.name, *others])
    beside = [file for file in (CONFIG, *VOCABULARIES) if (place.parent / file).is_file()]
    return _open(place.parent, single_file_layout(place.name, beside), place.name)


def _open_folder(folder: Path, entries: Iterable[str]) -> Checkpoint:
    """Open the checkpoint that a folder's entries make up."""
    return _open(folder, choose_layout(display_name(folder.name), entries), folder.name)


def _open(root: Path, layout: Layout, name: str) -> Checkpoint:
    """Open the files of a layout; none stays open where that fails."""
    wanted = [*layout.weights, *filter(None, (layout.index, layout.config, layout.vocabulary))]
    with ExitStack() as stack:
        source = LocalSource(root, wanted, display_name(name))
        stack.callback(source.close)
        checkpoint = read_checkpoint(source, layout)
        stack.pop_all()
    return checkpoint


def _entries(folder: Path) -> list[str]:
    """What a folder holds; subfolders end in a slash. What is looked at beside weights and is no file is not there."""
    try:
        with os.scandir(folder) as found:
            entries = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in found]
    except OSError as error:
        raise ReadError(f"The folder {quoted(folder.name)} could not be listed: {error.strerror}.") from error
    return [entry for entry in entries if not is_sidecar(entry) or (folder / entry).is_file()]


def is_remote_name(text: str) -> bool:
    """Whether a text has the form of a name that lies elsewhere: on the Hub, in an object store, on a web server."""
    return is_hub_page(text) or is_store_address(text) or parse_hub_name(text) is not None


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
        if last.endswith((WEIGHTS_SUFFIX, INDEX_SUFFIX)):
            source, layout = _given_by_file(folder, unquote(last), allow_http=allow_http)
        elif parts.scheme in {"http", "https"}:
            raise UsageError(
                f"{quoted(url)} is no address of a safetensors file or an index, and web servers do not list folders.",
                f"Give the address of the file that ends in {INDEX_SUFFIX} or {WEIGHTS_SUFFIX}.",
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
