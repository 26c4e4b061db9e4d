"""Asks the Hub what a repository holds and where its files lie; the only module that knows the token."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from huggingface_hub import HfApi, ModelInfo, constants, get_hf_file_metadata, get_token, hf_hub_url

from independence_audit import __version__
from independence_audit.checkpoint.names import quoted
from independence_audit.checkpoint.sources.hub.errors import told
from independence_audit.checkpoint.sources.hub.listing import ListedFile, Listing
from independence_audit.checkpoint.sources.hub.names import HubName
from independence_audit.checkpoint.sources.hub.patience import PassingError, Patience, UnconnectedError
from independence_audit.errors import ChangedError, ReadError, UsageError

_LIBRARY = "independence-audit"
_PORTS = {"http": 80, "https": 443}
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

    __slots__ = ("_api", "_name", "_patience", "_timeout", "_token", "endpoint")

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
        self._api = HfApi(
            endpoint=endpoint, token=self._token or False, library_name=_LIBRARY, library_version=__version__
        )

    def listing(self) -> Listing:
        """The files of the repository, with the commit that its revision stands for now. One request.

        Raises:
            MissingError: There is no such repository or revision.
            ReadError: The Hub cannot be reached, refused, or answered with something else.
        """
        try:
            info = self._patience.insist(self._ask_for_files)
        except PassingError as error:
            raise self._unreachable(error) from error
        files = _listed(info)
        if not info.sha or files is None:
            raise self._strange_answer()
        return Listing(self._name.repository, info.sha, files)

    def location(self, listing: Listing, file: str) -> Location:
        """Where a file of the listing is served, held against the listing. One request or a few.

        Raises:
            PassingError: The Hub is overloaded or the connection failed.
            MissingError: The file is not there.
            ReadError: The Hub refused, or has another file than it listed.
        """
        url = hf_hub_url(listing.repository, file, revision=listing.commit, endpoint=self.endpoint)
        with told(self._name, self.endpoint):
            found = get_hf_file_metadata(
                url,
                token=self._token or False,
                timeout=self._timeout,
                library_name=_LIBRARY,
                library_version=__version__,
                endpoint=self.endpoint,
            )
        listed = listing.files[file]
        is_same_kind = found.etag is not None and len(found.etag) == len(listed.identity)
        if (
            found.commit_hash not in {None, listing.commit}
            or found.size not in {None, listed.size}
            or (is_same_kind and found.etag != listed.identity)
        ):
            raise changed(file, listing.repository)
        try:
            return Location(found.location, found.etag, _origin(found.location) == _origin(self.endpoint))
        except ValueError as error:
            raise self._strange_answer() from error

    def headers(self, location: Location) -> dict[str, str]:
        """The headers of a request for bytes; the token is among them only where the Hub itself serves."""
        headers = {"user-agent": f"{_LIBRARY}/{__version__}"}
        if location.is_hub and self._token:
            headers["authorization"] = f"Bearer {self._token}"
        return headers

    def _ask_for_files(self) -> ModelInfo:
        """One try to learn the commit and the files. A Hub that cannot be reached at all is not tried again."""
        try:
            with told(self._name, self.endpoint):
                return self._api.model_info(
                    self._name.repository, revision=self._name.revision, files_metadata=True, timeout=self._timeout
                )
        except UnconnectedError as error:
            raise self._unreachable(error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._strange_answer() from error

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


def _listed(info: ModelInfo) -> dict[str, ListedFile] | None:
    """The files by name as the Hub lists them; None where one lacks its size or digest."""
    files = {}
    for sibling in info.siblings or ():
        if sibling.lfs is not None:
            files[sibling.rfilename] = ListedFile(sibling.lfs.size, sibling.lfs.sha256, sibling.lfs.sha256)
        elif sibling.size is not None and sibling.blob_id:
            files[sibling.rfilename] = ListedFile(sibling.size, sibling.blob_id, "")
        else:
            return None
    return files


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address.

    Raises:
        ValueError: It has none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
