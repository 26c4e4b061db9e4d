"""What the Hub's refusals mean."""

from __future__ import annotations

import httpx2
import pytest

from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import PassingError
from independence_audit.checkpoint.sources.hub.refusals import as_refusals, raise_if_passing
from independence_audit.errors import ReadError


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "²"}, None),
        ({"ratelimit": '"resolvers";r=0;t=55'}, 55.0),
        ({"ratelimit": '"resolvers"; r=0; t=55'}, 55.0),
        ({"ratelimit": '"resolvers";r=10;t=55'}, None),
        ({"ratelimit": '"api";r=2990;t=5', "retry-after": "3"}, 3.0),
    ],
)
def test_wait_that_is_asked_for(headers: dict[str, str], wait: float | None) -> None:
    """A number of seconds counts, in either header; dates and limits that are not used up do not."""
    with pytest.raises(PassingError, match="too many requests") as caught:
        raise_if_passing(429, headers)
    assert caught.value.wait == wait


@pytest.mark.parametrize("status", [200, 206, 302, 400, 401, 403, 404, 416, 501])
def test_what_does_not_pass(status: int) -> None:
    """Answers and refusals are no overload."""
    raise_if_passing(status, {"retry-after": "3"})


def test_redirects_without_end() -> None:
    """A Hub that only ever sends elsewhere is refused in a sentence."""
    with pytest.raises(ReadError, match="in circles"), as_refusals(HubName("a/b"), "https://hub"):
        raise httpx2.TooManyRedirects("https://hub/?signature=secret")
