"""The OpenSSF model signature: one made by model-signing 1.1.1 is verified; whatever was changed in it is refused.

``data/model.sig`` was made with ``model_signing sign key`` over a folder with ``config.json`` (two bytes: ``{}``) and
``model.safetensors`` (``data/weights.bin``); ``data/signer.pub`` is its key, whose private half was thrown away.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from independence_audit.errors import MalformedError, UnsupportedError
from independence_audit.signing.keys import read_public_key
from independence_audit.signing.model_signature import verify_model_signature
from tests.signing.key_files import saved
from tests.signing.signed_models import DATA, Change, resigned


def test_a_real_signature_is_verified() -> None:
    """The digests are those of the files that were signed."""
    key = read_public_key(str(DATA / "signer.pub"))
    signature = verify_model_signature((DATA / "model.sig").read_bytes(), key)
    weights = hashlib.sha256((DATA / "weights.bin").read_bytes()).hexdigest()
    assert signature.digests == {"config.json": hashlib.sha256(b"{}").hexdigest(), "model.safetensors": weights}


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Also where the bundle does not say whose it is."""
    _, public = saved(ec.generate_private_key(ec.SECP256R1()), tmp_path)
    key = read_public_key(public)
    content = json.loads((DATA / "model.sig").read_bytes())
    with pytest.raises(MalformedError, match="another key"):
        verify_model_signature(json.dumps(content).encode(), key)
    del content["verificationMaterial"]["publicKey"]["hint"]
    with pytest.raises(MalformedError, match="not that of the key"):
        verify_model_signature(json.dumps(content).encode(), key)


def test_a_signature_of_ones_own_passes(tmp_path: Path) -> None:
    """The way of signing again is right, so that the refusals below are about the changes."""
    content, public = resigned(tmp_path, lambda statement: None)
    assert verify_model_signature(content, read_public_key(public)).digests


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda s: s["predicate"]["resources"][0].update(digest="0" * 64), MalformedError),
        (lambda s: s["predicate"]["resources"].pop(), MalformedError),
        (lambda s: s["predicate"]["resources"].append(s["predicate"]["resources"][0]), MalformedError),
        (lambda s: s["predicate"]["resources"][0].update(digest="short"), MalformedError),
        (lambda s: s["predicate"]["resources"][0].pop("name"), MalformedError),
        (lambda s: s["predicate"].update(resources={}), MalformedError),
        (lambda s: s.update(predicate=[]), MalformedError),
        (lambda s: s.update(subject=[]), MalformedError),
        (lambda s: s.update(predicateType="https://model_signing/signature/v9"), UnsupportedError),
        (lambda s: s["predicate"]["serialization"].update(method="shards"), UnsupportedError),
    ],
    ids=["other", "fewer", "twice", "short", "nameless", "no-list", "no-table", "no-subject", "version", "shards"],
)
def test_statements_that_contradict_themselves(change: Change, error: type[Exception], tmp_path: Path) -> None:
    """A good signature over a bad statement is no pass."""
    content, public = resigned(tmp_path, change)
    with pytest.raises(error):
        verify_model_signature(content, read_public_key(public))


def test_certificates_are_left_to_sigstore() -> None:
    """A signature without a key says how to verify it."""
    bundle = json.loads((DATA / "model.sig").read_bytes())
    bundle["verificationMaterial"] = {"certificate": {}}
    with pytest.raises(UnsupportedError, match="not signed by a key"):
        verify_model_signature(json.dumps(bundle).encode(), read_public_key(str(DATA / "signer.pub")))
