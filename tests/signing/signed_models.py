"""The signature of a real model under ``data/``, and the same statement changed and signed by a key of one's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from independence_audit.signing.dsse import sign
from independence_audit.signing.keys import read_private_key, read_public_key
from tests.signing.key_files import saved

DATA = Path(__file__).parent / "data"
Change = Callable[[dict[str, Any]], object]


def resigned(folder: Path, change: Change) -> tuple[bytes, str]:
    """The statement, changed and signed again by a key of one's own: what only its content can give away."""
    private, public = saved(ec.generate_private_key(ec.SECP256R1()), folder)
    bundle = json.loads((DATA / "model.sig").read_bytes())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    change(statement)
    bundle["dsseEnvelope"] = json.loads(sign(json.dumps(statement).encode(), read_private_key(private)))
    bundle["verificationMaterial"]["publicKey"]["hint"] = read_public_key(public).hint
    return json.dumps(bundle).encode(), public
