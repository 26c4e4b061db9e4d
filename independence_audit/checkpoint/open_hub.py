"""Opens a checkpoint on the Hugging Face Hub without downloading it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.layout import choose_layout
from independence_audit.checkpoint.model import Checkpoint
from independence_audit.checkpoint.sources.heads import HeadsFirst
from independence_audit.checkpoint.sources.hub.cache import Cache, cache_folder
from independence_audit.checkpoint.sources.hub.names import HubName
from independence_audit.checkpoint.sources.hub.patience import USUAL, Patience
from independence_audit.errors import UsageError

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
    from independence_audit.checkpoint.sources.hub.source import open_hub_source

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
