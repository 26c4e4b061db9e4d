"""Opens a checkpoint by what a user calls it: a file, an index or a folder on this machine, or one elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from math import inf
from pathlib import Path

from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.layout import (
    CONFIG,
    VOCABULARIES,
    Layout,
    choose_layout,
    is_sidecar,
    single_file_layout,
)
from independence_audit.checkpoint.open_remote import (
    is_store_address,
    open_hub_checkpoint,
    open_object_store_checkpoint,
)
from independence_audit.checkpoint.packed import unpacked
from independence_audit.checkpoint.refused_formats import INDEX_SUFFIX, check_suffix
from independence_audit.checkpoint.sources.hub.hub_names import hub_page, is_hub_page, parse_hub_name
from independence_audit.checkpoint.sources.hub.patience import USUAL
from independence_audit.checkpoint.sources.local import LocalSource, display_name
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
