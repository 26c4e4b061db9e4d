"""A Hub on this machine for tests: two servers, one that knows repositories and one that stores their large files.

It answers as the Hub's own library expects, serves files by seeking in them, so that they may be sparse and larger
than memory, writes down every request, and misbehaves when it is told to.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from huggingface_hub import constants

if TYPE_CHECKING:
    import pytest

TOKEN = "hf_SecretOfTheTests"  # noqa: S105 - it opens nothing but the fake
LARGE_SUFFIXES = (".safetensors", ".gguf")
"""Files with these suffixes lie in the storage; the Hub itself serves all others."""
_LARGEST_HASHED = 64 << 20
_PIECE = 1 << 20


class Fault(Enum):
    """Ways to misbehave."""

    RANGE_IGNORED = "the whole file with status 200 instead of a part"
    TRUNCATED = "fewer bytes than announced, then the end"
    SHORT = "fewer bytes than asked for, announced as such"
    WRONG_RANGE = "a Content-Range of other bytes"
    WRONG_TOTAL = "a Content-Range with another size of the file"
    NO_CONTENT_RANGE = "status 206 without Content-Range"
    COMPRESSED = "bytes that are said to be compressed"
    CHANGED_ETAG = "another ETag than before"
    EXPIRED = "403, as for a signature that has expired"
    UNAVAILABLE = "503"
    RATE_LIMITED = "429 with Retry-After"
    SLOW = "silence in the middle of the bytes"
    RESET = "the connection breaks in the middle of the bytes"
    PORTAL = "a page of a guest network"
    GZIP_BOMB = "a compressed answer that unpacks to a hundred thousand times its size, and then goes on"
    ENDLESS = "bytes without end"
    DRIP = "one byte at a time"
    DRIPPING_HEADERS = "headers that come one byte at a time"
    HUGE_HEADERS = "headers of megabytes"
    LOOP = "a redirect to the same address"
    ELSEWHERE = "a redirect to another server, which is not there"


ENDLESS = {Fault.GZIP_BOMB, Fault.ENDLESS, Fault.DRIP, Fault.DRIPPING_HEADERS, Fault.HUGE_HEADERS}


class ScannedCheckpoint(NamedTuple):
    """A request as it came in, and what it got."""

    server: str
    """``hub`` or ``storage``."""
    method: str
    path: str
    """Without the query."""
    headers: Mapping[str, str]
    """With names in lower case."""
    status: int
    sent: int
    """Bytes of the file."""


@dataclass
class _Repository:
    """A repository: its revisions, and what each commit holds."""

    commits: dict[str, Path] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False


class FakeHub:
    """Repositories of a folder ``root/owner/name``, and what the tests ask of them.

    Attributes:
        url: What ``HF_ENDPOINT`` has to be.
        seen: Every request so far.
        described: What every repository is described by, in place of what it holds.
        retry_after: Seconds that overloaded answers ask to wait; None leaves it to the client.
        silence: Seconds that slow answers pause.
        lasting: Seconds after which an answer without end is given up, should nobody hang up.
    """

    def __init__(self, root: Path) -> None:
        self.seen: list[ScannedCheckpoint] = []
        self.described: bytes | None = None
        self.retry_after: int | None = None
        self.silence = 0.3
        self.lasting = 20.0
        self._repositories: dict[str, _Repository] = {}
        self._faults: dict[str, list[Fault | None]] = {"hub": [], "storage": []}
        self._digests: dict[Path, tuple[str, str]] = {}
        self._signatures = count(1)
        self._oldest_valid = 1
        self._lock = Lock()
        self._hub = _Server(self, _HubHandler)
        self._storage = _Server(self, _StorageHandler)
        self.url = self._hub.url
        for folder in sorted(root.glob("*/*")):
            self.add(f"{folder.parent.name}/{folder.name}", folder)

    def add(
        self, repository: str, folder: Path, revision: str = "main", *, gated: bool = False, private: bool = False
    ) -> str:
        """Let a revision of a repository be what a folder holds; returns its commit."""
        held = self._repositories.setdefault(repository, _Repository())
        commit = hashlib.sha1(f"{repository} {revision} {folder}".encode()).hexdigest()  # noqa: S324 - as Git
        held.commits[commit] = folder
        held.revisions[revision] = commit
        held.gated, held.private = gated, private
        return commit

    def fail(self, fault: Fault, times: int = 1, server: str = "storage", after: int = 0) -> None:
        """Misbehave in the next answers of one of the servers, after some good ones."""
        self._faults[server] += [*[None] * after, *[fault] * times]

    def mend(self) -> None:
        """Behave from now on."""
        self._faults = {"hub": [], "storage": []}

    def expire(self) -> None:
        """Let all addresses in the storage that were given out expire."""
        with self._lock:
            self._oldest_valid = next(self._signatures) + 1

    def stop(self) -> None:
        """Stop serving, and break the connections that are open."""
        self._hub.stop()
        self._storage.stop()

    def requests(self, server: str = "", method: str = "") -> list[ScannedCheckpoint]:
        """The requests so far, of one server or method only."""
        return [seen for seen in self.seen if seen.server.startswith(server) and seen.method.startswith(method)]

    @property
    def sent(self) -> int:
        """Bytes of files that were sent so far."""
        return sum(seen.sent for seen in self.seen)

    def take_fault(self, server: str) -> Fault | None:
        """The fault of the next answer."""
        with self._lock:
            return self._faults[server].pop(0) if self._faults[server] else None

    def repository(self, name: str) -> _Repository | None:
        """A repository by its name."""
        return self._repositories.get(name)

    def signed_url(self, path: Path) -> str:
        """The address of a file in the storage, good until the next :meth:`expire`."""
        with self._lock:
            return f"{self._storage.url}{quote(str(path))}?Signature={next(self._signatures)}"

    def is_valid(self, signature: int) -> bool:
        """Whether a signature has not expired."""
        return signature >= self._oldest_valid

    def digests(self, path: Path) -> tuple[str, str]:
        """The Git object's SHA-1 and the SHA-256 of a file; stand-ins where hashing would take seconds."""
        if path not in self._digests:
            size = path.stat().st_size
            content = path.read_bytes() if size <= _LARGEST_HASHED else f"{path.name} of {size} bytes".encode()
            git = hashlib.sha1(f"blob {size}\0".encode() + content).hexdigest()  # noqa: S324 - what Git uses
            self._digests[path] = git, hashlib.sha256(content).hexdigest()
        return self._digests[path]


