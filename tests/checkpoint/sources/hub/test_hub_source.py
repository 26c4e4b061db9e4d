"""Reading from the Hub: right bytes or an error, whatever the servers do."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from huggingface_hub import constants, get_session

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources import deadline
from independence_audit.checkpoint.sources.hub import exchange
from independence_audit.checkpoint.sources.hub.cache import Cache
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.hub_source import HubSource, open_hub_source
from independence_audit.checkpoint.sources.hub.patience import PassingError, Patience
from independence_audit.errors import AuditError, ChangedError, MissingError, ReadError, UsageError
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract
from tests.hub.fake_hub import TOKEN, FakeHub, Fault, reach, serving

NAME = HubName("team/toy")
TRIES = 3
Connect = Callable[..., HubSource]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the files of the contract."""
    folder = tmp_path / "hub" / "team" / "toy"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub that serves it."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.4")
        yield hub


@pytest.fixture
def waits() -> list[float]:
    """The seconds that would have been waited."""
    return []


@pytest.fixture
def connect(hub: FakeHub, tmp_path: Path, waits: list[float]) -> Connect:
    """Opens the source of a repository, with a clock that only writes down."""

    def connect(name: HubName = NAME, *, offline: bool = False) -> HubSource:
        patience = Patience(tries=TRIES, sleep=waits.append)
        return open_hub_source(name, Cache(tmp_path / "cache"), patience, offline=offline)

    return connect


def read(source: ByteSource, start: int, stop: int, name: str = LARGE) -> bytes:
    """Bytes of a file."""
    buffer = bytearray(stop - start)
    source.read(name, start, memoryview(buffer))
    return bytes(buffer)


class TestHubSource(SourceContract):
    @pytest.fixture
    def source(self, connect: Connect) -> ByteSource:
        """A repository."""
        return connect()

    @pytest.fixture
    def short_source(self, connect: Connect, folder: Path) -> ByteSource:
        """A repository whose large file is shorter than listed."""
        source = connect()
        os.truncate(folder / LARGE, len(CONTENT[LARGE]) - SHORT_BY)
        return source


def test_listing(hub: FakeHub, connect: Connect) -> None:
    """One request tells the commit, sizes and digests."""
    source = connect()
    sha256 = hashlib.sha256(CONTENT[LARGE]).hexdigest()
    assert source.revision == hub.repository("team/toy").revisions["main"]  # type: ignore[union-attr]
    assert source.digests == {LARGE: sha256}
    assert source.name == "team/toy"
    assert [seen.path for seen in hub.seen] == ["/api/models/team/toy/revision/main"]


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


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SLOW])
@pytest.mark.parametrize("times", [1, 2, 9])
@pytest.mark.parametrize("server", ["hub", "storage"])
def test_never_wrong_bytes(  # noqa: PLR0917  two servers, how they fail, and a clock that runs faster
    hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch, fault: Fault, times: int, server: str
) -> None:
    """Whichever server fails however often: every read gives the right bytes or an error with a way out."""
    source = connect()
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.2")
    monkeypatch.setattr(deadline, "SLOWEST", 4_000_000.0)
    hub.fail(fault, times, server)
    for name, start, stop in (
        (LARGE, 0, 10),
        (LARGE, 777, 9999),
        (LARGE, 0, 200_000),
        ("config.json", 0, 2),
        ("config.json", 0, 1),
    ):
        try:
            assert read(source, start, stop, name) == CONTENT[name][start:stop]
        except AuditError as error:
            assert error.hint  # noqa: PT017 - either is right
    assert hub.requests()


def test_wait_that_the_server_asks_for(hub: FakeHub, connect: Connect, waits: list[float]) -> None:
    """Retry-After is honoured, by both servers."""
    hub.retry_after = 7
    hub.fail(Fault.RATE_LIMITED, 2, "hub")
    source = connect()
    hub.fail(Fault.UNAVAILABLE, 1, "hub")
    hub.fail(Fault.UNAVAILABLE, 1, "storage")
    assert read(source, 5, 9) == CONTENT[LARGE][5:9]
    assert waits == [7, 7, 7, 7]


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


def test_file_that_is_not_the_listed_one(hub: FakeHub, connect: Connect, folder: Path) -> None:
    """An address with another digest than the listed one is not read from, even if there are as many bytes."""
    source = connect()
    (folder / LARGE).write_bytes(CONTENT[LARGE][::-1])
    hub._digests.clear()
    with pytest.raises(ReadError, match="was changed while it was read"):
        read(source, 40, 50)


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


