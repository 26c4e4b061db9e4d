"""One request and its whole answer: within a size, within a time, and from nowhere else."""

from __future__ import annotations

import time

import pytest

from independence_audit.checkpoint.sources.hub import exchange
from independence_audit.checkpoint.sources.hub.patience import PassingError, UnconnectedError
from independence_audit.errors import ReadError
from tests.checkpoint.sources.hub.toy_hub import Connect, read
from tests.hub.fake_hub import FakeHub, Fault

PATH = "/api/models/team/toy/revision/main"


@pytest.fixture
def hub(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """The Hub, with time enough for its answers on a busy machine."""
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "30")
    return hub


def test_an_answer_is_whole_and_a_refusal_is_its_status(hub: FakeHub) -> None:
    """What was asked for comes with its headers; what a refusal says in its body is left out."""
    found = exchange.ask("GET", hub.url + PATH, {}, 5.0)
    assert (found.status_code, found.json()["id"]) == (200, "team/toy")
    refused = exchange.ask("GET", f"{hub.url}/team/none/resolve/main/x", {}, 5.0)
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["x-error-code"] == "RepoNotFound"
    assert {seen.headers["accept-encoding"] for seen in hub.seen} == {"identity"}


def test_what_is_made_of_an_answer_is_given_and_what_goes_wrong_is_raised(hub: FakeHub) -> None:
    """Whoever asks sees the answer while it comes; an error of the asker's own is nobody else's."""
    assert exchange.exchange("HEAD", hub.url + PATH, {"x-own": "1"}, 5.0, lambda answer: answer.status_code) == 200
    assert hub.seen[-1].headers["x-own"] == "1"
    with pytest.raises(ZeroDivisionError):
        exchange.exchange("GET", hub.url + PATH, {}, 5.0, lambda _: 1 // 0)


def test_redirects_are_left_to_whoever_asked(hub: FakeHub) -> None:
    """An answer that sends elsewhere is an answer like others."""
    hub.fail(Fault.LOOP, 1, "hub")
    assert exchange.ask("GET", hub.url + PATH, {}, 5.0).status_code == 302
    assert len(hub.seen) == 1


def test_an_answer_that_is_too_large_is_refused(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a byte more is read than could be an answer; the host is named, the address is not."""
    monkeypatch.setattr(exchange, "LARGEST", 1 << 20)
    hub.fail(Fault.ENDLESS, 1, "hub")
    with pytest.raises(ReadError, match=r"^127\.0\.0\.1 answered a question with over 1 MB") as caught:
        exchange.ask("GET", f"{hub.url}{PATH}?signature=secret", {}, 5.0)
    assert "proxy" in caught.value.hint


def test_failed_connections_may_pass(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that drips beyond its time, one that is compressed, and no connection at all."""
    hub.fail(Fault.COMPRESSED, 1, "hub")
    with pytest.raises(PassingError, match="the bytes came compressed"):
        exchange.ask("GET", f"{hub.url}/team/toy/resolve/main/config.json", {}, 5.0)
    hub.fail(Fault.DRIP, 1, "hub")
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.2")
    with pytest.raises(PassingError, match="the answer did not come in time"):
        exchange.ask("GET", hub.url + PATH, {}, 5.0)
    hub.stop()
    with pytest.raises(UnconnectedError, match="no connection could be made"):
        exchange.ask("GET", hub.url + PATH, {}, 5.0)


@pytest.mark.parametrize(
    "fault", [Fault.GZIP_BOMB, Fault.ENDLESS, Fault.DRIP, Fault.DRIPPING_HEADERS, Fault.HUGE_HEADERS]
)
@pytest.mark.parametrize("server", ["hub", "storage"])
def test_endless_answer(
    *, hub: FakeHub, connect: Connect, waits: list[float], monkeypatch: pytest.MonkeyPatch, fault: Fault, server: str
) -> None:
    """A bomb, a flood, a drip and headers without end cost little, and end in a sentence."""
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.4")
    monkeypatch.setattr(exchange, "LARGEST", 1 << 20)
    source = connect() if server == "storage" else None
    hub.fail(fault, 100, server)
    began = time.monotonic()
    with pytest.raises(ReadError) as caught:
        read(source, 0, 10) if source else connect()
    assert time.monotonic() - began < 5
    assert caught.value.hint
    assert len(waits) <= 4


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:9/x",
        "http://localhost:9/x",
        "http://10.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:9/x",
        "http://0/x",
        "http://2130706433/x",
    ],
)
def test_a_hub_elsewhere_does_not_send_inside(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A public Hub's redirect to this machine or its network is not followed; a Hub of one's own may send there."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    exchange._is_inside.cache_clear()
    with pytest.raises(ReadError, match="inside this network"):
        exchange.refuse_inside(place, "https://1.1.1.1")
    exchange.refuse_inside(place, "http://127.0.0.1:8080")
    exchange.refuse_inside("https://8.8.8.8/x", "https://1.1.1.1")
    exchange._is_inside.cache_clear()
