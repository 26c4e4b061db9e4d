"""Envelopes: what we sign others verify, and nothing that was changed passes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib import dsse as theirs
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # their documented import

from independence_audit.errors import MalformedError, UsageError
from independence_audit.signing.dsse import is_signed_by, read_envelope, sign
from independence_audit.signing.keys import read_private_key, read_public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEYS: dict[str, Callable[[], PrivateKeyTypes]] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}
PAYLOAD = b'{"a": "\xc3\xa9"}'


def saved(key: PrivateKeyTypes, folder: Path) -> tuple[str, str]:
    """Write a key pair as PEM files."""
    private, public = folder / "key.pem", folder / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return str(private), str(public)


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


def test_keys_that_cannot_be_used(tmp_path: Path) -> None:
    """No file, no key, a private one for a public one, one of another kind, one that is too short."""
    private, public = saved(KEYS["ed25519"](), tmp_path)
    for path in (str(tmp_path / "none"), __file__, private):
        with pytest.raises(UsageError):
            read_public_key(path)
    for path in (str(tmp_path / "none"), __file__, public):
        with pytest.raises(UsageError):
            read_private_key(path)
    for number, key in enumerate(weak_keys()):
        (tmp_path / str(number)).mkdir()
        weak, weak_public = saved(key, tmp_path / str(number))
        with pytest.raises(UsageError):
            read_private_key(weak)
        with pytest.raises(UsageError):
            read_public_key(weak_public)


def weak_keys() -> list[PrivateKeyTypes]:
    """Keys of a kind, on a curve or of a length that is not taken."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505  it has to be refused
    return [dsa.generate_private_key(2048), ec.generate_private_key(ec.SECP256K1()), short]
