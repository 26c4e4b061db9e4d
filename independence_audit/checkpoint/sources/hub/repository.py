"""What a repository holds at one commit: its files with sizes and digests, as the Hub lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from independence_audit.checkpoint.sources.hub.cache import Cache
from independence_audit.checkpoint.sources.hub.hub_names import HubName

_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"[0-9a-f]{40,64}")
_MOST = 1 << 50
"""Bytes of a file; the Hub takes none of a hundredth of this."""


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


def listing_of(repository: str, described: Mapping[str, object]) -> Listing:
    """The files of a repository as the Hub describes it, held against what a description must be.

    Raises:
        ValueError: It is none: something is missing, of another type, impossible or there twice.
    """
    commit, siblings = described.get("sha"), described.get("siblings")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit) or not isinstance(siblings, list):
        raise ValueError(repository)
    files = dict(map(_listed, siblings))
    if len(files) < len(siblings):
        raise ValueError(repository)
    return Listing(repository, commit, files)


def _listed(sibling: object) -> tuple[str, ListedFile]:
    """One file of a description.

    Raises:
        ValueError: It lacks its name, size or digest.
    """
    entry = sibling if isinstance(sibling, dict) else {}
    name, lfs = entry.get("rfilename"), entry.get("lfs")
    if lfs is not None and not isinstance(lfs, dict):
        raise ValueError(name)
    digest = lfs.get("sha256") if lfs else entry.get("blobId")
    size = lfs.get("size") if lfs else entry.get("size")
    if not isinstance(name, str) or not name or not isinstance(digest, str):
        raise ValueError(name)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _MOST:
        raise ValueError(name)
    if not (_SHA256 if lfs else _DIGEST).fullmatch(digest):
        raise ValueError(name)
    return name, ListedFile(size, digest, digest if lfs else "")


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
