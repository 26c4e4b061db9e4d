"""Signature algorithms: the pairs of key and digest that others use as well, and no weaker ones."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.signing.algorithms import SigningKey, VerifyingKey
from tests.signing.signed_models import DATA

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
CURVES: dict[str, tuple[ec.EllipticCurve, HashAlgorithm]] = {
    "p256": (ec.SECP256R1(), SHA256()),
    "p384": (ec.SECP384R1(), SHA384()),
    "p521": (ec.SECP521R1(), SHA512()),
}
REFUSED: dict[str, tuple[Callable[[], PrivateKeyTypes], str]] = {
    "kind": (ed448.Ed448PrivateKey.generate, "a key of this kind is not supported"),
    "curve": (lambda: ec.generate_private_key(ec.SECP256K1()), "the curve secp256k1 is not supported"),
    "length": (lambda: rsa.generate_private_key(65537, 1024), "has to have 2048 bits or more"),  # noqa: S505  refused
}


@given(message=st.binary(max_size=40), other=st.binary(max_size=40))
def test_a_signature_is_of_one_message(message: bytes, other: bytes) -> None:
    """It verifies for the message that was signed, and for no other."""
    signature = SigningKey(ED25519).sign(message)
    assert VerifyingKey(ED25519.public_key()).verify(signature, message)
    assert VerifyingKey(ED25519.public_key()).verify(signature, other) == (message == other)


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_signs_with_the_digest_of_its_size(curve: str) -> None:
    """The library itself verifies with that digest, and ours verifies what it signs with it."""
    kind, digest = CURVES[curve]
    key = ec.generate_private_key(kind)
    key.public_key().verify(SigningKey(key).sign(b"message"), b"message", ec.ECDSA(digest))
    assert VerifyingKey(key.public_key()).verify(key.sign(b"message", ec.ECDSA(digest)), b"message")


def test_rsa_signs_with_a_salt_of_the_digests_length_and_verifies_any() -> None:
    """Other programs take the longest salt; the older padding without one is refused."""
    salted = {length: padding.PSS(padding.MGF1(SHA256()), length) for length in (32, 222)}
    RSA.public_key().verify(SigningKey(RSA).sign(b"message"), b"message", salted[32], SHA256())
    verifying = VerifyingKey(RSA.public_key())
    for pss in salted.values():
        assert verifying.verify(RSA.sign(b"message", pss, SHA256()), b"message")
    assert not verifying.verify(RSA.sign(b"message", padding.PKCS1v15(), SHA256()), b"message")


@pytest.mark.parametrize("signature", [b"", b"x", bytes(64), bytes(256)])
@pytest.mark.parametrize("key", [ED25519, RSA, ec.generate_private_key(ec.SECP256R1())], ids=["ed25519", "rsa", "p256"])
def test_bytes_that_are_no_signature_do_not_pass(key: PrivateKeyTypes, signature: bytes) -> None:
    """Whatever their length, and without an error of the library's."""
    assert not VerifyingKey(key.public_key()).verify(signature, b"message")


@pytest.mark.parametrize("weakness", REFUSED)
def test_weak_and_unknown_keys_are_refused(weakness: str) -> None:
    """Both halves, with the reason."""
    make, sentence = REFUSED[weakness]
    key = make()
    with pytest.raises(ValueError, match=sentence):
        SigningKey(key)
    with pytest.raises(ValueError, match=sentence):
        VerifyingKey(key.public_key())


def test_the_identifier_is_the_digest_of_the_der_form() -> None:
    """The text of the PEM form holds the same bytes, which anybody can digest; both halves have the same."""
    pem = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
    assert VerifyingKey(ED25519.public_key()).keyid == hashlib.sha256(der).hexdigest()
    assert SigningKey(ED25519).keyid == hashlib.sha256(der).hexdigest()


def test_the_hint_is_what_model_signing_writes() -> None:
    """As it stands in a signature that was made by that program."""
    key = load_pem_public_key((DATA / "signer.pub").read_bytes())
    bundle = json.loads((DATA / "model.sig").read_bytes())
    assert VerifyingKey(key).hint == bundle["verificationMaterial"]["publicKey"]["hint"]
