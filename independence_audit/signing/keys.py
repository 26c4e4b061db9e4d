"""Keys in PEM files, for signing and for verifying: Ed25519, ECDSA on the NIST curves, and RSA."""

from __future__ import annotations

from typing import Protocol

from independence_audit.core.bounded import read_bounded
from independence_audit.errors import UsageError

LARGEST_FILE = 100_000
"""Bytes; a key has some thousand."""


class PublicKey(Protocol):
    """Verifies signatures."""

    @property
    def keyid(self) -> str:
        """SHA-256 of the key's DER form (SubjectPublicKeyInfo), in hexadecimal."""

    @property
    def hint(self) -> str:
        """SHA-256 of the key's PEM form, by which sigstore bundles of the OpenSSF model signature name it."""

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message."""


class PrivateKey(Protocol):
    """Signs messages."""

    @property
    def keyid(self) -> str:
        """That of its public key."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""


def read_private_key(path: str) -> PrivateKey:
    """Read an unencrypted private key.

    Raises:
        UsageError: ``cryptography`` is not installed, or the file holds no private key that can be used.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from independence_audit.signing.algorithms import SigningKey

    content = _content(path)
    try:
        return SigningKey(load_pem_private_key(content, password=None))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{path} holds no private key that can be used.",
            "Make one: openssl genpkey -algorithm ed25519 -out key.pem; it must not be encrypted.",
        ) from error


def read_public_key(path: str) -> PublicKey:
    """Read a public key.

    Raises:
        UsageError: ``cryptography`` is not installed, or the file holds no public key that can be used.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from independence_audit.signing.algorithms import VerifyingKey

    content = _content(path)
    try:
        return VerifyingKey(load_pem_public_key(content))
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(
            f"{path} holds no public key that can be used.", "Make it of yours: openssl pkey -in key.pem -pubout"
        ) from error


def _content(path: str) -> bytes:
    try:
        return read_bounded(path, LARGEST_FILE)
    except OSError as error:
        raise UsageError(f"The key {path} cannot be read: {error.strerror}.", "Check the path.") from error


def _need_cryptography() -> None:
    try:
        import cryptography  # noqa: F401  only whether it is there
    except ImportError as error:
        raise UsageError(
            "Signatures need the package cryptography.", "Install it: pip install 'independence-audit[sign]'"
        ) from error
