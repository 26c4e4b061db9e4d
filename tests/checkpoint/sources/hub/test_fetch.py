"""Blocks of files over the network: exactly the wanted bytes of the listed file, or an error."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from huggingface_hub import constants, get_session

from independence_audit.checkpoint.sources.hub import exchange
from independence_audit.checkpoint.sources.hub.fetch import HubFetcher
from independence_audit.checkpoint.sources.hub.hub_api import HubApi
from independence_audit.checkpoint.sources.hub.patience import Patience
from independence_audit.checkpoint.sources.range_requests import plan_blocks
from independence_audit.errors import ChangedError, ReadError
from tests.checkpoint.source_contract import CONTENT, LARGE
from tests.checkpoint.sources.hub.toy_hub import NAME, TRIES, Connect, read
from tests.hub.fake_hub import FakeHub, Fault


@pytest.fixture
def fetcher(hub: FakeHub, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> HubFetcher:
    """Fetches blocks of the repository, with nothing kept in between, and time enough on a busy machine."""
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "30")
    patience = Patience(tries=TRIES, sleep=waits.append)
    api = HubApi(NAME, hub.url, patience, 5.0)
    return HubFetcher(api, api.listing(), patience, 5.0)


def test_only_the_wanted_bytes_of_a_block_are_given(hub: FakeHub, fetcher: HubFetcher) -> None:
    """One request gets a block with the hole in it; the hole is left out."""
    (block,) = plan_blocks([(10, 5), (100, 7)])
    assert fetcher(LARGE, block) == CONTENT[LARGE][10:15] + CONTENT[LARGE][100:107]
    (asked,) = hub.requests("storage")
    assert (asked.headers["range"], asked.sent) == ("bytes=10-106", 97)


def test_a_whole_file_is_asked_for_without_a_range(hub: FakeHub, fetcher: HubFetcher) -> None:
    """So that a server that knows no ranges can serve small files; the same server sends no part."""
    hub.fail(Fault.RANGE_IGNORED, 2)
    (whole,), (part,) = plan_blocks([(0, len(CONTENT[LARGE]))]), plan_blocks([(0, len(CONTENT[LARGE]) - 1)])
    assert fetcher(LARGE, whole) == CONTENT[LARGE]
    assert "range" not in hub.requests("storage")[-1].headers
    with pytest.raises(ReadError, match=r"The server sent all of 'model\.safetensors' of 'team/toy' where a part"):
        fetcher(LARGE, part)


def test_requests_are_few(hub: FakeHub, connect: Connect) -> None:
    """The address of a file is asked for once; near spans share a request."""
    source = connect()
    spans = [(start, memoryview(bytearray(100))) for start in range(0, 150_000, 5000)]
    source.read_many(LARGE, spans)
    assert read(source, 190_000, 190_010) == CONTENT[LARGE][190_000:190_010]
    assert all(bytes(view) == CONTENT[LARGE][start : start + 100] for start, view in spans)
    assert [(seen.server, seen.method) for seen in hub.seen[1:]] == [
        ("hub", "HEAD"),
        ("storage", "GET"),
        ("storage", "GET"),
    ]


def test_threads_ask_once_for_an_address(hub: FakeHub, connect: Connect) -> None:
    """Many reads at once of one file need one address."""
    source = connect()
    source.read_many(LARGE, [(start, memoryview(bytearray(10))) for start in (0, 70_000, 140_000)])
    assert len(hub.requests("hub", "HEAD")) == 1
    assert len(hub.requests("storage")) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault.TRUNCATED,
        Fault.SHORT,
        Fault.WRONG_RANGE,
        Fault.NO_CONTENT_RANGE,
        Fault.COMPRESSED,
        Fault.UNAVAILABLE,
        Fault.RATE_LIMITED,
        Fault.RESET,
    ],
)
def test_fault_that_passes(hub: FakeHub, connect: Connect, waits: list[float], tmp_path: Path, fault: Fault) -> None:
    """After a fault or two the right bytes come; a fault that stays is an error, and nothing wrong is kept."""
    source = connect()
    hub.fail(fault, TRIES - 1)
    assert read(source, 1000, 2000) == CONTENT[LARGE][1000:2000]
    assert waits == [1.0, 2.0]
    hub.fail(fault, TRIES)
    with pytest.raises(ReadError, match=rf"'model\.safetensors' of 'team/toy' could not be read: .*, {TRIES} times"):
        read(source, 3000, 4000)
    assert read(source, 3000, 4000) == CONTENT[LARGE][3000:4000]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.RANGE_IGNORED, "ignores ranges"),
        (Fault.WRONG_TOTAL, "was changed while it was read"),
        (Fault.CHANGED_ETAG, "was changed while it was read"),
        (Fault.PORTAL, "ignores ranges"),
    ],
)
def test_fault_that_does_not_pass(
    hub: FakeHub, connect: Connect, waits: list[float], fault: Fault, message: str
) -> None:
    """What means that other bytes are served is an error at once."""
    source = connect()
    assert read(source, 0, 10) == CONTENT[LARGE][:10]
    hub.fail(fault)
    with pytest.raises(ReadError, match=message) as caught:
        read(source, 1000, 2000)
    assert caught.value.hint
    assert waits == []


def test_expired_address(hub: FakeHub, connect: Connect, waits: list[float]) -> None:
    """Addresses that expire in the middle are asked for anew, without waiting."""
    source = connect()
    assert read(source, 0, 10) == CONTENT[LARGE][:10]
    hub.expire()
    source.read_many(LARGE, [(start, memoryview(bytearray(10))) for start in (0, 70_000, 140_000)])
    assert read(source, 50, 60) == CONTENT[LARGE][50:60]
    assert len(hub.requests("hub", "HEAD")) == 2
    assert waits == []


def test_address_that_is_refused_twice(hub: FakeHub, connect: Connect) -> None:
    """A new address that is refused like the old one is an error."""
    source = connect()
    hub.fail(Fault.EXPIRED, 2)
    with pytest.raises(ReadError, match="refused with status 403, also under a new address"):
        read(source, 0, 10)


def test_file_changed_between_addresses(hub: FakeHub, connect: Connect) -> None:
    """A new address with another digest is not read from, and what was changed once is not read from again."""
    source = connect()
    read(source, 0, 10)
    source.confirm()
    hub.expire()
    hub.fail(Fault.CHANGED_ETAG, 1, "hub")
    for _ in range(2):
        with pytest.raises(ChangedError, match="was changed while it was read"):
            read(source, 20, 30)
    with pytest.raises(ChangedError):
        source.confirm()


def test_slow_bytes(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """Silence within the time limit is endured, beyond it the request is made again."""
    hub.silence = 0.1
    hub.fail(Fault.SLOW)
    assert read(connect(), 0, 2000) == CONTENT[LARGE][:2000]
    assert waits == []
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.25)
    hub.silence = 0.6
    hub.fail(Fault.SLOW)
    assert read(connect(), 3000, 5000) == CONTENT[LARGE][3000:5000]
    assert waits


def test_answers_of_other_storages(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage without ETags is read from; more bytes than asked for are refused, a refused range is a change."""
    answers: dict[str, tuple[int, bytes]] = {
        "bytes=10-19": (206, CONTENT[LARGE][10:20]),
        "bytes=30-39": (206, CONTENT[LARGE][30:45]),
        "bytes=50-59": (416, b""),
    }

    def storage(request: httpx2.Request) -> httpx2.Response:
        asked = request.headers["range"]
        status, body = answers[asked]
        headers = {"content-range": f"{asked.replace('=', ' ')}/200000"}
        return httpx2.Response(status, headers=headers, content=iter([body]))

    source, real = connect(), get_session()
    faked = httpx2.Client(transport=httpx2.MockTransport(storage))

    def stream(method: str, url: str, **options: Any) -> Any:
        return (faked if "range" in options["headers"] else real).stream(method, url, **options)

    monkeypatch.setattr(exchange, "get_session", lambda: SimpleNamespace(stream=stream))
    assert read(source, 10, 20) == CONTENT[LARGE][10:20]
    with pytest.raises(ReadError, match="more bytes came than were asked for"):
        read(source, 30, 40)
    with pytest.raises(ReadError, match="was changed while it was read"):
        read(source, 50, 60)


def test_redirect_is_not_followed(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that sends further on is refused, rather than followed to where nobody knows."""
    source = connect()
    read(source, 0, 1)
    stream = httpx2.Client.stream

    def elsewhere(self: httpx2.Client, method: str, url: str, **options: object) -> object:
        return stream(self, method, f"{hub.url}/team/toy/resolve/main/{LARGE}", **options)  # type: ignore[arg-type]

    monkeypatch.setattr(httpx2.Client, "stream", elsewhere)
    with pytest.raises(ReadError, match="answered with status 302"):
        read(source, 10, 20)