@contextmanager
def serving(root: Path) -> Iterator[FakeHub]:
    """A fake Hub with the repositories of a folder, stopped at the end."""
    hub = FakeHub(root)
    try:
        yield hub
    finally:
        hub.stop()


def reach(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything in this process take the fake for the Hub: its address, no token, an empty cache of our own."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("AUDIT_CACHE", str(cache))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


class _Server(ThreadingHTTPServer):
    """One of the two servers; knows its connections, so that stopping it stops them."""

    daemon_threads = True

    def __init__(self, hub: FakeHub, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.hub = hub
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._open: set[Any] = set()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def get_request(self) -> Any:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up."""

    def stop(self) -> None:
        if self._thread.is_alive():
            self.shutdown()
            self.server_close()
            for connection in tuple(self._open):
                self.shutdown_request(connection)
            self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """What both servers do: small answers, files and their parts, faults."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: _Server
    kind: str

    def log_message(self, *_: object) -> None:
        """The tests look at what was seen."""

    def answer(self, status: int, body: bytes = b"", /, **headers: str) -> None:
        """Send a whole small answer."""
        self.note(status, 0)
        self.head(status, len(body), headers)
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def note(self, status: int, sent: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(urlsplit(self.path).path)
        self.server.hub.seen.append(ScannedCheckpoint(self.kind, self.command, path, headers, status, sent))

    def is_failed(self, fault: Fault | None) -> bool:
        """Whether the fault is one that takes the place of the answer, which is sent then."""
        hub = self.server.hub
        again = {} if hub.retry_after is None else {"Retry-After": str(hub.retry_after)}
        if fault is Fault.UNAVAILABLE:
            self.answer(503, b"", **again)
        elif fault is Fault.RATE_LIMITED:
            self.answer(429, b"", **again)
        elif fault is Fault.EXPIRED:
            self.answer(403, b"<Error>Request has expired</Error>")
        elif fault is Fault.PORTAL:
            self.answer(200, b"<html>Welcome to our network</html>")
        elif fault is Fault.LOOP:
            self.answer(302, b"", Location=self.path)
        elif fault is Fault.ELSEWHERE:
            self.answer(302, b"", Location=f"http://127.0.0.1:9{self.path}")
        elif fault in ENDLESS:
            self._go_on(fault)
        else:
            return False
        return True

    def _go_on(self, fault: Fault | None) -> None:
        """Send an answer that has no end, until the other side hangs up."""
        self.close_connection = True
        piece, pause = b"x" * (1 << 16), 0.0
        if fault is Fault.DRIPPING_HEADERS:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            piece, pause = b"x", 0.05
        elif fault is Fault.HUGE_HEADERS:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        else:
            status = 206 if "range" in self.headers else 200
            self.send_response(status)
            if fault is Fault.GZIP_BOMB:
                self.send_header("Content-Encoding", "gzip")
                piece = gzip.compress(bytes(1 << 24))
            if fault is Fault.DRIP:
                piece, pause = b" ", 0.05
            asked = self.headers.get("range", "bytes=0-9").removeprefix("bytes=")
            self.send_header("Content-Range", f"bytes {asked}/200000")
            self.end_headers()
        deadline = time.monotonic() + self.server.hub.lasting
        with suppress(OSError):
            while time.monotonic() < deadline:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(pause)

    def send_file(self, path: Path, etag: str, fault: Fault | None, **headers: str) -> None:
        """Send a file or the part of it that is asked for."""
        size = path.stat().st_size
        wanted = self.headers.get("range")
        start, stop = 0, size
        if wanted is not None and fault is not Fault.RANGE_IGNORED:
            first, last = wanted.removeprefix("bytes=").split("-")
            start, stop = int(first), min(int(last) + 1, size)
            if start >= size:
                self.answer(416, Content_Range=f"bytes */{size}")
                return
            told = start + 1 if fault is Fault.WRONG_RANGE else start
            total = size + 1 if fault is Fault.WRONG_TOTAL else size
            if fault is not Fault.NO_CONTENT_RANGE:
                headers["Content_Range"] = f"bytes {told}-{stop - 1}/{total}"
        status = 206 if wanted is not None and fault is not Fault.RANGE_IGNORED else 200
        if fault is Fault.SHORT:
            stop -= 1
        if fault is Fault.COMPRESSED:
            headers["Content_Encoding"] = "gzip"
        headers["ETag"] = '"changed"' if fault is Fault.CHANGED_ETAG else f'"{etag}"'
        self.note(status, 0 if self.command == "HEAD" else stop - start)
        self.head(status, stop - start, headers)
        if self.command == "GET":
            self._send_bytes(path, start, stop, fault)

    def _send_bytes(self, path: Path, start: int, stop: int, fault: Fault | None) -> None:
        middle = (start + stop) // 2
        with path.open("rb") as file:
            file.seek(start)
            if fault in {Fault.TRUNCATED, Fault.RESET, Fault.SLOW}:
                self.wfile.write(file.read(middle - start))
                self.wfile.flush()
                start = middle
            if fault is Fault.SLOW:
                time.sleep(self.server.hub.silence)
            if fault is Fault.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if fault in {Fault.TRUNCATED, Fault.RESET}:
                self.close_connection = True
                return
            while start < stop:
                piece = file.read(min(_PIECE, stop - start))
                self.wfile.write(piece)
                start += len(piece)


class _HubHandler(_Handler):
    """The server that knows repositories."""

    kind = "hub"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        fault = self.server.hub.take_fault("hub")
        if self.is_failed(fault):
            return
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        if parts[:2] == ["api", "models"]:
            self._describe(parts[2:])
        elif parts[2:3] == ["resolve"]:
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]), fault)
        else:
            self.answer(404)

    def do_POST(self) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        found = self._commit("/".join(parts[2:4]), parts[5])
        if found is not None:
            listed = [entry for entry in self._tree(found[1]) if entry["path"] in form["paths"]]
            self.answer(200, json.dumps(listed).encode())

    def _describe(self, parts: list[str]) -> None:
        """``/api/models/{owner}/{name}[/revision/{revision}]`` and ``.../tree/{revision}``."""
        found = self._commit("/".join(parts[:2]), parts[3] if len(parts) > 3 else "main")
        if found is None:
            return
        commit, folder = found
        if self.server.hub.described is not None:
            self.answer(200, self.server.hub.described)
            return
        if parts[2:3] == ["tree"]:
            self.answer(200, json.dumps(self._tree(folder)).encode())
            return
        siblings = [
            {
                "rfilename": entry["path"],
                "size": entry["size"],
                "blobId": entry["oid"],
                "lfs": entry["lfs"] and {**entry["lfs"], "sha256": entry["lfs"]["oid"]},
            }
            for entry in self._tree(folder)
        ]
        described = {"id": "/".join(parts[:2]), "sha": commit, "siblings": siblings}
        self.answer(200, json.dumps(described).encode())

    def _tree(self, folder: Path) -> list[dict[str, Any]]:
        """The files of a folder, as the Hub lists them."""
        entries: list[dict[str, Any]] = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            git, sha256 = self.server.hub.digests(path)
            size = path.stat().st_size
            lfs = {"oid": sha256, "size": size, "pointerSize": 130} if path.suffix in LARGE_SUFFIXES else None
            name = path.relative_to(folder).as_posix()
            entries.append({"type": "file", "path": name, "size": size, "oid": git, "lfs": lfs})
        return entries

    def _resolve(self, repository: str, revision: str, file: str, fault: Fault | None) -> None:
        """``/{owner}/{name}/resolve/{revision}/{file}``: small files here, large ones in the storage."""
        found = self._commit(repository, revision)
        if found is None:
            return
        commit, folder = found
        held = self.server.hub.repository(repository)
        path = folder / file
        if held is not None and held.gated and not self._is_known():
            self.answer(401, X_Error_Code="GatedRepo", X_Error_Message=f"Access to {repository} is restricted.")
        elif not path.is_file():
            self.answer(404, X_Error_Code="EntryNotFound", X_Error_Message="Entry not found")
        elif path.suffix in LARGE_SUFFIXES:
            self.answer(
                302,
                Location=self.server.hub.signed_url(path),
                X_Repo_Commit=commit,
                X_Linked_Etag='"changed"' if fault is Fault.CHANGED_ETAG else f'"{self.server.hub.digests(path)[1]}"',
                X_Linked_Size=str(path.stat().st_size),
            )
        else:
            self.send_file(path, self.server.hub.digests(path)[0], fault, X_Repo_Commit=commit)

    def _commit(self, repository: str, revision: str) -> tuple[str, Path] | None:
        """A revision's commit and its files; None after the refusal has been sent."""
        held = self.server.hub.repository(repository)
        given = self.headers.get("authorization")
        if given is not None and not self._is_known():
            self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
        elif held is None or (held.private and not self._is_known()):
            self.answer(404 if given else 401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        elif (commit := held.revisions.get(revision, revision)) not in held.commits:
            self.answer(404, X_Error_Code="RevisionNotFound", X_Error_Message=f"Invalid rev id: {revision}")
        else:
            return commit, held.commits[commit]
        return None

    def _is_known(self) -> bool:
        return self.headers.get("authorization") == f"Bearer {TOKEN}"


class _StorageHandler(_Handler):
    """The server that stores large files; it knows no tokens, only signed addresses."""

    kind = "storage"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        fault = self.server.hub.take_fault("storage")
        if self.is_failed(fault):
            return
        address = urlsplit(self.path)
        if not self.server.hub.is_valid(int(parse_qs(address.query)["Signature"][0])):
            self.answer(403, b"<Error>Request has expired</Error>")
            return
        path = Path(unquote(address.path))
        self.send_file(path, f"storage-{self.server.hub.digests(path)[1][:8]}", fault)
