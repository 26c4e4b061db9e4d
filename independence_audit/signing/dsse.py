"""DSSE envelopes: a payload, its type, and signatures over both.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, version 1.0.2.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass

from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import MalformedError
from independence_audit.signing.keys import PrivateKey, PublicKey

IN_TOTO = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload; nothing is verified yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What is signed: the lengths and bytes of type and payload, so that neither can be taken for the other."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def sign(payload: bytes, key: PrivateKey, payload_type: str = IN_TOTO) -> str:
    """Write an envelope with one signature as JSON, with a newline at the end."""
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key.keyid, "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(envelope, indent=2) + "\n"


def read_envelope(content: bytes, where: str) -> Envelope:
    """Read an envelope from the bytes of its file.

    Raises:
        MalformedError: It is none.
    """
    return envelope_of(read_object(content, where), where)


def read_object(content: bytes, where: str) -> dict[str, object]:
    """Read one JSON object.

    Raises:
        MalformedError: The bytes are none.
    """
    try:
        return parse_object(content)
    except JsonError as error:
        raise MalformedError(f"{where} {error}.", "Take the file as its signer made it.") from error


def envelope_of(data: Mapping[str, object], where: str) -> Envelope:
    """Take an envelope from parsed JSON.

    Raises:
        MalformedError: It is none.
    """
    signatures = data.get("signatures")
    texts = [one.get("sig") for one in signatures if isinstance(one, dict)] if isinstance(signatures, list) else []
    payload, kind = data.get("payload"), data.get("payloadType")
    if not (isinstance(payload, str) and isinstance(kind, str) and texts):
        raise MalformedError(f"{where} is no signed envelope.", "A DSSE envelope is needed, as -o intoto= writes it.")
    try:
        decoded = tuple(base64.b64decode(text, validate=True) for text in texts if isinstance(text, str))
        return Envelope(base64.b64decode(payload, validate=True), kind, decoded)
    except (binascii.Error, ValueError) as error:
        raise MalformedError(
            f"{where} holds text that is no base64.", "Take the file as its signer made it."
        ) from error


def is_signed_by(envelope: Envelope, key: PublicKey) -> bool:
    """Whether one of the signatures is the key's over exactly this type and payload."""
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    return any(key.verify(signature, message) for signature in envelope.signatures)
