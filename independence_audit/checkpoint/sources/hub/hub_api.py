"""Asks the Hub what a repository holds and where its files lie; the only module that knows the token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urljoin, urlsplit

import httpx2
from huggingface_hub import constants, get_token, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public by its documentation
    build_hf_headers,
    hf_raise_for_status,
)

from independence_audit.checkpoint.sources.hub.exchange import ask, refuse_inside
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import PassingError, Patience, UnconnectedError
from independence_audit.checkpoint.sources.hub.refusals import as_refusals
from independence_audit.checkpoint.sources.hub.repository import Listing, listing_of
from independence_audit.core.outside_names import quoted
from independence_audit.core.strict_json import parse_object
from independence_audit.core.version import __version__
from independence_audit.errors import ChangedError, ReadError, UsageError

_LIBRARY = "independence-audit"
_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 5
_COMMIT, _ETAG, _SIZE = "x-repo-commit", "x-linked-etag", "x-linked-size"
_CHANGED = "Run the audit again, or name a commit of the repository."
_UNREACHABLE = (
    "Check the network and its proxy settings; --offline reads what an earlier run kept, "
    "and a model that was downloaded is given by its folder."
)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a file's bytes are served for the moment."""

    url: str
    """May be signed, so that it expires and belongs into no message."""
    etag: str | None
    is_hub: bool
    """Whether that is the Hub itself, and not storage elsewhere."""


def hub_endpoint() -> str:
    """The address of the Hub: ``HF_ENDPOINT``, or the public one; without a slash at its end.

    Raises:
        UsageError: ``HF_ENDPOINT`` is no address.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
    try:
        _origin(endpoint)
    except ValueError as error:
        raise UsageError(
            f"HF_ENDPOINT is {quoted(endpoint)}, which is no address of a Hub.", "It begins with https://."
        ) from error
    return endpoint


class HubApi:
    """Questions to the Hub about one repository."""

    __slots__ = ("_headers", "_name", "_patience", "_timeout", "_token", "endpoint")

    def __init__(self, name: HubName, endpoint: str, patience: Patience, timeout: float) -> None:
        """Name the repository; nothing is asked yet.

        Args:
            name: The model and its revision.
            endpoint: The address of the Hub.
            patience: How failures that may pass are met.
            timeout: Seconds to wait for an answer.
        """
        self.endpoint = endpoint
        self._name = name
        self._patience = patience
        self._timeout = timeout
        self._token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
        self._headers = build_hf_headers(token=self._token or False, library_name=_LIBRARY, library_version=__version__)

    def listing(self) -> Listing:
        """The files of the repository, with the commit that its revision stands for now. One request.

        Raises:
            MissingError: There is no such repository or revision.
            ReadError: The Hub cannot be reached, refused, or answered with something else.
        """
        try:
            return self._patience.insist(self._ask_for_files)
        except PassingError as error:
            raise self._unreachable(error) from error

    def location(self, listing: Listing, file: str) -> Location:
        """Where a file of the listing is served, held against the listing. One request or a few.

        Raises:
            PassingError: The Hub is overloaded or the connection failed.
            MissingError: The file is not there.
            ReadError: The Hub refused, or has another file than it listed.
        """
        url = hf_hub_url(listing.repository, file, revision=listing.commit, endpoint=self.endpoint)
        with as_refusals(self._name, self.endpoint):
            answer = self._ask("HEAD", url)
        listed = listing.files[file]
        etag = _plain_etag(answer.headers.get(_ETAG) or answer.headers.get("etag"))
        size = answer.headers.get(_SIZE) or (None if answer.is_redirect else answer.headers.get("content-length"))
        is_same_kind = etag is not None and len(etag) == len(listed.identity)
        if (
            answer.headers.get(_COMMIT) not in {None, listing.commit}
            or size not in {None, str(listed.size)}
            or (is_same_kind and etag != listed.identity)
        ):
            raise changed(file, listing.repository)
        try:
            place = urljoin(str(answer.request.url), answer.headers.get("location") or "")
            location = Location(place, etag, _origin(place) == _origin(self.endpoint))
        except ValueError as error:
            raise self._strange_answer() from error
        refuse_inside(place, self.endpoint)
        return location

    def headers(self, location: Location) -> dict[str, str]:
        """The headers of a request for bytes; the token is among them only where the Hub itself serves."""
        headers = {"user-agent": f"{_LIBRARY}/{__version__}"}
        if location.is_hub and self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    def _ask_for_files(self) -> Listing:
        """One try to learn the commit and the files. A Hub that cannot be reached at all is not tried again."""
        revision = quote(self._name.revision, safe="")
        url = f"{self.endpoint}/api/models/{self._name.repository}/revision/{revision}?blobs=true"
        try:
            with as_refusals(self._name, self.endpoint):
                answer = self._ask("GET", url)
        except UnconnectedError as error:
            raise self._unreachable(error) from error
        try:
            if answer.status_code == HTTPStatus.OK:
                return listing_of(self._name.repository, parse_object(answer.content))
        except ValueError as error:
            raise self._strange_answer() from error
        raise self._strange_answer()

    def _ask(self, method: str, url: str) -> httpx2.Response:
        """An answer of the Hub itself: redirects within it are followed, as those of a repository that was renamed.

        Raises:
            HfHubHTTPError: The Hub refused.
            TooManyRedirects: It sends the request in circles.
        """
        for _ in range(_MOST_REDIRECTS):
            answer = ask(method, url, self._headers, self._timeout)
            hf_raise_for_status(answer)
            there = self._own_place(url, answer.headers.get("location", ""))
            if not answer.has_redirect_location or there is None:
                return answer
            url = there
        raise httpx2.TooManyRedirects(url)

    def _own_place(self, url: str, location: str) -> str | None:
        """Where a redirect leads within the Hub itself; None where it leads elsewhere, or nowhere."""
        try:
            there = urljoin(url, location)
            return there if _origin(there) == _origin(self.endpoint) else None
        except ValueError:
            return None

    def _unreachable(self, reason: PassingError) -> ReadError:
        """The error for a Hub that does not answer."""
        return ReadError(
            f"The Hub at {self.endpoint} could not be asked for {quoted(str(self._name))}: {reason}.", _UNREACHABLE
        )

    def _strange_answer(self) -> ReadError:
        """The error for an answer that no Hub gives, as portals of guest networks do."""
        return ReadError(
            f"{self.endpoint} did not answer as a Hub does when it was asked for {quoted(str(self._name))}.",
            "Check HF_ENDPOINT and the network's proxy settings.",
        )


def changed(file: str, repository: str) -> ChangedError:
    """The error for a file that is no longer the one that was listed."""
    return ChangedError(f"{quoted(file)} of {quoted(repository)} was changed while it was read.", _CHANGED)


def _plain_etag(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/").strip('"')


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address.

    Raises:
        ValueError: It has none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
