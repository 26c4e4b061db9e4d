"""The OpenSSF model signature, ``model.sig``: a sigstore bundle around a DSSE envelope with a digest for every file.

https://github.com/sigstore/model-transparency/blob/main/docs/model_signing_format.md, version 1.0. Signatures by a key
are verified here, without a network; those by a certificate or an identity need sigstore's own tools.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from independence_audit.errors import MalformedError, UnsupportedError
from independence_audit.signing.dsse import IN_TOTO, envelope_of, is_signed_by, read_object
from independence_audit.signing.keys import PublicKey

FILE = "model.sig"
PREDICATE = "https://model_signing/signature/v1.0"
STATEMENT = "https://in-toto.io/Statement/v1"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_AS_MADE = "Take the file as its signer made it."


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """Digests that a key's owner signed."""

    keyid: str
    digests: Mapping[str, str]
    """SHA-256 in hexadecimal by file name, relative to the model's folder."""


def verify_model_signature(content: bytes, key: PublicKey) -> ModelSignature:
    """Verify a model signature and take its digests.

    Raises:
        MalformedError: It is no model signature, contradicts itself, or is not signed by the key.
        UnsupportedError: It is signed by a certificate, or has digests of another kind than SHA-256 of whole files.
    """
    bundle = read_object(content, FILE)
    material = _mapping(bundle.get("verificationMaterial"))
    if "publicKey" not in material:
        raise UnsupportedError(
            f"{FILE} is not signed by a key.", "Verify it with model_signing verify; here only keys are supported."
        )
    envelope = envelope_of(_mapping(bundle.get("dsseEnvelope")), FILE)
    hint = _mapping(material["publicKey"]).get("hint")
    if hint and hint != key.hint:
        raise MalformedError(f"{FILE} is signed by another key than the one named.", "Name its signer's public key.")
    if envelope.payload_type != IN_TOTO or not is_signed_by(envelope, key):
        raise MalformedError(f"The signature in {FILE} is not that of the key.", "Do not trust these weights.")
    return ModelSignature(key.keyid, _digests(read_object(envelope.payload, FILE)))


def _digests(statement: Mapping[str, object]) -> dict[str, str]:
    if statement.get("_type") != STATEMENT or statement.get("predicateType") != PREDICATE:
        raise UnsupportedError(
            f"{FILE} is of a version that is not known here.", "Sign the model with model-signing 1.x."
        )
    predicate = _mapping(statement.get("predicate"))
    serialization = _mapping(predicate.get("serialization"))
    if (serialization.get("method"), serialization.get("hash_type")) != ("files", "sha256"):
        raise UnsupportedError(
            f"{FILE} has no SHA-256 of whole files.", "Sign the model with model-signing's defaults."
        )
    digests: dict[str, str] = {}
    for resource in map(_mapping, _list(predicate.get("resources"))):
        name, digest = resource.get("name"), resource.get("digest")
        if not (isinstance(name, str) and isinstance(digest, str) and _SHA256.fullmatch(digest)) or name in digests:
            raise MalformedError(f"{FILE} has an entry without a name and a digest of its own.", _AS_MADE)
        digests[name] = digest
    if _root(digests) not in _subject_digests(statement):
        raise MalformedError(f"The digests in {FILE} do not come to the digest that they are signed under.", _AS_MADE)
    return digests


def _root(digests: Mapping[str, str]) -> str:
    """The digest of the model: SHA-256 over the digests of its files, in the order of their names."""
    return hashlib.sha256(b"".join(bytes.fromhex(digests[name]) for name in sorted(digests))).hexdigest()


def _subject_digests(statement: Mapping[str, object]) -> list[object]:
    return [_mapping(_mapping(subject).get("digest")).get("sha256") for subject in _list(statement.get("subject"))]


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MalformedError(f"{FILE} is no model signature.", _AS_MADE)
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise MalformedError(f"{FILE} is no model signature.", _AS_MADE)
    return value
