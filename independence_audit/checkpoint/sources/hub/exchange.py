"""One request to the Hub or its storage and its whole answer: within a size, within a time, and from nowhere else.

Answers are asked for uncompressed: a few bytes that are unpacked to gigabytes are refused by their header, and of those
that lie no more is read than could be an answer. Nothing is followed: whoever asks decides what a redirect means.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from threading import Event
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from huggingface_hub import get_session

from independence_audit.checkpoint.sources.deadline import LateError, request_seconds, within
from independence_audit.checkpoint.sources.hub.patience import PassingError
from independence_audit.checkpoint.sources.hub.refusals import broken_connection
from independence_audit.errors import ReadError

Result = TypeVar("Result")

LARGEST = 64 << 20
"""Bytes of an answer that describes: the list of a repository with 100,000 files has some 30 million."""
PLAIN = {"accept-encoding": "identity"}


def ask(method: str, url: str, headers: Mapping[str, str], timeout: float) -> httpx2.Response:
    """A whole small answer, whatever its status.

    Raises:
        PassingError: The connection failed, or the answer did not come in time.
        ReadError: The answer is larger than any that describes.
    """

    def whole(answer: httpx2.Response) -> httpx2.Response:
        refuse_compressed(answer)
        pieces, came = [], 0
        for piece in answer.iter_raw():
            came += len(piece)
            if came > LARGEST:
                raise ReadError(
                    f"{urlsplit(url).hostname} answered a question with over {LARGEST >> 20} MB.",
                    "Check HF_ENDPOINT and the network's proxy settings.",
                )
            pieces.append(piece)
        kept = [(name, value) for name, value in answer.headers.multi_items() if name != "transfer-encoding"]
        # A refusal is told by its status and headers; the Hub's library stumbles over a body that is no JSON object.
        content = b"" if answer.is_error else b"".join(pieces)
        return httpx2.Response(answer.status_code, headers=kept, content=content, request=answer.request)

    return exchange(method, url, headers, timeout, whole)


def exchange(  # noqa: PLR0913, PLR0917  a request and what it may cost
    method: str,
    url: str,
    headers: Mapping[str, str],
    timeout: float,
    use: Callable[[httpx2.Response], Result],
    size: int = 0,
) -> Result:
    """What is made of an answer while it comes.

    Args:
        method: ``GET`` or ``HEAD``.
        url: The address.
        headers: Of the request.
        timeout: Seconds without a byte after which the connection counts as broken.
        use: Makes it; what it raises is raised.
        size: Bytes that are asked for.

    Raises:
        PassingError: The connection failed, or the answer did not come in time.
    """

    def work(begun: Event) -> Result:
        with get_session().stream(
            method, url, headers={**headers, **PLAIN}, follow_redirects=False, timeout=timeout
        ) as answer:
            begun.set()
            return use(answer)

    try:
        return within(request_seconds(size), work, request_seconds())
    except LateError as error:
        raise PassingError("the answer did not come in time") from error
    except httpx2.TransportError as error:
        raise broken_connection(error) from error


def refuse_compressed(answer: httpx2.Response) -> None:
    """Refuse bytes that would have to be unpacked.

    Raises:
        PassingError: The answer says that it is compressed.
    """
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise PassingError("the bytes came compressed")


def refuse_inside(url: str, endpoint: str) -> None:
    """Refuse an address inside this machine or its network that a Hub elsewhere sends to.

    A Hub of one's own may lie there, and then so may its storage.

    Raises:
        ReadError: It is one.
    """
    host = urlsplit(url).hostname or ""
    if _is_inside(host) and not _is_inside(urlsplit(endpoint).hostname or ""):
        raise ReadError(
            f"The Hub at {endpoint} sends to an address inside this network ({host}), which is not followed.",
            "Download the model and give its folder.",
        )


@cache
def _is_inside(host: str) -> bool:
    """Whether a host is in no public network, as far as can be told without its proxy."""
    if getproxies() and not proxy_bypass(host):
        return False  # the proxy looks names up, and decides what may be reached
    with _unresolved() as addresses:
        addresses += [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    return any(not ip_address(address.partition("%")[0]).is_global for address in addresses)


@contextmanager
def _unresolved() -> Iterator[list[str]]:
    """Addresses to be filled in; a name that cannot be looked up has none, and no connection either."""
    addresses: list[str] = []
    try:
        yield addresses
    except (OSError, UnicodeError):
        addresses.clear()
