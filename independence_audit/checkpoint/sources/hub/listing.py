"""What a repository holds at one commit: its files with sizes and digests, as the Hub lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from independence_audit.checkpoint.sources.hub.cache import Cache
from independence_audit.checkpoint.sources.hub.names import HubName


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file of a repository."""

    size: int
    """In bytes."""
    identity: str
    """A digest of the content: SHA-256 of a large file, the Git object's SHA-1 of a small one; the Hub's ETag."""
    sha256: str
    """The SHA-256 where the Hub states it; empty for files that lie in Git itself."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at a commit."""

    repository: str
    commit: str
    files: Mapping[str, ListedFile]
    """By name; files in folders have slashes."""


def keep_listing(cache: Cache, endpoint: str, name: HubName, listing: Listing) -> None:
    """Remember a listing under the revision that was asked for and under its commit.

    Raises:
        InputError: The cache cannot be written.
    """
    content = json.dumps(asdict(listing)).encode()
    for revision in {name.revision, listing.commit}:
        cache.save(_key(endpoint, name.repository, revision), content)


def kept_listing(cache: Cache, endpoint: str, name: HubName) -> Listing | None:
    """The listing of the last run that reached the Hub for this name; None where there was none."""
    content = cache.load(_key(endpoint, name.repository, name.revision))
    if content is None:
        return None
    fields = json.loads(content)
    files = {file: ListedFile(**entry) for file, entry in fields.pop("files").items()}
    return Listing(**fields, files=files)


def _key(endpoint: str, repository: str, revision: str) -> str:
    """The cache's key of a listing; its number changes with the fields."""
    return f"listing/1/{endpoint}/{repository}/{revision}"
