"""Keys in PEM files: what is one is read, what is none is refused with a sentence and a way out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from independence_audit.errors import UsageError
from independence_audit.signing.keys import LARGEST_FILE, read_private_key, read_public_key
from tests.signing.key_files import KEYS, saved

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

READERS: dict[str, Callable[[str], object]] = {"private": read_private_key, "public": read_public_key}


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


@pytest.mark.parametrize("kind", KEYS)
def test_two_files_of_one_pair_belong_together(kind: str, tmp_path: Path) -> None:
    """They have one identifier, and the public one verifies what the private one signs."""
    private, public = saved(KEYS[kind](), tmp_path)
    signing, verifying = read_private_key(private), read_public_key(public)
    assert signing.keyid == verifying.keyid
    assert len(bytes.fromhex(signing.keyid)) == 32
    assert verifying.verify(signing.sign(b"message"), b"message")


def test_an_encrypted_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Nobody is asked for a password: the hint says that the key must have none."""
    path = tmp_path / "key.pem"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(UsageError, match="no private key that can be used") as caught:
        read_private_key(str(path))
    assert "must not be encrypted" in caught.value.hint


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_not_there_is_told_from_one_without_a_key(reader: str, tmp_path: Path) -> None:
    """The system's reason stands in the sentence; a file without a key is another one."""
    with pytest.raises(UsageError, match=r"cannot be read: No such file"):
        READERS[reader](str(tmp_path / "none.pem"))
    (tmp_path / "empty.pem").touch()
    with pytest.raises(UsageError, match=f"holds no {reader} key"):
        READERS[reader](str(tmp_path / "empty.pem"))


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_too_large_for_a_key_is_not_read(reader: str, tmp_path: Path) -> None:
    """A key behind a hundred thousand bytes of something else is none."""
    private, public = saved(KEYS["ed25519"](), tmp_path)
    path = Path(private if reader == "private" else public)
    path.write_bytes(b"#" * LARGEST_FILE + b"\n" + path.read_bytes())
    with pytest.raises(UsageError, match=r"cannot be read"):
        READERS[reader](str(path))


@pytest.mark.parametrize("reader", READERS)
def test_without_the_library_it_is_told_what_to_install(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signatures are an extra of the package."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(UsageError, match="need the package cryptography") as caught:
        READERS[reader](str(tmp_path / "key.pem"))
    assert "independence-audit[sign]" in caught.value.hint
