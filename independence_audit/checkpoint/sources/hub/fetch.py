"""Fetches ranges of a repository's files, each answer held against what was asked for and what was listed.

A server, or a proxy before it, may ignore ``Range`` and send the whole file, or end its answer early; libraries take
such bytes for the wanted ones. Nothing passes here unless status, ``Content-Range`` with total, length and ETag agree.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from independence_audit.checkpoint.sources.hub.exchange import exchange, refuse_compressed
from independence_audit.checkpoint.sources.hub.hub_api import HubApi, Location, changed
from independence_audit.checkpoint.sources.hub.patience import PassingError, Patience
from independence_audit.checkpoint.sources.hub.refusals import raise_if_passing
from independence_audit.checkpoint.sources.hub.repository import Listing
from independence_audit.checkpoint.sources.range_requests import Block
from independence_audit.core.outside_names import quoted
from independence_audit.errors import ReadError

if TYPE_CHECKING:
    import httpx2

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)
_REFUSED = frozenset({400, 401, 403, 404, 410})
"""How storages answer where a signed address has expired."""
_DOWNLOAD = "Download the model and give its folder."


class _ExpiredError(Exception):
    """The address is not served any more."""


class _Address:
    """Where a file is served, and the ETag that its bytes have there."""

    __slots__ = ("etag", "location")

    def __init__(self, location: Location, before: _Address | None = None) -> None:
        self.location = location
        # Storage has ETags of its own, another storage other ones; the Hub's are those that it listed.
        self.etag = location.etag if location.is_hub else None
        if (
            before is not None
            and self.etag is None
            and urlsplit(before.location.url).netloc == urlsplit(location.url).netloc
        ):
            self.etag = before.etag  # the same storage under a new address


class _RemoteFile:
    """One file of the repository, and where it is served for the moment."""

    __slots__ = ("address", "lock", "name", "size")

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.lock = Lock()
        self.address: _Address | None = None


class HubFetcher:
    """Reads blocks of a repository's files over the network. Reads may run in several threads at once."""

    __slots__ = ("_api", "_files", "_listing", "_patience", "_timeout")

    def __init__(self, api: HubApi, listing: Listing, patience: Patience, timeout: float) -> None:
        """Take the listing; nothing is asked yet.

        Args:
            api: Says where files are served.
            listing: The files.
            patience: How failures that may pass are met.
            timeout: Seconds without a byte after which a connection counts as broken.
        """
        self._api = api
        self._listing = listing
        self._patience = patience
        self._timeout = timeout
        self._files = {name: _RemoteFile(name, file.size) for name, file in listing.files.items()}

    def __call__(self, name: str, block: Block) -> bytes:
        """The wanted bytes of a block.

        Raises:
            ReadError: They could not be fetched and verified.
            MissingError: The file is not there.
        """
        file = self._files[name]
        try:
            return block.wanted_of(self._patience.insist(lambda: self._try(file, block.start, block.stop)))
        except PassingError as error:
            raise ReadError(
                f"{quoted(name)} of {quoted(self._listing.repository)} could not be read: {error}, "
                f"{self._patience.tries} times in a row.",
                "Run the audit again later; what was read is kept.",
            ) from error

    def _try(self, file: _RemoteFile, start: int, stop: int) -> bytes:
        """One try to fetch a range; an address that has expired is asked for anew, once."""
        address = self._address(file, None)
        try:
            return self._get(file, address, start, stop)
        except _ExpiredError:
            address = self._address(file, address)
        try:
            return self._get(file, address, start, stop)
        except _ExpiredError as error:
            raise ReadError(
                f"{quoted(file.name)} of {quoted(self._listing.repository)} is refused {error}, "
                "also under a new address.",
                _DOWNLOAD,
            ) from error

    def _address(self, file: _RemoteFile, expired: _Address | None) -> _Address:
        """Where a file is served: as known, unless that has expired; threads that need it at once ask once."""
        with file.lock:
            if file.address is None or file.address is expired:
                location = self._api.location(self._listing, file.name)
                if file.address is not None and location.etag != file.address.location.etag:
                    raise changed(file.name, self._listing.repository)
                file.address = _Address(location, file.address)
            return file.address

    def _get(self, file: _RemoteFile, address: _Address, start: int, stop: int) -> bytes:
        """The bytes of one answer, which is exactly the one that was asked for."""
        is_whole = (start, stop) == (0, file.size)
        headers = self._api.headers(address.location)
        if not is_whole:
            headers["range"] = f"bytes={start}-{stop - 1}"

        def use(answer: httpx2.Response) -> bytes:
            self._check_status(answer, is_whole=is_whole, file=file)
            self._check_headers(answer, file, start, stop)
            self._check_etag(answer, file, address)
            return _body(answer, stop - start)

        return exchange("GET", address.location.url, headers, self._timeout, use, stop - start)

    def _check_status(self, answer: httpx2.Response, *, is_whole: bool, file: _RemoteFile) -> None:
        """Raise unless the status is that of the answer that was asked for."""
        status = answer.status_code
        raise_if_passing(status, answer.headers)
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise changed(file.name, self._listing.repository)
        if status in _REFUSED:
            raise _ExpiredError(f"with status {status}")
        if status == HTTPStatus.OK and not is_whole:
            raise ReadError(
                f"The server sent all of {quoted(file.name)} of {quoted(self._listing.repository)} "
                "where a part was asked for: it, or a proxy before it, ignores ranges.",
                _DOWNLOAD,
            )
        if status != (HTTPStatus.OK if is_whole else HTTPStatus.PARTIAL_CONTENT):
            raise ReadError(
                f"The request for {quoted(file.name)} of {quoted(self._listing.repository)} "
                f"was answered with status {status}.",
                _DOWNLOAD,
            )

    def _check_headers(self, answer: httpx2.Response, file: _RemoteFile, start: int, stop: int) -> None:
        """Raise unless the headers announce exactly the wanted bytes, of the file as it was listed."""
        refuse_compressed(answer)
        if answer.status_code == HTTPStatus.PARTIAL_CONTENT:
            announced = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
            if announced is None or (int(announced[1]), int(announced[2])) != (start, stop - 1):
                raise PassingError("other bytes came than were asked for")
            if int(announced[3]) != file.size:
                raise changed(file.name, self._listing.repository)
        if answer.headers.get("content-length", str(stop - start)) != str(stop - start):
            raise PassingError("fewer or more bytes were announced than asked for")

    def _check_etag(self, answer: httpx2.Response, file: _RemoteFile, address: _Address) -> None:
        """Raise where the ETag is another one than at this address before."""
        etag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
        if not etag:
            return
        with file.lock:
            if address.etag is None:
                address.etag = etag
            if address.etag != etag:
                raise changed(file.name, self._listing.repository)


def _body(answer: httpx2.Response, length: int) -> bytes:
    """All bytes of an answer; no more of them are taken than were asked for."""
    chunks: list[bytes] = []
    came = 0
    for chunk in answer.iter_raw():
        chunks.append(chunk)
        came += len(chunk)
        if came > length:
            break
    if came != length:
        raise PassingError("fewer or more bytes came than were asked for")
    return b"".join(chunks)
