"""The byte source for a model on the Hub: one commit, connected or from what an earlier run kept."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from huggingface_hub import constants, is_offline_mode

from independence_audit.checkpoint.sources.hub.cache import Cache, CachedBlocks
from independence_audit.checkpoint.sources.hub.fetch import HubFetcher
from independence_audit.checkpoint.sources.hub.hub_api import HubApi, hub_endpoint
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import Patience
from independence_audit.checkpoint.sources.hub.repository import Listing, keep_listing, kept_listing
from independence_audit.checkpoint.sources.range_requests import Block
from independence_audit.checkpoint.sources.remote import ReadBlock, RemoteSource
from independence_audit.checkpoint.tensors import State
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MissingError, ReadError

_GO_ONLINE = (
    "Run it once with the network (without --offline and HF_HUB_OFFLINE), or give the folder of a downloaded copy."
)


class HubSource(RemoteSource):
    """The files of a repository at one commit.

    Attributes:
        revision: The commit.
        digests: SHA-256 of the files that the Hub states one for, in hexadecimal by name: what it says, not what was
            computed here.
    """

    __slots__ = ("digests", "revision")

    def __init__(self, name: HubName, listing: Listing, read_block: ReadBlock) -> None:
        """Take the files of a listing; nothing is read.

        Args:
            name: The model as the user named it.
            listing: The repository's files.
            read_block: Reads one block.
        """
        super().__init__(str(name), {file: entry.size for file, entry in listing.files.items()}, read_block)
        self.revision = listing.commit
        self.digests: Mapping[str, str] = MappingProxyType(
            {file: entry.sha256 for file, entry in listing.files.items() if entry.sha256}
        )

    def states(self) -> Mapping[str, State]:
        """Size and digest of every file at the commit; the Hub states a SHA-256 for large ones only."""
        return {file: (size, self.digests.get(file)) for file, size in self.files().items()}


def open_hub_source(name: HubName, cache: Cache, patience: Patience, *, offline: bool) -> HubSource:
    """The source for a model on the Hub; its revision is resolved to a commit here, once.

    Args:
        name: The model and its revision.
        cache: Keeps what is read.
        patience: How failures that may pass are met.
        offline: Use only what is kept. ``HF_HUB_OFFLINE`` has the same effect.

    Raises:
        UsageError: ``HF_ENDPOINT`` is no address.
        MissingError: There is no such repository or revision, or, offline, nothing of it is kept.
        ReadError: The repository is gated, or the Hub cannot be reached.
        InputError: The cache cannot be written.
    """
    endpoint = hub_endpoint()
    if offline or is_offline_mode():
        listing = kept_listing(cache, endpoint, name)
        if listing is None:
            raise MissingError(f"{quoted(str(name))} was not read on this machine before.", _GO_ONLINE)
        read_block: ReadBlock = _not_kept
    else:
        timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
        api = HubApi(name, endpoint, patience, timeout)
        listing = api.listing()
        keep_listing(cache, endpoint, name, listing)
        read_block = HubFetcher(api, listing, patience, timeout)
    identities = {file: entry.identity for file, entry in listing.files.items()}
    return HubSource(name, listing, CachedBlocks(cache, identities, read_block))


def _not_kept(name: str, block: Block) -> bytes:
    """Refuse to read over the network."""
    raise ReadError(
        f"Bytes {block.start} to {block.stop} of {quoted(name)} were not read on this machine before.", _GO_ONLINE
    )
