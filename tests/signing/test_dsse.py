"""Envelopes: what we sign others verify, and nothing that was changed passes."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse as theirs
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # their documented import

from independence_audit.errors import MalformedError
from independence_audit.signing.dsse import is_signed_by, pre_authentication_encoding, read_envelope, read_object, sign
from independence_audit.signing.keys import read_private_key, read_public_key
from tests.signing.key_files import KEYS, saved

PAYLOAD = b'{"a": "\xc3\xa9"}'


@pytest.mark.parametrize("kind", KEYS)
def test_others_verify_what_we_sign(kind: str, tmp_path: Path) -> None:
    """The envelope passes in securesystemslib, and in ours."""
    key = KEYS[kind]()
    private, public = saved(key, tmp_path)
    text = sign(PAYLOAD, read_private_key(private))
    ours = read_public_key(public)
    envelope = theirs.Envelope.from_dict(json.loads(text))
    assert ours.keyid in envelope.verify([SSlibKey.from_crypto(key.public_key(), keyid=ours.keyid)], 1)
    assert envelope.payload == PAYLOAD
    assert is_signed_by(read_envelope(text.encode(), "x"), ours)


@pytest.mark.parametrize("kind", KEYS)
def test_other_keys_and_other_bytes_do_not_pass(kind: str, tmp_path: Path) -> None:
    """A signature by another key, a changed payload, a changed type, a changed signature."""
    private, public = saved(KEYS[kind](), tmp_path)
    text = sign(PAYLOAD, read_private_key(private))
    key = read_public_key(public)
    (tmp_path / "other").mkdir()
    _, stranger = saved(KEYS[kind](), tmp_path / "other")
    assert not is_signed_by(read_envelope(text.encode(), "x"), read_public_key(stranger))
    changed = json.loads(text)
    for name, value in (("payload", base64.b64encode(b"{}").decode()), ("payloadType", "text/plain")):
        assert not is_signed_by(read_envelope(json.dumps(changed | {name: value}).encode(), "x"), key)
    changed["signatures"][0]["sig"] = base64.b64encode(b"no signature").decode()
    assert not is_signed_by(read_envelope(json.dumps(changed).encode(), "x"), key)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"payload": "", "payloadType": "t", "signatures": []}',
        b'{"payload": "", "payloadType": "t", "signatures": [1]}',
        b'{"payload": "%", "payloadType": "t", "signatures": [{"sig": ""}]}',
        b'{"payload": "", "payload": "", "payloadType": "t", "signatures": [{"sig": ""}]}',
    ],
)
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    """One sentence, no traceback."""
    with pytest.raises(MalformedError):
        read_envelope(content, "statement.json")


@given(st.binary(max_size=100))
def test_no_bytes_crash_it(content: bytes) -> None:
    """Whatever was handed in is an envelope or is refused."""
    with pytest.raises(MalformedError):
        read_envelope(content, "statement.json")


def test_the_encoding_is_that_of_the_protocol() -> None:
    """The example of the DSSE protocol's text."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert read_object(b"{}", "x") == {}
