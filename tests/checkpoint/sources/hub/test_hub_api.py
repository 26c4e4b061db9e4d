"""A Hub whose listing is not of the types that listings are is told in one sentence."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.errors import AuditError, ReadError
from tests.fuzz.hub import COMMIT, read

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
        read(tmp_path)


def test_nests_without_end(tmp_path: Path) -> None:
    """An answer that Python's own reader of JSON cannot follow."""
    answer(tmp_path, "[" * 100_000)
    with pytest.raises(ReadError, match="did not answer as a Hub does"):
        read(tmp_path)


@pytest.mark.parametrize("headers", [{"x-linked-size": "many"}, {"location": "http://[::1"}, {"content-length": "x"}])
def test_headers_that_say_nothing(headers: dict[str, str], tmp_path: Path) -> None:
    """Of a file that was listed as it should be."""
    described = {"id": "a/b", "sha": COMMIT, "siblings": [SOUND]}
    answer(tmp_path, json.dumps(described), headers)
    with pytest.raises(AuditError):
        read(tmp_path)


@pytest.mark.parametrize("body", [b"\xe4", b"[]", b"[" * 100_000, b'{"error": 1}', b'{"error": [[]]}', b"null"])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_with_any_body(body: bytes, status: int, tmp_path: Path) -> None:
    """What it says beyond its status and headers is nobody's concern."""
    said = {"described": base64.b64encode(body).decode(), "weights": "", "etag": "", "status": [status]}
    (tmp_path / "answers.json").write_text(json.dumps({**said, "headers": {}}))
    with pytest.raises(AuditError):
        read(tmp_path)


def answer(folder: Path, described: str, headers: dict[str, str] | None = None) -> None:
    """Let the made-up Hub answer so."""
    said = {"described": base64.b64encode(described.encode()).decode(), "weights": "", "etag": "", "status": [200]}
    (folder / "answers.json").write_text(json.dumps({**said, "headers": headers or {}}))
