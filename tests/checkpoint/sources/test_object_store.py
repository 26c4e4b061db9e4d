"""Reading from object stores and web servers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from independence_audit.checkpoint import ByteSource
from independence_audit.checkpoint.sources.object_store import (
    ObjectStoreSource,
    connect,
    listed_source,
    named_source,
)
from independence_audit.errors import AuditError, ChangedError, MissingError, ReadError, UnsupportedError, UsageError
from tests.checkpoint.source_contract import CONTENT, LARGE, SHORT_BY, SourceContract, served_folder
from tests.hub.fake_hub import ENDLESS, FakeHub, Fault, reach, serving

store_module = pytest.importorskip("obstore.store", reason="obstore is an extra")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the contract."""
    return served_folder(tmp_path / "hub")


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A web server that serves it, at an address of its own and by redirection."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "1")
        yield hub


@pytest.fixture
def served(hub: FakeHub) -> ObjectStoreSource:
    """The files of that web server."""
    return named_source(connect(f"{hub.url}/team/toy/resolve/main", allow_http=True), [*CONTENT], "web")


def read(source: ByteSource, start: int, stop: int) -> bytes:
    """Bytes of the large file."""
    buffer = bytearray(stop - start)
    source.read(LARGE, start, memoryview(buffer))
    return bytes(buffer)


class TestLocalStore(SourceContract):
    @pytest.fixture
    def source(self, folder: Path) -> ByteSource:
        """A store that is listed."""
        return listed_source(store_module.LocalStore(folder), "store")

    @pytest.fixture
    def short_source(self, source: ByteSource, folder: Path) -> ByteSource:
        """A store of which one object shrank."""
        os.truncate(folder / LARGE, len(CONTENT[LARGE]) - SHORT_BY)
        return source


class TestMemoryStore(SourceContract):
    @pytest.fixture
    def source(self) -> ByteSource:
        """A store in memory, as a bucket."""
        store = store_module.MemoryStore()
        for name, content in CONTENT.items():
            store.put(name, content)
        store.put("folder/other.safetensors", b"")
        source = listed_source(store, "store")
        assert source.files().keys() == CONTENT.keys()
        return source

    @pytest.fixture
    def short_source(self) -> ByteSource:
        """A bucket in which one object was replaced by a shorter one."""
        store = store_module.MemoryStore()
        store.put(LARGE, CONTENT[LARGE])
        source = named_source(store, [LARGE], "store")
        store.put(LARGE, CONTENT[LARGE][:-SHORT_BY])
        return source


class TestWebServer(SourceContract):
    @pytest.fixture
    def source(self, served: ObjectStoreSource, monkeypatch: pytest.MonkeyPatch) -> ByteSource:
        """Files on a web server, which has time enough for many requests on a machine that has much to do."""
        monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "30")
        return served

    @pytest.fixture
    def short_source(self, served: ObjectStoreSource, folder: Path) -> ByteSource:
        """A file on a web server that shrank."""
        os.truncate(folder / LARGE, len(CONTENT[LARGE]) - SHORT_BY)
        return served


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {Fault.SLOW, Fault.COMPRESSED}])
def test_never_wrong_bytes(hub: FakeHub, served: ObjectStoreSource, fault: Fault) -> None:
    """Whatever the server does: the right bytes, or an error with a way out.

    The next read is right again, unless the object was changed: then nothing that was read of it may count.
    """
    hub.fail(fault)
    changed = False
    try:
        assert read(served, 1000, 2000) == CONTENT[LARGE][1000:2000]
    except AuditError as error:
        assert (error.hint != "", hub.url in error.message) == (True, False)  # noqa: PT017 - either is right
        changed = isinstance(error, ChangedError)
    assert changed == (fault in {Fault.WRONG_TOTAL, Fault.CHANGED_ETAG})
    if changed:
        for again in (lambda: read(served, 1000, 2000), served.confirm):
            with pytest.raises(ChangedError):
                again()
    else:
        assert read(served, 1000, 2000) == CONTENT[LARGE][1000:2000]
        served.confirm()


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (Fault.RANGE_IGNORED, UnsupportedError, "cannot deliver parts"),
        (Fault.SHORT, ReadError, "other bytes came"),
        (Fault.WRONG_RANGE, ReadError, "could not be read"),
        (Fault.WRONG_TOTAL, ReadError, "was changed"),
        (Fault.CHANGED_ETAG, ReadError, "was changed"),
        (Fault.EXPIRED, ReadError, "was refused"),
    ],
)
def test_errors(hub: FakeHub, served: ObjectStoreSource, fault: Fault, error: type[AuditError], message: str) -> None:
    """What is wrong is said, and libraries' texts with addresses in them are not."""
    hub.fail(fault)
    with pytest.raises(error, match=rf"'model\.safetensors'.*{message}") as caught:
        read(served, 1000, 2000)
    assert "http" not in caught.value.message


def test_missing_object(hub: FakeHub) -> None:
    """An object that is not there is missing."""
    with pytest.raises(MissingError, match="There is no 'none'"):
        named_source(connect(f"{hub.url}/team/toy/resolve/main", allow_http=True), ["none"], "web")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says how to install it."""
    for module in ("obstore.exceptions", "obstore.store"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match="not installed") as caught:
        connect("s3://bucket/model")
    assert "independence-audit[cloud]" in caught.value.hint


@pytest.mark.parametrize("url", ["az://container/model", "http://host/model", "s3://"])
def test_address_that_cannot_be_used(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is missing, or an address without a host, is a mistake of the command line."""
    for variable in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(variable)
    with pytest.raises((UsageError, ReadError)) as caught:
        named_source(connect(url), ["x"], "x")
    assert caught.value.hint


def test_stores_by_scheme() -> None:
    """Each scheme is its own kind of store."""
    kinds: dict[str, Any] = {"s3://b/m": "S3Store", "gs://b/m": "GCSStore", "https://h/m": "HTTPStore"}
    assert {url: type(connect(url)).__name__ for url in kinds} == kinds


@pytest.mark.parametrize("fault", [*sorted(ENDLESS, key=str), Fault.LOOP])
def test_answer_without_end(
    hub: FakeHub, served: ObjectStoreSource, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """A flood, a drip, a bomb and circles end in a sentence, when a file is looked at and when it is read."""
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.4")
    for server in ("hub", "storage"):
        hub.fail(fault, 1000, server)
    began = time.monotonic()
    with pytest.raises(AuditError) as caught:
        read(served, 0, 10)
    assert caught.value.hint
    with pytest.raises(AuditError):
        named_source(connect(f"{hub.url}/team/toy/resolve/main", allow_http=True), [LARGE], "web")
    assert time.monotonic() - began < 5
