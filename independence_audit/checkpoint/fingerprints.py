"""What tells a fingerprint from weights: both are safetensors files, and only the one that was named is ever taken."""

from __future__ import annotations

import re

from independence_audit.checkpoint.header import Header

KEY = "independence_audit_fingerprint"
"""The metadata entry that holds a fingerprint's table."""

_STORED = re.compile(r"(?:sample|sketch|anchors|units)\.[0-9]{4,}(?:\..*)?")
"""How the tensors of a fingerprint are called."""


def is_fingerprint(header: Header) -> bool:
    """Whether a file is a fingerprint throughout: weights with a fingerprint's entry in their metadata are weights."""
    return KEY in header.metadata and all(_STORED.fullmatch(tensor.name) for tensor in header.tensors)
