"""A Hub whose listing or addresses are not what those of a Hub are is told in one sentence."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.errors import AuditError, ReadError, UsageError
from tests.checkpoint.source_contract import CONTENT, LARGE
from tests.checkpoint.sources.hub.toy_hub import Connect, read
from tests.fuzz.hub import COMMIT
from tests.fuzz.hub import read as read_all
from tests.hub.fake_hub import FakeHub, Fault

SOUND: dict[str, Any] = {"rfilename": "model.safetensors", "size": 3, "blobId": "1" * 40, "lfs": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"rfilename": 7},
        {"rfilename": ["a"]},
        {"rfilename": {}},
        {"rfilename": None},
        {"size": "3"},
        {"size": -1},
        {"size": True},
        {"size": 1.5},
        {"size": None},
        {"blobId": 5},
        {"blobId": ""},
        {"lfs": {"size": "x", "sha256": "1" * 64, "pointerSize": 1}},
        {"lfs": {"size": 3, "sha256": ["x"], "pointerSize": 1}},
        {"lfs": 3},
    ],
    ids=str,
)
def test_entries_of_wrong_types(wrong: dict[str, Any], tmp_path: Path) -> None:
    """Nothing is made of them, whatever the Hub's library lets through."""
    described = {"id": "a/b", "sha": COMMIT, "siblings": [SOUND | wrong]}
    answer(tmp_path, json.dumps(described))
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        read_all(tmp_path)


def test_nests_without_end(tmp_path: Path) -> None:
    """An answer that Python's own reader of JSON cannot follow."""
    answer(tmp_path, "[" * 100_000)
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        read_all(tmp_path)


@pytest.mark.parametrize("headers", [{"x-linked-size": "many"}, {"location": "http://[::1"}, {"content-length": "x"}])
def test_headers_that_say_nothing(headers: dict[str, str], tmp_path: Path) -> None:
    """Of a file that was listed as it should be."""
    described = {"id": "a/b", "sha": COMMIT, "siblings": [SOUND]}
    answer(tmp_path, json.dumps(described), headers)
    with pytest.raises(AuditError):
        read_all(tmp_path)


@pytest.mark.parametrize("body", [b"\xe4", b"[]", b"[" * 100_000, b'{"error": 1}', b'{"error": [[]]}', b"null"])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_with_any_body(body: bytes, status: int, tmp_path: Path) -> None:
    """What it says beyond its status and headers is nobody's concern."""
    said = {"described": base64.b64encode(body).decode(), "weights": "", "etag": "", "status": [status]}
    (tmp_path / "answers.json").write_text(json.dumps({**said, "headers": {}}))
    with pytest.raises(AuditError):
        read_all(tmp_path)


def answer(folder: Path, described: str, headers: dict[str, str] | None = None) -> None:
    """Let the made-up Hub answer so."""
    said = {"described": base64.b64encode(described.encode()).decode(), "weights": "", "etag": "", "status": [200]}
    (folder / "answers.json").write_text(json.dumps({**said, "headers": headers or {}}))


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


def test_file_that_is_not_the_listed_one(hub: FakeHub, connect: Connect, folder: Path) -> None:
    """An address with another digest than the listed one is not read from, even if there are as many bytes."""
    source = connect()
    (folder / LARGE).write_bytes(CONTENT[LARGE][::-1])
    hub._digests.clear()
    with pytest.raises(ReadError, match="was changed while it was read"):
        read(source, 40, 50)


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "http://", "//", "gopher://x/", "http://[::1", "data:,x", "\x00"]
)
def test_address_that_is_none(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """No file, and nothing that is no address of a web server."""
    source = connect()
    monkeypatch.setattr(FakeHub, "signed_url", lambda self, path: place)
    with pytest.raises(ReadError):
        read(source, 0, 10)


def test_address_of_another_kind(hub: FakeHub, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that no web client can use is not tried."""
    source = connect()
    monkeypatch.setattr(FakeHub, "signed_url", lambda self, path: "ftp://storage/file")
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        read(source, 0, 10)


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


def test_endpoint_that_is_no_address(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong HF_ENDPOINT is a mistake of the settings."""
    for endpoint in ("huggingface.co", "ftp://host", "https://", "http://[1"):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(UsageError, match=r"HF_ENDPOINT is .* no address"):
            connect()
