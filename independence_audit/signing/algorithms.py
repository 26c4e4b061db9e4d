"""The signature algorithms, by ``cryptography``; imported only where a key is read.

ECDSA with the digest of its curve's size, Ed25519, and RSA-PSS with SHA-256: the pairs that sigstore and
securesystemslib use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

SMALLEST_RSA = 2048
"""Bits; NIST SP 800-131A Rev. 2 allows no shorter RSA key for signatures."""
PAIRED: dict[str, type[HashAlgorithm]] = {"secp256r1": SHA256, "secp384r1": SHA384, "secp521r1": SHA512}
"""The curves that are supported, with their digests, as sigstore pairs them."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key of a supported kind."""

    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey

    def __init__(self, key: PublicKeyTypes) -> None:
        """Take a key.

        Raises:
            ValueError: It is of another kind, or too short.
        """
        object.__setattr__(self, "key", _checked(key))

    @property
    def keyid(self) -> str:
        """SHA-256 of its DER form."""
        return _fingerprint(self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    @property
    def hint(self) -> str:
        """SHA-256 of its PEM form."""
        return _fingerprint(self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        try:
            match self.key:
                case ed25519.Ed25519PublicKey() as key:
                    key.verify(signature, message)
                case ec.EllipticCurvePublicKey() as key:
                    key.verify(signature, message, ec.ECDSA(_digest_for(key)))
                case rsa.RSAPublicKey() as key:
                    key.verify(signature, message, _pss(padding.PSS.AUTO), SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of a supported kind."""

    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

    def __init__(self, key: PrivateKeyTypes) -> None:
        """Take a key.

        Raises:
            ValueError: It is of another kind, or too short.
        """
        _checked(key.public_key())
        object.__setattr__(self, "key", key)

    @property
    def keyid(self) -> str:
        """That of its public key."""
        return VerifyingKey(self.key.public_key()).keyid

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        match self.key:
            case ed25519.Ed25519PrivateKey() as key:
                return key.sign(message)
            case ec.EllipticCurvePrivateKey() as key:
                return key.sign(message, ec.ECDSA(_digest_for(key)))
            case rsa.RSAPrivateKey() as key:
                return key.sign(message, _pss(padding.PSS.DIGEST_LENGTH), SHA256())


def _checked(key: PublicKeyTypes) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey):
        _digest_for(key)
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA:
        raise ValueError("an RSA key has to have 2048 bits or more")
    if isinstance(key, ed25519.Ed25519PublicKey | rsa.RSAPublicKey):
        return key
    raise ValueError("a key of this kind is not supported")


def _pss(salt_length: object) -> padding.PSS:
    return padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=salt_length)  # type: ignore[arg-type]  # a marker class


def _digest_for(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> HashAlgorithm:
    if key.curve.name not in PAIRED:
        raise ValueError(f"the curve {key.curve.name} is not supported")
    return PAIRED[key.curve.name]()


def _fingerprint(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()
