"""Reading from the Hub: right bytes or an error, whatever the servers do."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import pytest
from huggingface_hub import constants

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources import deadline
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.errors import AuditError, MissingError, ReadError
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract
from tests.checkpoint.sources.hub.toy_hub import TRIES, Connect, read
from tests.hub.fake_hub import TOKEN, FakeHub, Fault


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
