"""What was read from the Hub, kept on this machine by content, so that a second run needs no network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import platformdirs

from independence_audit.checkpoint.sources.range_requests import Block
from independence_audit.checkpoint.sources.remote import ReadBlock
from independence_audit.core.atomic import replacing
from independence_audit.errors import InputError, UsageError

VARIABLE = "AUDIT_CACHE"
"""Names the folder of the cache where the system's usual one will not do."""

LIMIT_VARIABLE = "AUDIT_CACHE_GB"
"""Names how many gigabytes (10^9 bytes) the cache may hold."""

LIMIT = 10 * 10**9
"""Bytes that the cache may hold unless told otherwise: the samples of some hundred models."""

SWEEPS = 16
"""Looked through whenever another 1/16 of the limit has been kept: looking costs a scan over all files."""

_SEAL = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """The folder that ``AUDIT_CACHE`` names, or the system's usual one for this program."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("independence-audit")


def cache_limit() -> int:
    """The bytes that ``AUDIT_CACHE_GB`` allows, or the usual number.

    Raises:
        UsageError: What it says is no size.
    """
    said = os.environ.get(LIMIT_VARIABLE, "")
    if not said:
        return LIMIT
    try:
        size = float(said) * 1e9
    except ValueError:
        size = -1.0
    if not 0.0 <= size < 1e18:  # noqa: PLR2004  more than any disk; NaN is no size either
        raise UsageError(f"{LIMIT_VARIABLE}={said!r} is no size.", "Give a number of gigabytes, such as 10.")
    return int(size)


class Cache:
    """Contents by key, one file each: a SHA-256 of key and content, then the content.

    Beyond its limit, what was not used for the longest time is dropped.
    """

    __slots__ = ("_folder", "_limit", "_unswept")

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        """Name the folder; it is made when something is kept.

        Args:
            folder: Where contents are kept.
            limit: Bytes that it may hold; None for :func:`cache_limit`.

        Raises:
            UsageError: The limit that the environment names is no size.
        """
        self._folder = folder
        self._limit = cache_limit() if limit is None else limit
        self._unswept = self._limit  # other runs may have left more than is allowed: the first save looks

    def load(self, key: str) -> bytes | None:
        """What is kept under a key; a file that is damaged is dropped, as if it had never been."""
        place = self._place(key)
        try:
            sealed = place.read_bytes()
        except OSError:
            return None
        content = sealed[_SEAL:]
        if sealed[:_SEAL] == _seal(key, content):
            with suppress(OSError):
                os.utime(place)  # used now: dropped later than others
            return content
        with suppress(OSError):
            place.unlink()
        return None

    def save(self, key: str, content: bytes) -> None:
        """Keep a content under a key, whole or not at all.

        Raises:
            InputError: The folder cannot be written, or its disk is full.
        """
        place = self._place(key)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with replacing(place, durable=False) as file:  # what a power cut leaves half has a seal that is wrong
                file.write(_seal(key, content))
                file.write(content)
        except OSError as error:
            raise InputError(
                f"The cache of what is read from the Hub could not be written: {error.strerror}.",
                f"Free space, or set {VARIABLE} to a folder on another disk.",
            ) from error
        self._unswept += len(content)
        if self._unswept > self._limit // SWEEPS:
            self._unswept = 0
            self._drop_oldest(place)

    def _drop_oldest(self, newest: Path) -> None:
        """Drop what was not used for the longest time until the limit is kept; never what was just saved."""
        found = []
        for place in (self._folder / "hub").glob("*/*"):
            with suppress(OSError):  # another run may drop it at the same time
                status = place.stat()
                found.append((status.st_mtime_ns, status.st_size, place))
        held = sum(size for _, size, _ in found)
        for _, size, place in sorted(found):
            if held <= self._limit:
                break
            if place != newest:
                with suppress(OSError):
                    place.unlink()
                held -= size

    def _place(self, key: str) -> Path:
        """The file of a key."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._folder / "hub" / digest[:2] / digest


class CachedBlocks:
    """Reads blocks through the cache: what is kept is not asked for again."""

    __slots__ = ("_cache", "_identities", "_read_block")

    def __init__(self, cache: Cache, identities: Mapping[str, str], read_block: ReadBlock) -> None:
        """Combine a cache and a reader.

        Args:
            cache: Where blocks are kept.
            identities: For every file a digest of its whole content.
            read_block: Reads what is not kept.
        """
        self._cache = cache
        self._identities = identities
        self._read_block = read_block

    def __call__(self, name: str, block: Block) -> bytes:
        """The wanted bytes of a block.

        Raises:
            ReadError: They are not kept and could not be read.
            InputError: They could not be kept.
        """
        ranges = ",".join(f"{start}-{stop}" for start, stop in block.wanted)
        key = f"bytes/{self._identities[name]}/{ranges}"
        kept = self._cache.load(key)
        if kept is None:
            kept = self._read_block(name, block)
            self._cache.save(key, kept)
        return kept


def _seal(key: str, content: bytes) -> bytes:
    """The digest that a kept content must have."""
    digest = hashlib.sha256(key.encode() + b"\0")
    digest.update(content)
    return digest.digest()
