"""What the Hub's refusals mean for a user, and which of them may pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import httpx2
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import PassingError, UnconnectedError
from independence_audit.core.outside_names import quoted
from independence_audit.errors import AuditError, MissingError, ReadError

LOG_IN = "hf auth login, or set HF_TOKEN"

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNAUTHORISED = 401
_USED_UP = re.compile(r"\br=0\s*;\s*t=([0-9]+)")
"""What is left of the limit, and the seconds until it is renewed, as the Hub states it."""


class _Meaning(NamedTuple):
    """What a refusal means: the error with its sentence and its way out, to be filled in."""

    raised: type[HfHubHTTPError]
    error: type[AuditError]
    message: str
    hint: str


_MEANINGS = (
    _Meaning(
        GatedRepoError,
        ReadError,
        "{repository} is gated: its files are only for those who accepted its conditions.",
        f"Accept them on its page at {{endpoint}}, then log in: {LOG_IN}.",
    ),
    _Meaning(
        RevisionNotFoundError,
        MissingError,
        "{repository} has no revision {revision}.",
        "Give one of its branches, tags or commits.",
    ),
    _Meaning(
        RepositoryNotFoundError,
        MissingError,
        "There is no repository {repository} at {endpoint}, or it is private; nor is there a file of that name here.",
        f"Check the name or the path; for a private repository log in: {LOG_IN}.",
    ),
    _Meaning(
        RemoteEntryNotFoundError,
        MissingError,
        "{repository} lists a file that is not there.",
        "Tell the owner of the repository.",
    ),
    _Meaning(
        DisabledRepoError,
        ReadError,
        "{repository} was disabled on the Hub.",
        "Use a copy of the model, if there is one.",
    ),
    _Meaning(
        HfHubHTTPError,
        ReadError,
        "The Hub at {endpoint} refused to serve {repository} (status {status}).",
        "Check the permissions of the token, if there is one.",
    ),
)
"""The first that fits holds: some refusals are special cases of later ones."""


@contextmanager
def as_refusals(name: HubName, endpoint: str) -> Iterator[None]:
    """Turn what the Hub's library raises into an error for a user, or into one that may pass.

    No message carries the library's own text: it may quote addresses that are signed.

    Raises:
        MissingError: There is no such repository, revision or file, or none that this user may see.
        ReadError: The repository is gated or disabled, or the Hub refused for another reason.
        PassingError: The Hub is overloaded or the connection failed.
    """
    try:
        yield
    except HfHubHTTPError as error:
        raise_if_passing(error.response.status_code, error.response.headers)
        raise _refusal(error, name, endpoint) from error
    except httpx2.TransportError as error:
        raise broken_connection(error) from error
    except httpx2.HTTPError as error:
        raise ReadError(
            f"The Hub at {endpoint} sent the request for {quoted(str(name))} in circles.",
            "Check HF_ENDPOINT and the network's proxy settings.",
        ) from error


def raise_if_passing(status: int, headers: Mapping[str, str]) -> None:
    """Raise where an answer says that the server is overloaded or out of order for the moment.

    Raises:
        PassingError: It does; with the seconds to wait where the server names them.
    """
    if status in _PASSING:
        reason = "there were too many requests" if status == httpx2.codes.TOO_MANY_REQUESTS else "the server was busy"
        raise PassingError(f"{reason} ({status})", _asked_wait(headers))


def broken_connection(error: httpx2.TransportError) -> PassingError:
    """What a failed connection is: it may work the next time."""
    if isinstance(error, httpx2.ConnectError):
        return UnconnectedError("no connection could be made")
    timed_out = isinstance(error, httpx2.TimeoutException)
    return PassingError("the server did not answer in time" if timed_out else "the connection broke")


def _asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: ``Retry-After``, or the rest of the window of the Hub's ``RateLimit``."""
    retry_after = headers.get("retry-after", "").strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    window = _USED_UP.search(headers.get("ratelimit", ""))
    return None if window is None else float(window[1])


def _refusal(error: HfHubHTTPError, name: HubName, endpoint: str) -> AuditError:
    """The error for an answer that will not change by itself."""
    status = error.response.status_code
    meaning = next(meaning for meaning in _MEANINGS if isinstance(error, meaning.raised))
    if status == _UNAUTHORISED and meaning.raised is HfHubHTTPError:
        return ReadError(f"The Hub at {endpoint} refused the token.", f"Log in again: {LOG_IN}.")
    facts = {
        "repository": quoted(name.repository),
        "revision": quoted(name.revision),
        "endpoint": endpoint,
        "status": status,
    }
    return meaning.error(meaning.message.format(**facts), meaning.hint.format(**facts))
