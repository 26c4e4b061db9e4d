"""A Hub that answers whatever was made up, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import huggingface_hub
from huggingface_hub.utils._http import default_client_factory
from hypothesis import strategies as st

from independence_audit.checkpoint.open_remote import open_hub_checkpoint
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import Patience
from tests.fuzz.made import Draw, as_json, damaged, json_like, junk

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS, CONFIG = "model.safetensors", "config.json"
STATUSES = (200, 200, 200, 200, 206, 204, 302, 304, 307, 400, 401, 403, 404, 416, 429, 500, 503)


@st.composite
def answers(draw: Draw, weights: bytes) -> Mapping[str, bytes]:
    """What the Hub says of a repository, of its files and on being asked for their bytes."""
    digest = hashlib.sha256(weights).hexdigest()
    described = {
        "id": "a/b",
        "sha": COMMIT,
        "gated": False,
        "siblings": [
            {
                "rfilename": WEIGHTS,
                "size": len(weights),
                "blobId": "1" * 40,
                "lfs": {"size": len(weights), "sha256": digest, "pointerSize": 130, "oid": digest},
            },
            {"rfilename": CONFIG, "size": 2, "blobId": "2" * 40},
        ],
    }
    headers = (
        {}
        if draw(st.booleans())
        else draw(st.dictionaries(st.sampled_from(HEADERS), st.one_of(st.sampled_from(VALUES), junk()), max_size=3))
    )
    return {
        "answers.json": as_json(
            {
                "described": base64.b64encode(draw(json_like(described))).decode(),
                "weights": base64.b64encode(draw(damaged(weights))).decode(),
                "etag": digest,
                "status": [draw(st.sampled_from(STATUSES)) for _ in range(3)] if draw(st.booleans()) else [200],
                "headers": {name: str(value)[:2000] for name, value in headers.items()},
            }
        )
    }


HEADERS = (
    "content-length",
    "content-range",
    "content-type",
    "content-encoding",
    "etag",
    "x-linked-etag",
    "x-linked-size",
    "x-repo-commit",
    "location",
    "retry-after",
    "x-error-code",
    "x-error-message",
    "link",
    "ratelimit",
)
VALUES = (
    "0",
    "-1",
    "bytes 0-1/2",
    "bytes 5-1/*",
    "bytes */0",
    '""',
    'W/"x"',
    "https://evil.example/x",
    "/loop",
    "file:///etc/passwd",
    "//x",
    "gzip",
    "br",
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "RepoNotFound",
    "GatedRepo",
)


class _Hub:
    """Answers requests from one made-up description."""

    def __init__(self, made: dict[str, Any]) -> None:
        self._made = made
        self._weights = base64.b64decode(made["weights"])
        self._asked = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        made = self._made
        status = made["status"][self._asked % len(made["status"])]
        self._asked += 1
        if "/api/" in request.url.path:
            return self._answer(status, {"content-type": "application/json"}, base64.b64decode(made["described"]))
        content = b"{}" if request.url.path.endswith(CONFIG) else self._weights
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
        headers = {"etag": f'"{made["etag"]}"', "x-repo-commit": COMMIT, "x-linked-size": str(len(content))}
        if found and status == 200:
            start, stop = int(found[1]), min(int(found[2]) + 1, len(content))
            headers["content-range"] = f"bytes {start}-{stop - 1}/{len(content)}"
            return self._answer(206, headers, content[start:stop])
        return self._answer(status, headers, b"" if request.method == "HEAD" else content)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> httpx2.Response:
        told = {"content-length": str(len(content)), **headers, **self._made["headers"]}
        plain = {name: re.sub(r"[^\x20-\x7e]", "?", value) for name, value in told.items()}
        # As a stream: content that is there at once counts as read, and cannot be read piece by piece.
        return httpx2.Response(status, headers=plain, stream=httpx2.ByteStream(content))


def read(folder: Path) -> None:
    """Open a checkpoint on the made-up Hub and read all of its bytes."""
    made = json.loads((folder / "answers.json").read_bytes().decode("utf-8", "surrogatepass"))
    transport = httpx2.MockTransport(_Hub(made))
    huggingface_hub.set_client_factory(lambda: httpx2.Client(transport=transport, follow_redirects=True))
    try:
        patience = Patience(tries=2, sleep=lambda seconds: None)
        checkpoint = open_hub_checkpoint(HubName("a/b"), cache=folder / "cache", patience=patience)
        with_all = {name: (0, size) for name, size in checkpoint.source.files().items() if size < 1_000_000}
        for name, (start, stop) in with_all.items():
            checkpoint.source.read(name, start, memoryview(bytearray(stop - start)))
        checkpoint.source.close()
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