def test_revision_is_resolved_once(hub: FakeHub, connect: Connect, tmp_path: Path) -> None:
    """A branch that moves on while it is read does not mix two commits; the next run reads the new one."""
    source = connect()
    newer = tmp_path / "newer"
    newer.mkdir()
    (newer / LARGE).write_bytes(CONTENT[LARGE][::-1])
    commit = hub.add("team/toy", newer)
    assert read(source, 0, 1000) == CONTENT[LARGE][:1000]
    assert source.revision != commit
    again = connect()
    assert again.revision == commit
    assert read(again, 0, 1000) == CONTENT[LARGE][::-1][:1000]


def test_revisions_by_name(hub: FakeHub, connect: Connect, folder: Path) -> None:
    """Branches with slashes, tags and commits can be named, and stand in the report's name."""
    commit = hub.add("team/toy", folder, "refs/pr/7")
    by_branch = connect(HubName("team/toy", "refs/pr/7"))
    assert (by_branch.revision, by_branch.name) == (commit, "team/toy@refs/pr/7")
    assert connect(HubName("team/toy", commit)).revision == commit


def test_token_goes_to_the_hub_only(
    hub: FakeHub, connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A private repository is read with the token; storage, logs, errors and objects never get to see it."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.add("team/private", folder, private=True)
    source = connect(HubName("team/private"))
    assert read(source, 0, 10) == CONTENT[LARGE][:10]
    assert read(source, 0, 2, "config.json") == b"{}"
    hub.expire()
    hub.fail(Fault.UNAVAILABLE, TRIES)
    with pytest.raises(ReadError) as caught:
        read(source, 20, 30)
    assert read(source, 20, 30) == CONTENT[LARGE][20:30]
    assert all(TOKEN in seen.headers["authorization"] for seen in hub.requests("hub"))
    assert hub.requests("storage")
    assert not any(TOKEN in str(seen) for seen in hub.requests("storage"))
    assert TOKEN not in caplog.text
    link: BaseException | None = caught.value
    while link is not None:
        assert TOKEN not in f"{link} {link!r} {vars(link)}"
        link = link.__cause__ or link.__context__
    assert TOKEN not in repr(source)


def test_no_token_means_none(hub: FakeHub, connect: Connect) -> None:
    """Without a token nothing is sent that looks like one."""
    read(connect(), 0, 10)
    assert not any("authorization" in seen.headers for seen in hub.seen)


def test_token_that_is_not_to_be_sent(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own switch holds here, too."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    read(connect(), 0, 10)
    assert not any("authorization" in seen.headers for seen in hub.seen)


@pytest.mark.parametrize(
    ("name", "token", "error", "message", "hint"),
    [
        (HubName("team/none"), "", MissingError, "no repository 'team/none'", "HF_TOKEN"),
        (HubName("team/none"), TOKEN, MissingError, "no repository 'team/none'", "Check the name"),
        (HubName("team/private"), "", MissingError, "or it is private", "hf auth login"),
        (HubName("team/toy", "v9"), "", MissingError, "'team/toy' has no revision 'v9'", "branches"),
        (HubName("team/toy"), "hf_wrong", ReadError, "refused the token", "Log in again"),
    ],
)
def test_repository_that_cannot_be_opened(
    hub: FakeHub,
    connect: Connect,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: HubName,
    token: str,
    error: type[AuditError],
    message: str,
    hint: str,
) -> None:
    """Each refusal is one sentence with its own way out, at once."""
    hub.add("team/private", folder, private=True)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(error, match=message) as caught:
        connect(name)
    assert hint in caught.value.hint
    assert caught.value.exit_code == 4
    assert len(hub.seen) == 1


def test_gated_repository(hub: FakeHub, connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gated repository lists its files for all and gives them to those who accepted its conditions."""
    hub.add("team/gated", folder, gated=True)
    source = connect(HubName("team/gated"))
    with pytest.raises(ReadError, match="'team/gated' is gated") as caught:
        read(source, 0, 10)
    assert "hf auth login, or set HF_TOKEN" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert read(connect(HubName("team/gated")), 0, 10) == CONTENT[LARGE][:10]


def test_file_that_was_deleted(connect: Connect, folder: Path) -> None:
    """A file that is listed and not there is missing."""
    source = connect()
    (folder / LARGE).unlink()
    with pytest.raises(MissingError, match="'team/toy' lists a file that is not there"):
        read(source, 0, 10)


def test_no_network(hub: FakeHub, connect: Connect, waits: list[float]) -> None:
    """A Hub that cannot be reached is said at once; one that goes away in the middle is tried again first."""
    source = connect()
    hub.stop()
    with pytest.raises(ReadError, match="could not be asked for 'team/toy': no connection could be made") as caught:
        connect()
    assert "--offline" in caught.value.hint
    assert waits == []
    with pytest.raises(ReadError, match=rf"no connection could be made, {TRIES} times"):
        read(source, 0, 10)
    assert waits == [1.0, 2.0]


def test_overloaded_hub(hub: FakeHub, connect: Connect) -> None:
    """A Hub that stays overloaded is an error that says so."""
    hub.fail(Fault.UNAVAILABLE, TRIES, "hub")
    with pytest.raises(ReadError, match=r"the server was busy \(503\)"):
        connect()


def test_other_refusal(hub: FakeHub, connect: Connect) -> None:
    """A refusal without a reason is told with its status."""
    hub.fail(Fault.EXPIRED, 1, "hub")
    with pytest.raises(ReadError, match="refused to serve 'team/toy'"):
        connect()


def test_portal_of_a_guest_network(hub: FakeHub, connect: Connect) -> None:
    """A page that comes instead of the list of files is not taken for one."""
    hub.fail(Fault.PORTAL, 1, "hub")
    with pytest.raises(ReadError, match="did not answer as a Hub does") as caught:
        connect()
    assert "proxy" in caught.value.hint


WHOLE = {"rfilename": LARGE, "size": 9, "blobId": "2" * 40}
SHA = "1" * 40


@pytest.mark.parametrize(
    "described",
    [
        {"id": "team/toy"},
        {"id": "team/toy", "sha": SHA, "siblings": [{"rfilename": LARGE, "size": 9}]},
        {"id": "team/toy", "sha": SHA, "siblings": [{"size": 9, "blobId": "2" * 40}]},
        ["team/toy"],
        {"sha": SHA},
        {"sha": SHA, "siblings": None},
        {"sha": SHA, "siblings": {"a": 1}},
        {"sha": SHA, "siblings": ["a"]},
        {"sha": SHA, "siblings": [[]]},
        {"sha": 17, "siblings": [WHOLE]},
        {"sha": "main", "siblings": [WHOLE]},
        {"sha": "../" * 14, "siblings": [WHOLE]},
        {"sha": SHA, "siblings": [WHOLE, WHOLE]},
        {"sha": SHA, "siblings": [WHOLE | {"size": "9"}]},
        {"sha": SHA, "siblings": [WHOLE | {"size": -9}]},
        {"sha": SHA, "siblings": [WHOLE | {"size": 9.0}]},
        {"sha": SHA, "siblings": [WHOLE | {"size": True}]},
        {"sha": SHA, "siblings": [WHOLE | {"size": 10**400}]},
        {"sha": SHA, "siblings": [WHOLE | {"rfilename": 9}]},
        {"sha": SHA, "siblings": [WHOLE | {"rfilename": ""}]},
        {"sha": SHA, "siblings": [WHOLE | {"blobId": ["2" * 40]}]},
        {"sha": SHA, "siblings": [WHOLE | {"blobId": "short"}]},
        {"sha": SHA, "siblings": [WHOLE | {"lfs": "yes"}]},
        {"sha": SHA, "siblings": [WHOLE | {"lfs": {"size": "1", "sha256": "2" * 64}}]},
        {"sha": SHA, "siblings": [WHOLE | {"lfs": {"size": 1, "sha256": "2" * 40}}]},
        {"sha": SHA, "siblings": [WHOLE | {"lfs": {"size": 1}}]},
        None,
        "team/toy",
        0,
        [[]],
    ],
)
def test_incomplete_description(hub: FakeHub, connect: Connect, described: object) -> None:
    """What lacks its commit, a digest or a name, or has another type, is nothing to build on."""
    hub.described = json.dumps(described).encode()
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        connect()


@pytest.mark.parametrize(
    "described",
    [
        b"",
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b'{"sha": "a", "sha": "b"}',
        b'{"sha": NaN}',
        b'{"sha": "\\ud800"}',
        b"<html></html>",
        b'{"sha": ' + b"9" * 10_000 + b"}",
    ],
)
def test_description_that_is_no_json(hub: FakeHub, connect: Connect, described: bytes) -> None:
    """Other charsets, nests, doubled keys, pages and endless numbers end in the same sentence."""
    hub.described = described
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        connect()


@pytest.mark.parametrize(
    "fault", [Fault.GZIP_BOMB, Fault.ENDLESS, Fault.DRIP, Fault.DRIPPING_HEADERS, Fault.HUGE_HEADERS]
)
@pytest.mark.parametrize("server", ["hub", "storage"])
def test_endless_answer(
    *, hub: FakeHub, connect: Connect, waits: list[float], monkeypatch: pytest.MonkeyPatch, fault: Fault, server: str
) -> None:
    """A bomb, a flood, a drip and headers without end cost little, and end in a sentence."""
    monkeypatch.setattr(exchange, "LARGEST", 1 << 20)
    source = connect() if server == "storage" else None
    hub.fail(fault, 100, server)
    began = time.monotonic()
    with pytest.raises(ReadError) as caught:
        read(source, 0, 10) if source else connect()
    assert time.monotonic() - began < 5
    assert caught.value.hint
    assert len(waits) <= 4


def test_pull_has_one_end(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time nothing is tried any more, however often that may be."""
    waits: list[float] = []
    patience = Patience(tries=1000, sleep=waits.append, until=time.monotonic() - 1)
    with pytest.raises(PassingError, match="its time is over"):
        patience.insist(lambda: 1)
    assert waits == []


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "http://", "//", "gopher://x/", "http://[::1", "data:,x", "\x00"]
)
def test_address_that_is_none(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """No file, and nothing that is no address of a web server."""
    source = connect()
    monkeypatch.setattr(FakeHub, "signed_url", lambda self, path: place)
    with pytest.raises(ReadError):
        read(source, 0, 10)


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


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_redirects_in_circles(
    hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch, waits: list[float], method: str
) -> None:
    """Within the Hub they are followed a few times; a description is never taken from elsewhere."""
    source = connect()
    hub.fail(Fault.LOOP, 100, "hub")
    with pytest.raises(ReadError, match="in circles"):
        connect() if method == "GET" else read(source, 0, 10)
    hub.mend()
    hub.fail(Fault.ELSEWHERE, 100, "hub")
    with pytest.raises(ReadError):
        connect() if method == "GET" else read(source, 0, 10)


def test_address_of_another_kind(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that no web client can use is not tried."""
    source = connect()
    monkeypatch.setattr(FakeHub, "signed_url", lambda self, path: "ftp://storage/file")
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        read(source, 0, 10)


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
        as_refusals = {"content-range": f"{asked.replace('=', ' ')}/200000"}
        return httpx2.Response(status, headers=as_refusals, content=iter([body]))

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


def test_endpoint_that_is_no_address(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong HF_ENDPOINT is a mistake of the settings."""
    for endpoint in ("huggingface.co", "ftp://host", "https://", "http://[1"):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(UsageError, match=r"HF_ENDPOINT is .* no address"):
            connect()


def test_offline_reads_what_is_kept(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the server stopped, what was read before is read again, and nothing else."""
    online = connect()
    spans = [(10, 20), (500, 520), (150_000, 150_010)]
    online.read_many(LARGE, [(start, memoryview(bytearray(stop - start))) for start, stop in spans])
    seen = len(hub.seen)
    hub.stop()
    offline = connect(offline=True)
    buffers = [bytearray(stop - start) for start, stop in spans]
    offline.read_many(LARGE, [(start, memoryview(into)) for (start, _), into in zip(spans, buffers, strict=True)])
    assert buffers == [CONTENT[LARGE][start:stop] for start, stop in spans]
    assert (offline.revision, offline.digests, offline.files()) == (online.revision, online.digests, online.files())
    with pytest.raises(ReadError, match="were not read on this machine before") as caught:
        read(offline, 60_000, 60_001)
    assert "--offline" in caught.value.hint
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert connect(HubName("team/toy", online.revision)).revision == online.revision
    with pytest.raises(MissingError, match="'team/other' was not read on this machine before"):
        connect(HubName("team/other"))
    assert len(hub.seen) == seen


def test_second_run_asks_for_the_listing_only(hub: FakeHub, connect: Connect) -> None:
    """A second run of the same commit costs one request."""
    read(connect(), 0, 1000)
    before = len(hub.seen)
    assert read(connect(), 0, 1000) == CONTENT[LARGE][:1000]
    assert [seen.path for seen in hub.seen[before:]] == ["/api/models/team/toy/revision/main"]


def test_damaged_cache_is_read_anew(hub: FakeHub, connect: Connect, tmp_path: Path) -> None:
    """What was damaged in the cache is fetched again, the list of files as well."""
    read(connect(), 0, 1000)
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1] + b"?")
    sent = hub.sent
    assert read(connect(), 0, 1000) == CONTENT[LARGE][:1000]
    assert hub.sent == sent + 1000


def test_faults_are_not_kept(hub: FakeHub, connect: Connect) -> None:
    """What went wrong is asked for again by the next run."""
    hub.fail(Fault.RANGE_IGNORED)
    with pytest.raises(ReadError):
        read(connect(), 1000, 2000)
    with pytest.raises(ReadError):
        read(connect(offline=True), 1000, 2000)
    assert read(connect(), 1000, 2000) == CONTENT[LARGE][1000:2000]


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
